"""Asks about beneficiaries before their payouts, and waits no longer for an answer than it is told to.

Decides that one beneficiary is asked about once at a time, however many payouts are under way to it; that an answer
which comes too late for its payout is kept for the next; and that whatever goes wrong means that nothing is known. Must
never send a payout, never keep or log a name or number, and never ask for what is known already: it costs money.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from wisipay.core.admission import outside
from wisipay.core.clock import Clock
from wisipay.core.ids import new_id
from wisipay.core.logging import get_logger
from wisipay.core.metrics import counter
from wisipay.core.money import Paise
from wisipay.payments.verifying.policy import Known, Verdict, VerificationPolicy, beneficiary_key, name_score
from wisipay.payments.verifying.store import Validations
from wisipay.providers import Awaited, Beneficiary, Judged, ProviderGateway, ValidationOutcome

ASKED_AT_ONCE_MAX: Final = 200
ASKED_AGAIN_SECONDS: Final = (0.5, 0.5, 1.0, 1.0, 2.0, 5.0, 5.0, 10.0)
"""Pauses before a provider that is at it is asked again; after the last one the question is given up."""

_VALIDATIONS = counter("beneficiary_validations", "Beneficiaries asked about, by what was known then", ("result",))
_COST = counter("beneficiary_validation_cost_paise", "What asking about beneficiaries has cost, as it is configured")
_log = get_logger("payments.verifying")


class Verifier:
    """Verifies beneficiaries of payouts. One per process."""

    def __init__(
        self,
        gateway: ProviderGateway,
        store: Validations,
        clock: Clock,
        policy: VerificationPolicy,
        secret: bytes,
        *,
        again_seconds: Sequence[float] = ASKED_AGAIN_SECONDS,
    ) -> None:
        self._inquiries = gateway.inquiries
        self._store = store
        self._clock = clock
        self._policy = policy
        self._secret = secret
        self._again_seconds = again_seconds
        self._asking: dict[bytes, asyncio.Task[Known | str]] = {}

    async def verify(self, merchant_id: str, amount_paise: Paise, party: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is stored of a payout's beneficiary, empty when it is none to ask about.

        Raises `PaymentError` where what is known refuses the payout.
        """
        policy = self._policy
        if not policy.concerns(merchant_id, amount_paise):
            return {}
        verdict = await self._verdict(beneficiary_key(self._secret, party), party)
        record = verdict.record(policy.cost_paise)
        _VALIDATIONS.labels(record["validation"].replace(" ", "_")).inc()
        verdict.refuse(policy)
        return record

    async def drain(self) -> None:
        """Wait for what is being asked; nothing waits for longer than a provider's patience."""
        if self._asking:
            await asyncio.wait(set(self._asking.values()))

    async def _verdict(self, key: bytes, party: Mapping[str, Any]) -> Verdict:
        kept = await self._store.kept(key)
        if kept is not None:
            return Verdict(kept, was_kept=True)
        task = self._asking.get(key)
        if task is None:
            if len(self._asking) >= ASKED_AT_ONCE_MAX:
                return Verdict(None, reason="too many are being asked about")
            # In a context of its own: it outlives the request, whose time in our hands it must not be part of.
            asking = self._ask(key, party)
            task = asyncio.create_task(asking, name="beneficiary validation", context=contextvars.Context())
            self._asking[key] = task
            task.add_done_callback(partial(self._done, key))
        with outside():
            await asyncio.wait({task}, timeout=self._policy.wait_seconds)
        if not task.done():
            return Verdict(None, reason="no answer in time")
        found = task.result()
        return Verdict(None, reason=found) if isinstance(found, str) else Verdict(found)

    def _done(self, key: bytes, _task: asyncio.Task[Known | str]) -> None:
        del self._asking[key]

    async def _ask(self, key: bytes, party: Mapping[str, Any]) -> Known | str:
        """Ask until there is a word; return it, or why there is none."""
        asked = Beneficiary(
            reference=new_id("V", self._clock.now()),
            name=party["name"],
            account_number=party.get("accountNumber"),
            ifsc=party.get("ifsc"),
            vpa=party.get("vpa"),
            phone=party.get("phone"),
        )
        channel_id = self._policy.channel_id
        outcome: ValidationOutcome = await self._inquiries.validate(channel_id, asked)
        if isinstance(outcome, Judged | Awaited):
            _COST.inc(self._policy.cost_paise)
        for pause in self._again_seconds:
            if not isinstance(outcome, Awaited):
                break
            await asyncio.sleep(pause)
            again = await self._inquiries.validated(channel_id, outcome.ticket)
            outcome = again if isinstance(again, Judged) else outcome
        if not isinstance(outcome, Judged):
            # Their words may hold a number or a name: they go through the log's redaction and are not kept.
            reason = "still at it" if isinstance(outcome, Awaited) else outcome.reason
            _log.warning("payment.validation.undecided", channel_id=channel_id, reason=reason)
            return "the provider is still at it" if isinstance(outcome, Awaited) else "no word from the provider"
        score = outcome.name_score
        if score is None and outcome.exists and outcome.name:
            score = name_score(party["name"], outcome.name)
        known = Known(outcome.exists, score if outcome.exists else None, channel_id, self._clock.now())
        await self._store.keep(key, known, self._policy)
        return known
