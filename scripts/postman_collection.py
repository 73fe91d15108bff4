"""Writes the Postman collection of docs/integrate from the OpenAPI document: `python scripts/postman_collection.py`.

Decides folders, variables and the script that signs each request (v2). `tests/reference/test_postman.py` fails when
the file is not what this script writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

from wisipay.core.config import Settings
from wisipay.core.http_openapi import completed
from wisipay.core.http_server import create_app
from wisipay.developers.http import DeveloperApi
from wisipay.developers.http import build_handlers as developer_handlers
from wisipay.payments.http import OPENAPI_EXTRA, MerchantApi, build_handlers

COLLECTION: Final = Path(__file__).parents[1] / "docs" / "integrate" / "wisipay.postman_collection.json"
_SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_SIGNED: Final = frozenset({"x-merchant-id", "x-timestamp", "x-signature"})
_VARIABLES: Final = {"order_id": "askedFor", "event_id": "eventId", "endpoint_id": "endpointId"}
_SIGNING: Final = """
const cryptoJs = require("crypto-js");
pm.variables.set("orderId", `PM-${Date.now()}`);
const body = pm.request.body && pm.request.body.raw ? pm.variables.replaceIn(pm.request.body.raw) : "";
if (body) pm.request.body.update({ mode: "raw", raw: body });
const timestamp = String(Date.now());
const path = pm.variables.replaceIn(pm.request.url.getPathWithQuery());
const message = [timestamp, pm.request.method, path, cryptoJs.SHA256(body).toString()].join("\\n");
const signature = cryptoJs.HmacSHA256(message, pm.variables.get("secret")).toString();
pm.request.headers.upsert({ key: "x-merchant-id", value: pm.variables.get("merchantId") });
pm.request.headers.upsert({ key: "x-timestamp", value: timestamp });
pm.request.headers.upsert({ key: "x-signature", value: `v2=${signature}` });
""".strip()


def document() -> dict[str, Any]:
    """Return the OpenAPI document of the merchant API; nothing needs to run for it."""
    nothing = cast("Any", None)
    api = MerchantApi(gate=nothing, payments=nothing, keys=nothing, amount_unit="RUPEES", payment_link=nothing)
    developers = DeveloperApi(
        gate=nothing,
        pool=nothing,
        events=nothing,
        clock=nothing,
        unit="RUPEES",
        polls=nothing,
        box=nothing,
        https_only=True,
    )
    app = create_app(
        route_handlers=[
            *build_handlers(api),
            *build_handlers(replace(api, is_sandbox=True)),
            *developer_handlers(developers),
        ],
        settings=Settings(jwt_secret="of-no-use-nothing-is-signed-with-it"),  # noqa: S106 - says so itself
        service="payment",
        title="Wisipay merchant API",
        ready_checks={},
        openapi_extra=OPENAPI_EXTRA,
    )
    shown: dict[str, Any] = json.loads(json.dumps(completed(app.openapi_schema.to_schema())))
    return shown


def collection(described: dict[str, Any]) -> dict[str, Any]:
    """Return the Postman collection of a document: a folder per tag, a request per operation and example."""
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if path.startswith("/api/"):
                items = list(_requests(path, method.upper(), operation))
                folders.setdefault(operation["tags"][0], []).extend(items)
    return {
        "info": {
            "name": described["info"]["title"],
            "description": "Set baseUrl, merchantId and secret; every request is signed before it is sent.",
            "schema": _SCHEMA,
        },
        "variable": [
            {"key": "baseUrl", "value": "http://127.0.0.1:4001"},
            {"key": "merchantId", "value": "MER-1"},
            {"key": "secret", "value": "", "type": "secret"},
            {"key": "askedFor", "value": "ORDER-10001"},
            {"key": "eventId", "value": ""},
            {"key": "endpointId", "value": ""},
        ],
        "event": [
            {"listen": "prerequest", "script": {"type": "text/javascript", "exec": _SIGNING.splitlines()}},
        ],
        "item": [{"name": tag, "item": items} for tag, items in folders.items()],
    }


def _requests(path: str, method: str, operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    shown = path
    for name, variable in _VARIABLES.items():
        shown = shown.replace(f"{{{name}}}", f"{{{{{variable}}}}}")
    request: dict[str, Any] = {
        "method": method,
        "header": [
            {"key": each["name"], "value": each["schema"]["examples"][0], "disabled": True}
            for each in operation["parameters"]
            if each["in"] == "header" and each["name"] not in _SIGNED
        ],
        "url": {"raw": f"{{{{baseUrl}}}}{shown}", "host": ["{{baseUrl}}"], "path": shown.strip("/").split("/")},
    }
    query = [each for each in operation["parameters"] if each["in"] == "query"]
    if query:
        request["url"]["query"] = [
            {"key": each["name"], "value": "", "description": each["description"], "disabled": True} for each in query
        ]
    if "requestBody" not in operation:
        yield {"name": operation["summary"], "request": request}
        return
    request["header"].insert(0, {"key": "content-type", "value": "application/json"})
    for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
        value = example["value"]
        raw = json.dumps(value | {"orderId": "{{orderId}}"} if "orderId" in value else value, indent=2)
        body = {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
        yield {"name": f"{operation['summary']}: {example['summary']}", "request": {**request, "body": body}}


def text() -> str:
    """Return the file's content."""
    return json.dumps(collection(document()), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    COLLECTION.write_text(text(), encoding="utf-8")
    print(f"wrote {COLLECTION.relative_to(COLLECTION.parents[2])}")
