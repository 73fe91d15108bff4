"""Plays an instance: answers 200 on its port, and misbehaves as its arguments say."""

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    """Says that all is well."""

    def do_GET(self) -> None:
        """Answer 200, or 503 for an instance that never gets ready."""
        self.send_response(503 if "never-ready" in sys.argv else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def main() -> None:
    """Serve on the port given first until SIGTERM."""
    if "fail" in sys.argv:
        sys.exit("FATAL: cannot start, on purpose")
    server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    if "ignore-term" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    sys.stdout.write(f"instance {os.getpid()} serves {os.environ.get('GREETING', '')}\n")
    server.serve_forever()
    sys.stdout.write("drained\n")


main()
