"""The demo's merchant signs as the gate verifies, and tells how a call ended; so does the line to paste."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping

import msgspec
import pytest
from aiohttp import web

from support.fake_clock import FakeClock
from support.merchant_endpoint import MerchantEndpoint, Received, merchant_endpoint
from wisipay.access import signing
from wisipay.core.http_client import HttpClient
from wisipay.entrypoints.demonstration.by_hand import curl_line
from wisipay.entrypoints.demonstration.merchant import ApiAnswer, MerchantClient, SignatureVersion
from wisipay.payments.validation import payin_request

SECRET = "-it's a secret"
PATH = "/api/payment/payin/initiate"


def _is_signed(request: Received) -> bool:
    """Whether the product's own gate would take the signature."""
    signature = signing.parse_signature(request.headers["x-signature"])
    assert signature is not None
    timestamp = request.headers["x-timestamp"]
    message = (
        signing.v1_message(request.body, timestamp)
        if signature.version is signing.SignatureVersion.V1
        else signing.v2_message(method="POST", path_and_query=request.path, body=request.body, timestamp=timestamp)
    )
    return signing.matching_secret([SECRET.encode()], message, signature.digest)


async def _initiate(url: str, version: SignatureVersion = "v2") -> ApiAnswer:
    async with HttpClient(private_addresses_allowed=True) as client:
        merchant = MerchantClient(
            client, FakeClock(), base_url=url, merchant_id="MER-1", secret=SECRET, version=version
        )
        return await merchant.initiate("payin", {"orderId": "ORDER-1"})


def _answering(endpoint: MerchantEndpoint, status: int, body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    endpoint.answer = answer


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_request_is_signed_in_either_version(version: SignatureVersion) -> None:
    async with merchant_endpoint() as endpoint:
        answer = await _initiate(endpoint.url, version)
        (request,) = endpoint.received
    assert answer.is_ok
    assert request.path == PATH
    assert request.headers["x-merchant-id"] == "MER-1"
    assert request.headers["x-timestamp"] == "1767323045000"
    assert request.headers["x-signature"].startswith("v2=") is (version == "v2")
    assert _is_signed(request)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"success": False, "error": "no", "code": "FORBIDDEN", "details": {}}, "FORBIDDEN"),
        ({"success": False, "error": {"code": "PAY_1205", "message": "no"}}, "PAY_1205"),
        ("no object", ""),
    ],
)
async def test_a_refusal_carries_its_code(body: Mapping[str, object] | str, code: str) -> None:
    async with merchant_endpoint() as endpoint:
        _answering(endpoint, 402, msgspec.json.encode(body))
        assert await _initiate(endpoint.url) == ApiAnswer(402, code)


async def test_a_lost_answer_is_no_error_of_the_merchant() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        answer = await _initiate(f"http://127.0.0.1:{deaf.getsockname()[1]}")
    assert answer.status == 0
    assert not answer.is_ok


@pytest.mark.parametrize("shell", ["sh", "bash"])
async def test_the_line_to_paste_signs_a_valid_payin(shell: str) -> None:
    async with merchant_endpoint() as endpoint:
        process = await asyncio.create_subprocess_exec(
            shell, "-c", curl_line("MER-1", SECRET, endpoint.url), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        (request,) = endpoint.received
    assert output == b"thank you\n"
    assert request.path == PATH
    assert _is_signed(request)
    assert payin_request(request.body, "RUPEES").order_id == f"HAND-{request.headers['x-timestamp'][:-3]}"
