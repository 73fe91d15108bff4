"""The Postman collection is the document's, has every operation, and signs as the product verifies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from postman_collection import COLLECTION, collection, document, text
from support.system import run
from wisipay.access import sign, v2_message

PROGRAM = """
import { createHash, createHmac } from "node:crypto";
const variables = { merchantId: "MER-1", secret: "a secret", askedFor: "ORDER-10001" };
const headers = {};
const told = (digest) => ({ toString: () => digest.digest("hex") });
const require = () => ({
  SHA256: (text) => told(createHash("sha256").update(text)),
  HmacSHA256: (text, key) => told(createHmac("sha256", key).update(text)),
});
const pm = {
  variables: {
    set: (name, value) => { variables[name] = value; },
    get: (name) => variables[name],
    replaceIn: (text) => text.replace(/\\{\\{(\\w+)\\}\\}/g, (_, name) => variables[name]),
  },
  request: {
    method: process.argv[2],
    url: { getPathWithQuery: () => process.argv[3] },
    body: { raw: process.argv[4], update(made) { this.raw = made.raw; } },
    headers: { upsert: ({ key, value }) => { headers[key] = value; } },
  },
};
new Function("pm", "require", process.argv[5])(pm, require);
console.log(JSON.stringify({ headers, body: pm.request.body.raw }));
"""


def test_the_committed_collection_is_the_documents() -> None:
    assert COLLECTION.read_text(encoding="utf-8") == text(), "run: python scripts/postman_collection.py"


def test_every_operation_is_in_it() -> None:
    described = document()
    made = collection(described)
    shown = {
        (each["request"]["method"], each["request"]["url"]["raw"]) for folder in made["item"] for each in folder["item"]
    }
    expected = {
        (
            method.upper(),
            "{{baseUrl}}"
            + path.replace("{order_id}", "{{askedFor}}")
            .replace("{event_id}", "{{eventId}}")
            .replace("{endpoint_id}", "{{endpointId}}"),
        )
        for path, operations in described["paths"].items()
        for method in operations
        if path.startswith("/api/")
    }
    assert shown == expected


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_its_script_signs_as_the_product_verifies(tmp_path: Path) -> None:
    made = collection(document())
    (script,) = [event["script"]["exec"] for event in made["event"]]
    (tmp_path / "run.mjs").write_text(PROGRAM, encoding="utf-8")
    payin, status = made["item"][0]["item"][0]["request"], made["item"][2]["item"][0]["request"]
    for request, path in ((payin, "/api/payment/payin/initiate"), (status, "/api/payment/ORDER-10001")):
        raw = request.get("body", {}).get("raw", "")
        sent = "/" + "/".join(request["url"]["path"])
        told: dict[str, Any] = json.loads(
            run("node", tmp_path / "run.mjs", request["method"], sent, raw, "\n".join(script)).stdout
        )
        assert "{{" not in told["body"]
        headers = told["headers"]
        message = v2_message(
            method=request["method"], path_and_query=path, body=told["body"].encode(), timestamp=headers["x-timestamp"]
        )
        assert headers["x-signature"] == f"v2={sign(b'a secret', message)}"
        assert headers["x-merchant-id"] == "MER-1"
