"""The explorer: its files, its headers, and its signature, which is the one that the product checks."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import aiohttp
import pytest

from support.system import run
from wisipay.access import sign, v2_message
from wisipay.core.config import Settings
from wisipay.core.http_serve import running
from wisipay.core.http_server import create_app
from wisipay.reference import http
from wisipay.reference.http import build_handlers

PAGES = Path(http.__file__).with_name("pages")
SCRIPT = """
import { webcrypto } from "node:crypto";
globalThis.crypto ??= webcrypto;
const { sign } = await import("./signing.mjs");
const [secret, method, path, body, timestamp] = process.argv.slice(2);
console.log(JSON.stringify(await sign(secret, method, path, body, timestamp)));
"""


async def test_the_page_and_its_files_come_from_here_only(settings: Settings) -> None:
    app = create_app(route_handlers=build_handlers(), settings=settings, service="test", title="test", ready_checks={})
    async with running(app) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        async with session.get("/docs") as answer:
            page = await answer.text()
            assert (answer.status, answer.content_type) == (200, "text/html")
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        wanted = [*re.findall(r'(?:src|href)="(/docs/[^"]+)"', page), "/docs/signing.js"]
        assert len(wanted) == 3
        for path in wanted:
            async with session.get(path) as answer:
                text = await answer.text()
                assert (answer.status, answer.content_type) == (
                    200,
                    "text/css" if path.endswith(".css") else "text/javascript",
                )
            assert not re.search(r"https?://(?!127)", text), "nothing foreign"
            assert "innerHTML" not in text
    assert "<script>" not in page
    assert not re.search(r"https?://", page)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_browser_signs_as_the_product_verifies(tmp_path: Path) -> None:
    (tmp_path / "signing.mjs").write_bytes((PAGES / "signing.js").read_bytes())
    (tmp_path / "run.mjs").write_text(SCRIPT, encoding="utf-8")
    for method, path, body in (("POST", "/api/x?a=1", '{"name":"आशा"}'), ("GET", "/api/payment/ORDER-10001", "")):
        told = json.loads(run("node", tmp_path / "run.mjs", "a secret", method, path, body, "1770323283897").stdout)
        message = v2_message(method=method, path_and_query=path, body=body.encode(), timestamp="1770323283897")
        assert told["message"].encode() == message
        assert told["signature"] == f"v2={sign(b'a secret', message)}"
