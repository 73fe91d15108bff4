"""Overload protection: how many are admitted, and what the refused are told."""

from __future__ import annotations

import asyncio
import heapq
import json
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count

import pytest
from litestar import get, post
from litestar.params import FromPath

from support.waiting import until
from wisipay.core.admission import CEILING, FLOOR, START, Admission, AdmissionGuard, Stay, outside
from wisipay.core.config import Settings
from wisipay.core.http_client import HttpAnswer, HttpClient
from wisipay.core.http_server import create_app, running
from wisipay.core.metrics import REGISTRY

TARGET_SECONDS = 0.1


class Shop:
    """A process that finishes so many requests a second, one after the other, after a wait for a provider.

    Time passes only in `flood`.
    """

    def __init__(self, per_second: float, provider_seconds: float = 0.0) -> None:
        self.now = 0.0
        self.per_second = per_second
        self.provider_seconds = provider_seconds
        self.admission = Admission(TARGET_SECONDS, lambda: self.now)
        self.latencies: list[tuple[float, float]] = []
        self.refused: list[float] = []
        self._order = count()
        self._events: list[tuple[float, int, Stay | None, float, str]] = []
        self._free_at = 0.0

    def flood(self, per_second: float, seconds: float) -> None:
        """Let requests arrive at even gaps."""
        start = self.now
        for number in range(int(per_second * seconds)):
            self._plan(start + number / per_second, None, 0.0, "arrives")
        while self._events and self._events[0][0] < start + seconds:
            self._step()
        self.now = start + seconds

    def _plan(self, at: float, stay: Stay | None, since: float, what: str) -> None:
        heapq.heappush(self._events, (at, next(self._order), stay, since, what))

    def _step(self) -> None:
        self.now, _, stay, since, what = heapq.heappop(self._events)
        if what == "arrives":
            stay = self.admission.enter()
            if stay is None:
                self.refused.append(self.now)
            else:
                stay.go_outside()
                self._plan(self.now + self.provider_seconds, stay, self.now, "answered")
            return
        assert stay is not None
        if what == "answered":
            stay.come_back()
            self._free_at = max(self._free_at, self.now) + 1 / self.per_second
            self._plan(self._free_at, stay, since, "done")
        else:
            stay.leave()
            self.latencies.append((self.now, self.now - since))

    def latency_since(self, moment: float) -> float:
        """Return the longest latency of what was finished after a moment."""
        return max(latency for at, latency in self.latencies if at >= moment)

    def refused_since(self, moment: float) -> int:
        """Return how many were refused after a moment."""
        return sum(at >= moment for at in self.refused)


@pytest.mark.parametrize("per_second", [500, 1000, 5000])
def test_below_capacity_nothing_is_refused(per_second: float) -> None:
    shop = Shop(per_second)
    shop.flood(per_second * 0.95, 3)
    assert shop.refused == []


@pytest.mark.parametrize("times", [1.5, 3, 10])
def test_beyond_capacity_the_excess_is_refused_and_the_accepted_stay_near_the_target(times: float) -> None:
    shop = Shop(1000)
    shop.flood(1000 * times, 5)
    assert shop.latency_since(2) < 2 * TARGET_SECONDS
    done = sum(at >= 2 for at, _ in shop.latencies)
    assert done > 0.95 * 1000 * 3
    assert shop.refused_since(2) == pytest.approx(1000 * (times - 1) * 3, rel=0.1)


def test_as_soon_as_the_flood_ends_everything_is_taken_again_and_the_limit_recovers() -> None:
    shop = Shop(1000)
    shop.flood(5000, 5)
    assert shop.admission.limit < START
    ended = shop.now + 0.01
    shop.flood(500, 5)
    assert shop.refused_since(ended) == 0
    assert shop.latency_since(ended + 0.5) < TARGET_SECONDS / 10
    assert shop.admission.limit >= START


def test_a_slow_provider_is_not_overload() -> None:
    """Three thousand wait for their provider at any time, which costs us nothing."""
    shop = Shop(2000, provider_seconds=3)
    shop.flood(1000, 5)
    assert shop.refused == []
    assert shop.admission.outside == 3000


def test_those_who_wait_for_a_provider_are_bounded_too() -> None:
    shop = Shop(2000, provider_seconds=60)
    shop.flood(1000, 10)
    assert shop.admission.outside == CEILING
    assert shop.admission.enter() is None
    assert shop.admission.enter_webhook()


def test_the_number_never_falls_below_the_floor() -> None:
    shop = Shop(10)
    shop.flood(200, 20)
    assert shop.admission.limit == FLOOR


def test_a_faster_process_is_given_more_at_once() -> None:
    shop = Shop(10_000)
    shop.flood(20_000, 3)
    assert shop.admission.limit > 700


def test_webhooks_are_taken_while_merchants_are_refused_and_are_bounded_too() -> None:
    admission = Admission(TARGET_SECONDS)
    while admission.enter() is not None:
        pass
    assert admission.inside == START
    assert all(admission.enter_webhook() for _ in range(CEILING))
    assert not admission.enter_webhook()
    admission.leave_webhook()
    assert admission.enter_webhook()


def test_every_way_through_leaves_nothing_behind() -> None:
    admission = Admission(TARGET_SECONDS)
    stays = [stay for stay in (admission.enter() for _ in range(5)) if stay is not None]
    plain, nested, gone, gone_and_back, late = stays
    plain.leave()
    nested.go_outside()
    nested.go_outside()
    nested.come_back()
    assert (admission.inside, admission.outside) == (3, 1)
    nested.come_back()
    nested.leave()
    gone.go_outside()
    gone.leave()
    gone_and_back.go_outside()
    gone_and_back.leave()
    gone_and_back.come_back()
    late.leave()
    late.go_outside()
    late.come_back()
    assert (admission.inside, admission.outside) == (0, 0)


def test_outside_without_a_request_does_nothing() -> None:
    with outside():
        pass


GATE = asyncio.Event()


class Client:
    """Sends requests to the guarded instance."""

    def __init__(self, http: HttpClient, port: int) -> None:
        self._http = http
        self._port = port

    async def ask(self, method: str, path: str) -> HttpAnswer:
        return await self._http.request(method, f"http://127.0.0.1:{self._port}{path}", timeout_seconds=30)


@post("/api/payment/{how:str}", status_code=200)
async def pay(how: FromPath[str]) -> str:
    if how == "provider":
        with outside():
            await GATE.wait()
    else:
        await GATE.wait()
    return "paid"


@post("/webhook/payin", status_code=200)
async def webhook() -> str:
    return "taken"


@get("/api/quick")
async def quick() -> str:
    return "quick"


@pytest.fixture
async def admission() -> Admission:
    GATE.clear()
    return Admission(TARGET_SECONDS)


@pytest.fixture
async def client(settings: Settings, admission: Admission) -> AsyncIterator[Client]:
    app = create_app(
        route_handlers=[pay, webhook, quick], settings=settings, service="payment", title="test", ready_checks={}
    )
    async with running(AdmissionGuard(app, admission)) as port, HttpClient(private_addresses_allowed=True) as http:
        yield Client(http, port)


async def test_in_a_flood_some_are_answered_and_the_others_told_when_to_come_back(
    client: Client, admission: Admission
) -> None:
    before = REGISTRY.get_sample_value("wisipay_admission_refused_total", {"kind": "merchant"}) or 0
    flood = [asyncio.create_task(client.ask("POST", "/api/payment/own")) for _ in range(START + 50)]
    await until(lambda: sum(each.done() for each in flood) == 50)
    assert (await client.ask("POST", "/webhook/payin")).status == 200
    assert (await client.ask("GET", "/health")).status == 200
    GATE.set()
    answers = await asyncio.gather(*flood)
    assert Counter(each.status for each in answers) == {200: START, 503: 50}
    refused = next(each for each in answers if each.status == 503)
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["x-request-id"].startswith("RQ")
    assert refused.headers["content-type"] == "application/json"
    body = json.loads(refused.body)
    assert (body["success"], body["code"], body["details"]) == (False, "OVERLOADED", {})
    assert REGISTRY.get_sample_value("wisipay_admission_refused_total", {"kind": "merchant"}) == before + 50
    assert (admission.inside, admission.outside, admission.webhooks) == (0, 0, 0)
    assert (await client.ask("GET", "/api/quick")).status == 200


async def test_far_too_many_webhooks_are_told_to_come_again(client: Client, admission: Admission) -> None:
    admission.webhooks = CEILING
    refused = await client.ask("POST", "/webhook/payin")
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert (await client.ask("GET", "/api/quick")).status == 200


async def test_a_request_that_waits_for_its_provider_takes_no_place(client: Client, admission: Admission) -> None:
    waiting = [asyncio.create_task(client.ask("POST", "/api/payment/provider")) for _ in range(START + 10)]
    await until(lambda: admission.outside == START + 10)
    assert admission.inside == 0
    assert (await client.ask("GET", "/api/quick")).status == 200
    GATE.set()
    assert {each.status for each in await asyncio.gather(*waiting)} == {200}
