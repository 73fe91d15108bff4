"""One attempt to tell one merchant: where to, signed how, and what the answer means.

Decides the outcome of an attempt and nothing that outlives it: recording is the worker's. Must never raise for
anything a merchant's endpoint can do, never follow a redirect, and never keep more than the first KiB of an answer.
"""

from datetime import datetime
from typing import Final, Protocol

import msgspec

from wisipay.callbacks.model import Attempt, AttemptOutcome, CallbackEvent, ClaimedCallback
from wisipay.callbacks.retry import Verdict, judge_answer, judge_failure
from wisipay.callbacks.signing import AmountUnit, sign
from wisipay.core.clock import Clock
from wisipay.core.http_client import AnswerLost, HttpAnswer, HttpClient, NotSent
from wisipay.merchants import Merchant

TIMEOUT_SECONDS: Final = 10
ANSWER_KEPT_BYTES: Final = 1024


class MerchantSource(Protocol):
    """Where merchants are looked up: `merchants.Directory`."""

    async def merchant(self, merchant_id: str) -> Merchant | None:
        """Give a merchant, or None."""
        ...


class _Undeliverable(Exception):  # noqa: N818 - internal: the words that are recorded as the attempt's error
    """Nothing can be sent as things stand; an operator or the merchant may mend it meanwhile."""


class _Target(msgspec.Struct, frozen=True, gc=False):
    url: str
    secrets: tuple[bytes, ...]


class _Sent(msgspec.Struct, frozen=True):
    url: str | None
    answer: HttpAnswer | None
    error: str


class Delivery:
    """Makes attempts. `https_only` refuses plain http, as production must; `client` keeps off private addresses."""

    def __init__(
        self, merchants: MerchantSource, client: HttpClient, clock: Clock, *, unit: AmountUnit, https_only: bool
    ) -> None:
        self._merchants = merchants
        self._client = client
        self._clock = clock
        self._unit = unit
        self._https_only = https_only

    async def attempt(self, callback: ClaimedCallback) -> tuple[Attempt, Verdict]:
        """Send the event once and judge the answer."""
        started_at = self._clock.now()
        sent = await self._send(callback.event, started_at)
        ended_at = self._clock.now()
        verdict = _judge(callback, sent.answer, ended_at)
        attempt = Attempt(
            callback=callback,
            outcome=verdict.outcome,
            url=sent.url,
            http_status=sent.answer.status if sent.answer else None,
            latency_ms=max(0, int((ended_at - started_at).total_seconds() * 1000)),
            answer=sent.answer.body[:ANSWER_KEPT_BYTES] if sent.answer else b"",
            error=None if verdict.outcome is AttemptOutcome.DELIVERED else sent.error,
            started_at=started_at,
            gap_seconds=verdict.gap_seconds,
        )
        return attempt, verdict

    async def _send(self, event: CallbackEvent, now: datetime) -> _Sent:
        url = event.url
        try:
            target = await self._target(event, now)
            url = target.url
            signed = sign(event, target.secrets, self._unit, now)
            answer = await self._client.request(
                "POST",
                url,
                headers=signed.headers,
                body=signed.body,
                timeout_seconds=TIMEOUT_SECONDS,
                max_bytes=ANSWER_KEPT_BYTES,
                cut_body=True,
            )
        except (NotSent, AnswerLost, _Undeliverable) as failure:
            return _Sent(url, None, str(failure))
        return _Sent(url, answer, f"answered {answer.status}")

    async def _target(self, event: CallbackEvent, now: datetime) -> _Target:
        """Find where to send and what to sign with: the URL configured now goes before the one of the event.

        A merchant that moved its endpoint is told there of what still waits.
        """
        merchant = await self._merchants.merchant(event.merchant_id)
        if merchant is None:
            raise _Undeliverable("the merchant is not known")
        secrets = tuple(secret.value for secret in merchant.secrets if secret.is_valid_at(now))
        if not secrets:
            raise _Undeliverable("the merchant has no API secret to sign with")
        service = merchant.payin if event.type == "PAYIN" else merchant.payout
        url = service.callback_url or event.url
        if url is None:
            raise _Undeliverable("no callback URL is configured")
        if self._https_only and not url.lower().startswith("https://"):
            raise _Undeliverable("the callback URL is not https")
        return _Target(url, secrets)


def _judge(callback: ClaimedCallback, answer: HttpAnswer | None, now: datetime) -> Verdict:
    event_id = callback.event.event_id
    if answer is None:
        return judge_failure(event_id, callback.attempts)
    return judge_answer(event_id, callback.attempts, answer.status, answer.headers.get("retry-after"), now)
