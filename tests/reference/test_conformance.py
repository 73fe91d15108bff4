"""Whatever fits the OpenAPI document, and whatever does not, is answered as the document says, and never by a 5xx.

schemathesis makes the requests, a merchant of the seed signs them. `make conformance` runs thousands of them.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from redis.asyncio import Redis
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from support.installation import installation
from support.simulator import Simulator, running_simulator
from wisipay.access import sign, v2_message
from wisipay.core import http_waits
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.core.http_serve import running
from wisipay.entrypoints.payment import build
from wisipay.entrypoints.seed import seed
from wisipay.merchants import gate

CASES = int(os.environ.get("CONFORMANCE_CASES", "3"))
"""Requests per operation and mode."""
CHECKS: list[Callable[..., Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

pytestmark = [
    pytest.mark.timeout(120 + CASES * 2),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # what schemathesis's own libraries warn of
]


class Signing(AuthBase):
    """Signs each request as it goes out, over the bytes that go out."""

    def __init__(self, merchant_id: str, secret: str) -> None:
        self._merchant_id = merchant_id
        self._secret = secret.encode()
        self._milliseconds = count(time.time_ns() // 1_000_000 - 30_000)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        assert isinstance(body, bytes)
        timestamp = str(max(next(self._milliseconds), time.time_ns() // 1_000_000 - 30_000))
        message = v2_message(
            method=f"{request.method}", path_and_query=request.path_url, body=body, timestamp=timestamp
        )
        request.headers["x-merchant-id"] = self._merchant_id
        request.headers["x-timestamp"] = timestamp
        request.headers["x-signature"] = f"v2={sign(self._secret, message)}"
        return request


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """Run a provider."""
    async with running_simulator() as simulator:
        yield simulator


@pytest.fixture
async def signing(
    database: Pool, redis: Redis, settings: Settings, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[str, Signing]]:
    """Serve the merchant API, whose rates let everything through; give its address and a merchant of it."""
    del database, redis
    monkeypatch.setattr(gate, "SANDBOX_TPS", 1_000_000)
    monkeypatch.setattr(gate, "DEVELOPER_TPS", 1_000_000)
    monkeypatch.setattr(http_waits, "WAITING_OF_ONE_MAX", 0)  # whoever asks to wait is refused, as is described
    own = installation(settings, simulator, system_tps=1_000_000)
    merchant = (await seed(own))[0]
    async with build(own) as app, running(app, port=own.payment_port):
        yield own.app_base_url, Signing(merchant["id"], merchant["secret"])


@pytest.mark.parametrize("mode", list(GenerationMode))
async def test_every_operation_answers_as_the_document_says(signing: tuple[str, Signing], mode: GenerationMode) -> None:
    url, merchant = signing
    told = await asyncio.to_thread(_try_all, url, merchant, mode)
    assert sum(told.values()) >= 10 * min(CASES, 3), told
    if mode is GenerationMode.POSITIVE:
        assert told[200], told
    print(mode, dict(told))  # noqa: T201 - what `make conformance` is called for


def _try_all(url: str, merchant: Signing, mode: GenerationMode) -> Counter[int]:
    told: Counter[int] = Counter()
    schema = schemathesis.openapi.from_url(f"{url}/schema/openapi.json")

    @settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        derandomize=CASES < 100,  # the short run is the same each time, the long one never
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def try_case(case: Any) -> None:  # noqa: ANN401 - schemathesis's own type
        answer = case.call(auth=merchant)
        told[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        with suppress(Unsatisfiable):  # what takes nothing cannot be asked wrongly
            given(case=found.ok().as_strategy(generation_mode=mode))(try_case)()
    return told
