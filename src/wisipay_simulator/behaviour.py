"""Which behaviour a request meets: chosen from the faults that are set, a seeded generator, and the order's tokens.

Pure but for the generator it is given. It decides; `simulation.py` carries out. An order with tokens meets exactly
what they name: no share applies to it.
"""

import math
from random import Random

import msgspec

from wisipay_simulator.faults import (
    REQUEST_KINDS,
    Delay,
    Fault,
    Faults,
    Fixed,
    Lognormal,
    RequestKind,
    Share,
    Uniform,
    share_of,
)
from wisipay_simulator.model import PLAIN_WEBHOOK, Kind, Status, Step, WebhookPlan
from wisipay_simulator.tokens import MAX_MS, milliseconds


class Behaviour(msgspec.Struct, frozen=True):
    """The choice for one create request."""

    steps: tuple[Step, ...]
    webhook: WebhookPlan
    fault: Fault | None = None
    reject_code: str = "REJECTED"
    latency_ms: int = 0
    instant: bool = False
    accept_duplicate: bool = False
    webhook_early: bool = False
    status_fault: Fault | None = None
    status_shares: bool = True


class Chooser:
    """Chooses with one set of faults. The generator is shared, so that one seed gives one sequence of choices."""

    def __init__(self, faults: Faults, generator: Random) -> None:
        self.faults = faults
        self._random = generator
        self._ladders = {kind: _ladder(faults, kind) for kind in REQUEST_KINDS}
        self._plain_webhook = not any(
            getattr(faults, name) for name in Faults.__struct_fields__ if name.startswith("webhook_")
        )

    def create(self, kind: Kind, tokens: dict[str, str], remarks: str) -> Behaviour:
        """Choose the whole life of a create request and of the payment it makes."""
        return Behaviour(
            steps=self._steps(tokens, remarks),
            webhook=self._webhook(tokens),
            fault=_token_fault(tokens, "") or (None if tokens else self._fault(kind)),
            reject_code=tokens.get("reject") or "REJECTED",
            latency_ms=milliseconds(tokens, "latency", self._delay(self.faults.latency)),
            instant=self._either(tokens, "instant", share_of(self.faults.instant, kind)),
            accept_duplicate=self._either(tokens, "accept-duplicate", share_of(self.faults.accept_duplicate, kind)),
            webhook_early=self._either(tokens, "webhook-early", self.faults.webhook_early),
            status_fault=_token_fault(tokens, "status-"),
            status_shares=not tokens,
        )

    def status(self) -> tuple[Fault | None, int]:
        """Choose the fault and the latency in milliseconds of a status check."""
        return self._fault("status"), self._delay(self.faults.latency)

    def completes_after_ms(self) -> int:
        """Choose how long something takes that is no payment."""
        return self._delay(self.faults.complete_after_ms)

    def _hit(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _either(self, tokens: dict[str, str], token: str, share: Share) -> bool:
        return token in tokens if tokens else self._hit(share)

    def _fault(self, kind: RequestKind) -> Fault | None:
        ladder = self._ladders[kind]
        if not ladder:
            return None
        drawn = self._random.random()
        return next((fault for upper, fault in ladder if drawn < upper), None)

    def _delay(self, delay: Delay) -> int:
        match delay:
            case Fixed(ms):
                return ms
            case Uniform(from_ms, to_ms):
                return round(self._random.uniform(from_ms, to_ms))
            case Lognormal(median_ms, sigma):
                return min(MAX_MS, round(self._random.lognormvariate(math.log(median_ms), sigma)))
            case _:
                return delay

    def _steps(self, tokens: dict[str, str], remarks: str) -> tuple[Step, ...]:
        after_ms = milliseconds(tokens, "after", self._delay(self.faults.complete_after_ms))
        steps = [Step(0, Status.PROCESSING)] if "processing" in tokens else []
        final = self._final(tokens, remarks)
        if final is None:
            return tuple(steps)
        steps.append(Step(after_ms, final))
        if final is not Status.SUCCESS and "success-after" in tokens:
            after_ms += int(tokens["success-after"])
            final = Status.SUCCESS
            steps.append(Step(after_ms, final))
        if final is Status.SUCCESS and self._either(tokens, "reverse-after", self.faults.reverse):
            gap_ms = milliseconds(tokens, "reverse-after", self._delay(self.faults.reverse_after_ms))
            steps.append(Step(after_ms + gap_ms, Status.REVERSED))
        return tuple(steps)

    def _final(self, tokens: dict[str, str], remarks: str) -> Status | None:
        if "pending" in tokens:
            return None
        for token, status in (
            ("success", Status.SUCCESS),
            ("fail", Status.FAILED),
            ("expire", Status.EXPIRED),
        ):
            if token in tokens:
                return status
        words = remarks.lower()
        if not tokens and ("fail" in words or "error" in words):
            return Status.FAILED
        weights = self.faults.outcome
        if tokens or not (weights.failure or weights.pending or weights.expired):
            return Status.SUCCESS
        return self._random.choices(
            (Status.SUCCESS, Status.FAILED, None, Status.EXPIRED),
            (weights.success, weights.failure, weights.pending, weights.expired),
        )[0]

    def _webhook(self, tokens: dict[str, str]) -> WebhookPlan:
        if tokens:
            return WebhookPlan(
                missing="webhook-missing" in tokens,
                late_ms=milliseconds(tokens, "late", 0),
                copies=int(tokens.get("webhook-duplicate", "1") or "2"),
                out_of_order="webhook-out-of-order" in tokens,
                wrong_amount="webhook-wrong-amount" in tokens,
                wrong_currency="webhook-wrong-currency" in tokens,
                forged="webhook-forged" in tokens,
                unsigned="webhook-unsigned" in tokens,
                broken="webhook-broken" in tokens,
                unknown_reference="webhook-unknown-reference" in tokens,
            )
        if self._plain_webhook:
            return PLAIN_WEBHOOK
        faults = self.faults
        return WebhookPlan(
            missing=self._hit(faults.webhook_missing),
            late_ms=self._delay(faults.webhook_late_ms),
            copies=2 if self._hit(faults.webhook_duplicate) else 1,
            out_of_order=self._hit(faults.webhook_out_of_order),
            wrong_amount=self._hit(faults.webhook_wrong_amount),
            wrong_currency=self._hit(faults.webhook_wrong_currency),
            forged=self._hit(faults.webhook_forged),
            unsigned=self._hit(faults.webhook_unsigned),
            broken=self._hit(faults.webhook_broken),
            unknown_reference=self._hit(faults.webhook_unknown_reference),
        )


_TOKEN_FAULTS = {
    "http-500": Fault.HTTP_500,
    "http-500-after-executing": Fault.HTTP_500_AFTER_EXECUTING,
    "timeout-before-executing": Fault.TIMEOUT_BEFORE_EXECUTING,
    "timeout-after-executing": Fault.TIMEOUT_AFTER_EXECUTING,
    "timeout": Fault.TIMEOUT_BEFORE_EXECUTING,
    "answer-lost": Fault.ANSWER_LOST,
    "broken-json": Fault.BROKEN_JSON,
    "not-found": Fault.NOT_FOUND,
    "stale": Fault.STALE,
    "reject": Fault.REJECT,
    "maintenance": Fault.MAINTENANCE,
    "throttle": Fault.THROTTLE,
}


def _token_fault(tokens: dict[str, str], prefix: str) -> Fault | None:
    if not tokens:
        return None
    return next((fault for name, fault in _TOKEN_FAULTS.items() if f"{prefix}{name}" in tokens), None)


def _ladder(faults: Faults, kind: RequestKind) -> tuple[tuple[float, Fault], ...]:
    upper = 0.0
    rungs: list[tuple[float, Fault]] = []
    for fault in Fault:
        share = share_of(getattr(faults, fault), kind)
        if share > 0:
            upper += share
            rungs.append((upper, fault))
    return tuple(rungs)
