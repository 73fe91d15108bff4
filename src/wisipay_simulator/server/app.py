"""The application: finds a request's handler and makes an answer of whatever happens. Never raises."""

import logging

from wisipay_simulator.server.http import MAX_BODY_BYTES, Answer, ProblemError, Request, Router

_log = logging.getLogger(__name__)


class Application:
    """Serves a router."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def answer(self, request: Request) -> Answer:
        """Serve one request."""
        if len(request.body) > MAX_BODY_BYTES:
            return ProblemError(413, "PAYLOAD_TOO_LARGE", f"a body is at most {MAX_BODY_BYTES} bytes").answer()
        try:
            handler, request.arguments = self._router.find(request.method, request.path)
            return handler(request)
        except ProblemError as problem:
            return problem.answer()
        except Exception:  # noqa: BLE001 - the last resort: a defect becomes a 500 and a log line
            _log.exception("%s %s failed", request.method, request.path)
            return ProblemError(500, "SIMULATOR_ERROR", "a defect of the simulator; see its log").answer()
