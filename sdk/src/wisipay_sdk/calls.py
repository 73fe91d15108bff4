"""A call to Wisipay, from order to answer, as steps that somebody else carries out.

`exchange` decides what is sent, signs every attempt anew, and decides what is tried again. It neither sends nor waits:
the sync and the async client do that, each in its way, and share everything else.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from wisipay_sdk import answers
from wisipay_sdk.answers import Answer
from wisipay_sdk.errors import NoAnswer
from wisipay_sdk.models import Payin, PayinOrder, PaymentState, PaymentType, Payout, PayoutOrder
from wisipay_sdk.retries import Retries, may_pass
from wisipay_sdk.signing import sign_request

T = TypeVar("T")
_USER_AGENT = "wisipay-sdk-python/0.1"
_PAYMENTS = "/api/payment/"
_SANDBOX = "/api/payment/uat/"


class Moments:
    """Unix milliseconds, each given once: two equal requests of one millisecond would have one signature, a replay."""

    def __init__(self) -> None:
        self._last_ms = 0
        self._lock = threading.Lock()

    def next_ms(self) -> int:
        """Return the present millisecond, or the next one that was not given yet."""
        with self._lock:
            self._last_ms = max(self._last_ms + 1, time.time_ns() // 1_000_000)
            return self._last_ms


_moments = Moments()


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks, and where."""

    base_url: httpx.URL
    merchant_id: str
    secret: str
    is_sandbox: bool = False

    def __repr__(self) -> str:
        """Show no secret: a traceback may print this."""
        return f"Account({str(self.base_url)!r}, {self.merchant_id!r})"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """What is asked for, and how its answer is read."""

    method: str
    path: str
    body: bytes
    idempotency_key: str | None
    parse: Callable[[Mapping[str, Any]], T]


@dataclass(frozen=True, slots=True)
class Pause:
    """To be waited."""

    seconds: float


Step = httpx.Request | Pause
Outcome = Answer | httpx.TransportError | None
"""What a step came to: an answer, no answer, or (after a pause) nothing."""


def start_payin(order: PayinOrder, idempotency_key: str | None) -> Call[Payin]:
    """Start a collection."""
    return _start("/api/payment/payin/initiate", order, idempotency_key, answers.payin)


def start_payout(order: PayoutOrder, idempotency_key: str | None) -> Call[Payout]:
    """Start a disbursement."""
    return _start("/api/payment/payout/initiate", order, idempotency_key, answers.payout)


def state(order_id: str, payment_type: PaymentType | None) -> Call[PaymentState]:
    """Ask how an order stands; with its type the provider is asked as well while it is open."""
    kind = f"{payment_type.lower()}/status/" if payment_type else ""
    return Call("GET", f"/api/payment/{kind}{quote(order_id, safe='')}", b"", None, answers.state)


def exchange(account: Account, call: Call[T], retries: Retries) -> Generator[Step, Outcome, T]:
    """Yield what is to be done next, take what came of it, and return what the call was made for.

    Raises `Refused`, `PaymentRefused`, `InvalidAnswer`; `NoAnswer` when the last attempt got none.
    """
    for gap in retries.gaps():
        outcome = yield _request(account, call)
        if isinstance(outcome, Answer):
            if not may_pass(outcome.http_status, outcome.retry_after_seconds):
                return answers.read(outcome, call.parse)
            gap = max(gap, outcome.retry_after_seconds or 0)  # noqa: PLW2901 - the server knows better
        yield Pause(gap)
    outcome = yield _request(account, call)
    if isinstance(outcome, Answer):
        return answers.read(outcome, call.parse)
    raise NoAnswer(
        f"no answer to {call.method} {call.path} in {retries.attempts} attempts ({outcome!r})",
        idempotency_key=call.idempotency_key,
    ) from outcome


def _start(
    path: str, order: PayinOrder | PayoutOrder, key: str | None, parse: Callable[[Mapping[str, Any]], T]
) -> Call[T]:
    fields = {_camel(name): value for name, value in asdict(order).items() if value is not None}
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    return Call("POST", path, body, key or str(uuid.uuid4()), parse)


def _request(account: Account, call: Call[T]) -> httpx.Request:
    path = call.path.replace(_PAYMENTS, _SANDBOX, 1) if account.is_sandbox else call.path
    url = account.base_url.copy_with(raw_path=account.base_url.raw_path.rstrip(b"/") + path.encode())
    now_ms = _moments.next_ms()
    headers = {
        "accept": "application/json",
        "user-agent": _USER_AGENT,
        "x-merchant-id": account.merchant_id,
        "x-timestamp": str(now_ms),
        "x-signature": sign_request(
            secret=account.secret,
            method=call.method,
            target=url.raw_path.decode("ascii"),
            body=call.body,
            timestamp_ms=now_ms,
        ),
    }
    if call.method == "POST":
        headers["content-type"] = "application/json"
    if call.idempotency_key is not None:
        headers["idempotency-key"] = call.idempotency_key
    return httpx.Request(call.method, url, headers=headers, content=call.body or None)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
