"""What every instance answers, over real connections."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec
import pytest
import structlog
from litestar import Litestar, Request, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from openapi_spec_validator import OpenAPIV31SpecValidator

from wisipay.core.bodies import decode_body
from wisipay.core.config import Settings
from wisipay.core.errors import AppError, Conflict, ServiceUnavailable, TooManyRequests
from wisipay.core.http_client import HttpAnswer, HttpClient
from wisipay.core.http_server import create_app, json_only, running
from wisipay.core.http_wire import wire_request
from wisipay.core.logging import bind_request
from wisipay.core.metrics import REGISTRY


class Thing(msgspec.Struct):
    amount: int
    name: str


class PaymentError(AppError):
    """An error of a slice, with a body of its own."""

    http_status = 402

    def body(self) -> dict[str, Any]:
        return {"success": False, "error": {"code": "PAY_1205"}}


@post("/things", guards=[json_only], status_code=200)
async def make_thing(data: JSONBody[Thing]) -> Thing:
    return data


@post("/raw", status_code=200)
async def raw(request: Request[Any, Any, Any]) -> dict[str, Any]:
    bind_request(merchant_id="MER-1")
    wire = await wire_request(request)
    return {**msgspec.structs.asdict(wire), "body": None, "size": len(wire.body)}


@post("/strict", status_code=200)
async def strict(request: Request[Any, Any, Any]) -> Thing:
    return decode_body(await request.body(), Thing)


@get("/orders/{order_id:str}")
async def order(order_id: FromPath[str], limit: FromQuery[int] = 1) -> dict[str, Any]:
    return {"orderId": order_id, "limit": limit}


@get("/fails/{how:str}")
async def fails(how: FromPath[str]) -> None:
    known: dict[str, Exception] = {
        "conflict": Conflict("used before", details={"orderId": "O-1"}),
        "wait": TooManyRequests(retry_after_seconds=2),
        "down": ServiceUnavailable(),
        "payment": PaymentError(),
        "database": asyncpg.CannotConnectNowError("the database at 10.0.0.7 is starting up"),
        "bug": RuntimeError("ravi@okhdfc has the password Qsecret"),
    }
    raise known[how]


STATE = {"redis_up": True}


async def database_ready() -> None:
    """Answer."""


async def redis_ready() -> None:
    if not STATE["redis_up"]:
        raise ConnectionError("Qsecret")


async def archive_away() -> None:
    raise ConnectionError("gone")


@pytest.fixture(scope="module")
def app() -> Litestar:
    return create_app(
        route_handlers=[make_thing, raw, strict, order, fails],
        settings=Settings(),
        service="payment",
        title="Things",
        ready_checks={"database": database_ready, "redis": redis_ready},
        optional_checks={"archive": archive_away},
        openapi_extra={"description": "For tests"},
    )


@pytest.fixture(scope="module")
async def base_url(app: Litestar) -> AsyncIterator[str]:
    async with running(app) as port:
        yield f"http://127.0.0.1:{port}"


class Caller:
    def __init__(self, client: HttpClient, base_url: str) -> None:
        self.client, self.base_url = client, base_url

    async def __call__(self, method: str, path: str, body: bytes | None = None, **headers: str) -> HttpAnswer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, self.base_url + path, headers=named, body=body, timeout_seconds=10)


@pytest.fixture
async def call(base_url: str) -> AsyncIterator[Caller]:
    async with HttpClient(private_addresses_allowed=True) as client:
        yield Caller(client, base_url)


JSON = {"content_type": "application/json"}


def refusal(answer: HttpAnswer) -> tuple[int, str, dict[str, str]]:
    body = json.loads(answer.body)
    assert set(body) == {"success", "error", "code", "details"}
    assert body["success"] is False
    assert answer.headers["content-type"] == "application/json"
    return answer.status, body["code"], body["details"]


async def test_a_proper_body_is_taken(call: Caller) -> None:
    answer = await call("POST", "/things", b'{"amount":1,"name":"x"}', content_type="application/json; charset=utf-8")
    assert (answer.status, answer.body) == (200, b'{"amount":1,"name":"x"}')


@pytest.mark.parametrize("path", ["/things", "/strict"])
@pytest.mark.parametrize(
    ("body", "details"),
    [
        (b'{"amount":1}', {"name": "is missing"}),
        (b'{"amount":1,"name":2}', {"name": "Expected `str`, got `int`"}),
        (b'{"amount":', {}),
        (b"\xff", {}),
        (b"[]", {"body": "Expected `object`, got `array`"}),
    ],
)
async def test_a_body_at_fault_names_its_fields(call: Caller, path: str, body: bytes, details: dict[str, str]) -> None:
    assert refusal(await call("POST", path, body, **JSON)) == (400, "BAD_REQUEST", details)


async def test_a_missing_body_is_said_to_be_missing(call: Caller) -> None:
    assert refusal(await call("POST", "/things", None, **JSON)) == (400, "BAD_REQUEST", {"body": "is missing"})


async def test_a_number_in_quotes_is_no_number_where_bodies_are_read_strictly(call: Caller) -> None:
    answer = await call("POST", "/strict", b'{"amount":"1","name":"x"}', **JSON)
    assert refusal(answer) == (400, "BAD_REQUEST", {"amount": "Expected `int`, got `str`"})


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/jsonp", "application/x-www-form-urlencoded"])
async def test_a_body_that_is_not_declared_as_json_is_415(call: Caller, content_type: str) -> None:
    answer = await call("POST", "/things", b'{"amount":1,"name":"x"}', content_type=content_type)
    assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE", {})


async def test_a_body_of_64_kib_is_taken_and_one_byte_more_is_413(call: Caller) -> None:
    assert (await call("POST", "/raw", b"x" * 65_536)).status == 200
    assert refusal(await call("POST", "/raw", b"x" * 65_537)) == (413, "PAYLOAD_TOO_LARGE", {})


async def test_a_body_sent_in_chunks_is_held_to_the_limit_too(base_url: str) -> None:
    host, _, port = base_url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /raw HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(5):
        writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
    writer.write(b"0\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_an_unknown_path_and_an_unknown_method_have_the_same_shape(call: Caller) -> None:
    assert refusal(await call("GET", "/nowhere")) == (404, "NOT_FOUND", {})
    answer = await call("GET", "/things")
    assert refusal(answer) == (405, "METHOD_NOT_ALLOWED", {})
    assert answer.headers["allow"] == "POST, OPTIONS"


async def test_a_wrong_parameter_is_named(call: Caller) -> None:
    assert refusal(await call("GET", "/orders/1?limit=x")) == (
        400,
        "BAD_REQUEST",
        {"limit": "Expected `int`, got `str`"},
    )


async def test_errors_of_slices_become_their_answers(call: Caller) -> None:
    assert refusal(await call("GET", "/fails/conflict")) == (409, "CONFLICT", {"orderId": "O-1"})
    assert refusal(await call("GET", "/fails/down")) == (503, "SERVICE_UNAVAILABLE", {})
    assert (await call("GET", "/fails/wait")).headers["retry-after"] == "2"
    answer = await call("GET", "/fails/payment")
    assert (answer.status, json.loads(answer.body)) == (402, {"success": False, "error": {"code": "PAY_1205"}})


async def test_a_database_that_is_away_may_be_asked_again(call: Caller) -> None:
    answer = await call("GET", "/fails/database")
    assert refusal(answer) == (503, "STORE_UNAVAILABLE", {})
    assert answer.headers["retry-after"] == "1"
    assert b"10.0.0.7" not in answer.body


async def test_a_bug_is_answered_with_the_request_id_and_nothing_else(call: Caller) -> None:
    answer = await call("GET", "/fails/bug", x_request_id="R-7")
    assert refusal(answer) == (500, "INTERNAL_ERROR", {"requestId": "R-7"})
    assert b"Qsecret" not in answer.body


@pytest.mark.parametrize("path", ["/health", "/nowhere", "/fails/bug", "/fails/conflict", "/schema/openapi.json"])
async def test_every_answer_carries_a_request_id(call: Caller, path: str) -> None:
    assert (await call("GET", path, x_request_id="abc-1.2:3_4")).headers["x-request-id"] == "abc-1.2:3_4"
    made = (await call("GET", path)).headers["x-request-id"]
    assert made.startswith("RQ")
    assert made != (await call("GET", path)).headers["x-request-id"]


@pytest.mark.parametrize("given", ["a b", "x" * 65, "<script>", "a,b", "\xe4"])
async def test_a_request_id_that_is_not_sane_is_replaced(call: Caller, given: str) -> None:
    assert (await call("GET", "/health", x_request_id=given)).headers["x-request-id"].startswith("RQ")


async def test_the_context_is_the_request_as_it_came_over_the_wire(call: Caller) -> None:
    answer = json.loads((await call("POST", "/raw?b=2&a=%2F", b"xyz", X_Timestamp="1", x_request_id="R-1")).body)
    assert (answer["size"], answer["method"], answer["path_and_query"]) == (3, "POST", "/raw?b=2&a=%2F")
    assert (answer["request_id"], answer["peer_address"]) == ("R-1", "127.0.0.1")
    assert answer["headers"]["x-timestamp"] == "1"


async def test_readiness_names_each_dependency_and_no_reason(call: Caller) -> None:
    answer = await call("GET", "/health/ready")
    assert (answer.status, json.loads(answer.body)) == (
        200,
        {"status": "ready", "service": "payment", "dependencies": {"database": "up", "redis": "up", "archive": "down"}},
    )
    STATE["redis_up"] = False
    answer = await call("GET", "/health/ready")
    STATE["redis_up"] = True
    assert (answer.status, json.loads(answer.body)["dependencies"]) == (
        503,
        {"database": "up", "redis": "down", "archive": "down"},
    )
    assert b"Qsecret" not in answer.body


async def test_liveness_asks_nobody(call: Caller) -> None:
    STATE["redis_up"] = False
    answer = await call("GET", "/health")
    STATE["redis_up"] = True
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok", "service": "payment"})


async def test_the_access_log_has_one_line_per_request_but_not_for_health(call: Caller) -> None:
    with structlog.testing.capture_logs() as lines:
        await call("POST", "/raw?secret=Qsecret", b"x")
        await call("GET", "/orders/O-1")
        await call("GET", "/health")
    first, second = [line for line in lines if line["event"] == "http.request"]
    assert (first["method"], first["route"], first["path"], first["status"]) == ("POST", "/raw", "/raw", 200)
    assert first["milliseconds"] > 0
    assert (second["route"], second["path"]) == ("/orders/{order_id}", "/orders/O-1")
    assert "Qsecret" not in repr(lines)


async def test_requests_are_counted_by_route_and_unknown_paths_as_one(call: Caller) -> None:
    def count(route: str, status: str) -> int:
        labels = {"route": route, "method": "GET", "status": status}
        return int(REGISTRY.get_sample_value("wisipay_http_requests_total", labels) or 0)

    before = count("/orders/{order_id}", "200"), count("unmatched", "404")
    for number in range(3):
        await call("GET", f"/orders/{number}")
        await call("GET", f"/unknown/{number}")
    assert (count("/orders/{order_id}", "200"), count("unmatched", "404")) == (before[0] + 3, before[1] + 3)


async def test_the_openapi_document_is_valid_and_describes_our_errors(call: Caller) -> None:
    answer = await call("GET", "/schema/openapi.json")
    document = json.loads(answer.body)
    assert answer.status == 200
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")
    assert document["info"] == {"title": "Things", "version": document["info"]["version"], "description": "For tests"}
    error = document["paths"]["/things"]["post"]["responses"]["400"]["content"]["application/json"]["schema"]
    assert error == {"$ref": "#/components/schemas/Error"}
    assert set(document["components"]["schemas"]["Error"]["required"]) == {"success", "error", "code", "details"}
    assert b"status_code" not in answer.body


async def test_answers_on_a_kept_connection_do_not_wait_for_acknowledgements(call: Caller) -> None:
    seconds = sorted([(await call("POST", "/raw", b"x")).seconds for _ in range(20)])
    assert seconds[5] < 0.035, "with Nagle's algorithm on, all but the first few answers take 40 ms"
