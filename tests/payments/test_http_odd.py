"""Odd requests over HTTP: each gets the answer of the contract's table, and its request id."""

from __future__ import annotations

from support.shop import Shop, payin_body

PATH = "/api/payment/payin/initiate"


async def _post(shop: Shop, body: bytes, **headers: str) -> tuple[int, str, dict[str, str]]:
    named = shop.signed("POST", PATH, body) | {name.replace("_", "-"): value for name, value in headers.items()}
    async with shop.session.post(shop.url + PATH, data=body, headers=named) as answer:
        told = await answer.json()
        assert answer.headers["x-request-id"]
        assert told["success"] is False
        return answer.status, told["code"], told["details"]


async def test_odd_bodies_types_and_encodings(shop: Shop) -> None:
    assert await _post(shop, b'{"a":1,"a":2}') == (400, "BAD_REQUEST", {"a": "is given more than once"})
    assert (await _post(shop, b"[" * 60_000))[:2] == (400, "BAD_REQUEST")
    assert (await _post(shop, b'{"a":' * 12_000, x_signature=""))[:2] == (400, "BAD_REQUEST")
    assert (await _post(shop, b""))[2] == {"body": "is empty"}
    assert (await _post(shop, b"{}", content_type="text/plain"))[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert (await _post(shop, b"{}", content_encoding="gzip"))[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert (await _post(shop, b" " * 65_537))[:2] == (413, "PAYLOAD_TOO_LARGE")
    assert (await _post(shop, b" " * 65_536))[2] == {"body": "is empty"}


async def test_order_ids_that_cannot_be_one_are_not_found(shop: Shop) -> None:
    for odd in ("%00%00%00%00%00", "%ff%fe%fd%fc%fb", "ORDER%0A", "%F0%9F%98%80", "a" * 4_000, "..%2f..%2f"):
        for path in (f"/api/payment/{odd}", f"/api/payment/payin/status/{odd}", f"/api/payment/uat/{odd}"):
            headers = shop.signed("GET", path, b"")
            async with shop.session.get(f"{shop.url}{path}", headers=headers, allow_redirects=False) as answer:
                assert (answer.status, (await answer.json())["code"]) in {(404, "NOT_FOUND"), (403, "FORBIDDEN")}, path


async def test_debugging_is_not_mounted_unless_asked_for(shop: Shop) -> None:
    async with shop.session.post(f"{shop.url}/webhook/debug", json=payin_body("x")) as answer:
        assert answer.status in {404, 405}
    async with shop.session.post(f"{shop.url}/webhook/debug/tag", json=payin_body("x")) as answer:
        assert answer.status == 404
