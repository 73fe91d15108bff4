"""One attempt to tell one merchant: where to, signed how, and what the answer means.

Decides the outcome of an attempt and nothing that outlives it: recording is the worker's. Must never raise for
anything a merchant's endpoint can do, never follow a redirect, and never keep more than the first KiB of an answer.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Final, Protocol

import msgspec

from wisipay.callbacks.model import Attempt, AttemptOutcome, CallbackEvent, ClaimedCallback
from wisipay.callbacks.retry import Verdict, judge_answer, judge_failure
from wisipay.callbacks.signing import AmountUnit, SignedCallback, sign
from wisipay.core.clock import Clock
from wisipay.core.http_client import AnswerLost, HttpAnswer, HttpClient, NotSent
from wisipay.merchants import ApiSecret, Merchant

TIMEOUT_SECONDS: Final = 10
ANSWER_KEPT_BYTES: Final = 1024


class MerchantSource(Protocol):
    """Where merchants are looked up: `merchants.Directory`."""

    async def merchant(self, merchant_id: str) -> Merchant | None:
        """Give a merchant, or None."""
        ...


class Undeliverable(Exception):  # noqa: N818 - its text is recorded as the attempt's error
    """Nothing can be sent as things stand; an operator or the merchant may mend it meanwhile."""


class Target(msgspec.Struct, frozen=True, gc=False):
    """Where an event goes, and the secrets that sign it, newest first; where there are none, nothing is sent."""

    url: str
    secrets: tuple[ApiSecret, ...]


class Sent(msgspec.Struct, frozen=True):
    """What came of one request: `answer` is None, and `error` says why, where none came; `signed` is what was sent."""

    url: str | None
    answer: HttpAnswer | None
    error: str
    signed: SignedCallback | None = None
    signed_by: str | None = None


Build = Callable[[tuple[bytes, ...], datetime], SignedCallback]
"""Builds what is sent, from the secrets and the moment of sending."""


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
        """Send the event once to its merchant's callback URL and judge the answer."""
        started_at = self._clock.now()
        try:
            target = await self._callback_url(callback.event, started_at)
        except Undeliverable as failure:
            return self._judged(callback, Sent(callback.event.url, None, str(failure)), started_at, None)
        return await self.attempt_at(callback, target)

    async def attempt_at(
        self, callback: ClaimedCallback, target: Target, *, endpoint_id: str | None = None
    ) -> tuple[Attempt, Verdict]:
        """Send the event once to a target, the endpoint `endpoint_id` of its merchant, and judge the answer."""
        started_at = self._clock.now()

        def build(secrets: tuple[bytes, ...], moment: datetime) -> SignedCallback:
            return sign(callback.event, secrets, self._unit, moment)

        sent = await self.send(target, build, started_at)
        return self._judged(callback, sent, started_at, endpoint_id)

    async def send(self, target: Target, build: Build, now: datetime) -> Sent:
        """Send what `build` makes, once. Whatever goes wrong is in the answer."""
        if self._https_only and not target.url.lower().startswith("https://"):
            return Sent(target.url, None, "the callback URL is not https")
        if not target.secrets:
            return Sent(target.url, None, "there is no secret to sign with")
        signed = build(tuple(secret.value for secret in target.secrets), now)
        signed_by = " ".join(secret.id for secret in target.secrets)
        try:
            answer = await self._client.request(
                "POST",
                target.url,
                headers=signed.headers,
                body=signed.body,
                timeout_seconds=TIMEOUT_SECONDS,
                max_bytes=ANSWER_KEPT_BYTES,
                cut_body=True,
            )
        except NotSent as failure:
            return Sent(target.url, None, str(failure))
        except AnswerLost as failure:
            return Sent(target.url, None, str(failure), signed, signed_by)
        return Sent(target.url, answer, f"answered {answer.status}", signed, signed_by)

    def _judged(
        self, callback: ClaimedCallback, sent: Sent, started_at: datetime, endpoint_id: str | None
    ) -> tuple[Attempt, Verdict]:
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
            endpoint_id=endpoint_id,
            body_sha256=sha256(sent.signed.body).digest() if sent.signed else None,
            signed_by=sent.signed_by,
        )
        return attempt, verdict

    async def _callback_url(self, event: CallbackEvent, now: datetime) -> Target:
        """Find where to send and what to sign with: the URL configured now goes before the one of the event.

        A merchant that moved its endpoint is told there of what still waits.
        """
        merchant = await self._merchants.merchant(event.merchant_id)
        if merchant is None:
            raise Undeliverable("the merchant is not known")
        secrets = tuple(secret for secret in merchant.secrets if secret.is_valid_at(now))
        if not secrets:
            raise Undeliverable("the merchant has no API secret to sign with")
        service = merchant.payin if event.type == "PAYIN" else merchant.payout
        url = service.callback_url or event.url
        if url is None:
            raise Undeliverable("no callback URL is configured")
        return Target(url, secrets)


def _judge(callback: ClaimedCallback, answer: HttpAnswer | None, now: datetime) -> Verdict:
    event_id = callback.event.event_id
    if answer is None:
        return judge_failure(event_id, callback.attempts)
    return judge_answer(event_id, callback.attempts, answer.status, answer.headers.get("retry-after"), now)
