"""The one door to the providers: adapter per channel, circuit breaker, and the last guard of the law of outcomes.

Decides whether an order may go out on a channel at all (circuit, and the provider's `rules`) and what a call's outcome
means to the circuit. Must never retry, never choose another channel, and never turn a surprise into a rejection once
the adapter has been asked: that is `Unknown`.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import Final, Protocol, TypeVar

from prometheus_client import Gauge

from wisipay.core.admission import outside
from wisipay.core.http_client import HttpClient
from wisipay.core.logging import get_logger
from wisipay.core.metrics import gauge
from wisipay.providers.asking import Inquiries
from wisipay.providers.base import (
    Capabilities,
    CreateOutcome,
    PayinOrder,
    PaymentKind,
    PayoutOrder,
    ProviderAdapter,
    Rejected,
    StatusOutcome,
    Unknown,
    WebhookRoute,
    WebhookWord,
)
from wisipay.providers.breaker_store import BreakerStore
from wisipay.providers.capture import CaptureHook
from wisipay.providers.health import is_failure
from wisipay.providers.health_store import HealthStore
from wisipay.providers.http import HttpPolicy, ProviderHttp
from wisipay.providers.registry import build
from wisipay.providers.rules import refusal_of

MAX_CACHED_ADAPTERS: Final = 1_000

_KINDS: Final[Mapping[str, PaymentKind]] = {"payin": "payin", "payout": "payout"}

CIRCUIT_OPEN: Final = gauge("provider_circuit_open", "Whether calls are held back", ("channel", "operation"))

_Outcome = TypeVar("_Outcome")
_logger = get_logger(__name__)


class ChannelSource(Protocol):
    """Where a channel's adapter name and credentials come from; raises LookupError for a channel it does not know."""

    async def credentials(self, channel_id: str) -> tuple[str, Mapping[str, str]]:
        """Return the adapter's name and the credentials in clear."""
        ...


@dataclass(frozen=True, slots=True)
class _Cached:
    adapter_name: str
    credentials: Mapping[str, str]
    adapter: ProviderAdapter


class ProviderGateway:
    """Calls providers by channel id. One per process."""

    def __init__(
        self,
        channels: ChannelSource,
        client: HttpClient,
        breakers: BreakerStore,
        *,
        policy: HttpPolicy,
        capture_hook: CaptureHook | None = None,
        health: HealthStore | None = None,
    ) -> None:
        self._channels = channels
        self._client = client
        self._breakers = breakers
        self._policy = policy
        self._capture_hook = capture_hook
        self._health = health
        self._adapters: OrderedDict[str, _Cached] = OrderedDict()
        self.inquiries = Inquiries(self)

    async def create_payin(self, channel_id: str, order: PayinOrder) -> CreateOutcome:
        """Start a collection on the channel; sent at most once."""
        return await self._create(channel_id, "payin", order, lambda adapter: adapter.create_payin(order))

    async def create_payout(self, channel_id: str, order: PayoutOrder) -> CreateOutcome:
        """Start a disbursement on the channel; sent at most once."""
        return await self._create(channel_id, "payout", order, lambda adapter: adapter.create_payout(order))

    async def check_status(
        self, channel_id: str, kind: PaymentKind, reference: str, provider_reference: str | None
    ) -> StatusOutcome:
        """Ask how a payment stands. Has a circuit of its own: creates that fail do not stop us from asking."""
        try:
            adapter = await self.adapter(channel_id)
        except Exception as error:
            _logger.exception("provider.channel.unusable", channel_id=channel_id)
            return Unknown(f"channel cannot be used: {type(error).__name__}")
        return await self.guarded(
            channel_id,
            "status",
            lambda: adapter.check_status(kind, reference, provider_reference),
            refused=Unknown("circuit is open"),
        )

    async def circuit_open(self, channel_id: str, kind: PaymentKind) -> bool:
        """Tell whether creates of this kind are held back on the channel now, by Redis's word; for operators."""
        return await self._breakers.is_open(_circuit(channel_id, kind))

    async def capabilities(self, channel_id: str) -> Capabilities:
        """Return what the channel's adapter can do. Raises what the channel source or the registry raises."""
        return (await self.adapter(channel_id)).capabilities

    async def parse_webhook(
        self, channel_id: str, kind_of_route: WebhookRoute, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookWord, ...]:
        """Read a webhook with the channel's adapter. Raises `WebhookUnreadable`, and as `capabilities` does."""
        return (await self.adapter(channel_id)).parse_webhook(kind_of_route, headers, body)

    async def webhook_reply(self, channel_id: str) -> tuple[int, str, bytes]:
        """Return status, content type and body with which this channel's provider wants its webhooks answered."""
        return (await self.adapter(channel_id)).webhook_reply()

    async def _create(
        self,
        channel_id: str,
        kind: PaymentKind,
        order: PayinOrder | PayoutOrder,
        call: Callable[[ProviderAdapter], Awaitable[CreateOutcome]],
    ) -> CreateOutcome:
        try:
            adapter = await self.adapter(channel_id)
        except Exception as error:
            _logger.exception("provider.channel.unusable", channel_id=channel_id)
            return Rejected("CHANNEL_UNUSABLE", f"channel cannot be used: {type(error).__name__}", sent=False)
        refusal = refusal_of(adapter.capabilities, kind, order)
        if refusal is not None:
            return refusal
        refused: CreateOutcome = Rejected(
            "CIRCUIT_OPEN", "calls to this channel are held back after failures", sent=False
        )
        started = perf_counter()
        outcome = await self.guarded(channel_id, kind, lambda: call(adapter), refused=refused)
        if self._health is not None and outcome is not refused:
            self._health.called(channel_id, kind, outcome, perf_counter() - started)
        return outcome

    async def guarded(
        self,
        channel_id: str,
        operation: str,
        call: Callable[[], Awaitable[_Outcome]],
        *,
        refused: _Outcome,
    ) -> _Outcome | Unknown:
        """Make a call behind the circuit of an operation; `refused` while that is open. Lets no exception out."""
        circuit = _circuit(channel_id, operation)
        permit = await self._breakers.admit(circuit)
        if not permit.calm:  # else it was told when the calm began
            _open_gauge(channel_id, operation).set(0 if permit.admission.allowed else 1)
        if not permit.admission.allowed:
            self._note_blocked(channel_id, operation, permit.admission.retry_after_ms)
            return refused
        outcome: _Outcome | Unknown
        try:
            with outside():
                outcome = await call()
        except Exception as error:
            _logger.exception("provider.adapter.failed", channel_id=channel_id, operation=operation)
            outcome = Unknown(f"adapter failed with {type(error).__name__}")
        blocked_ms = await self._breakers.report(circuit, permit, success=not is_failure(outcome))
        if blocked_ms:
            self._note_blocked(channel_id, operation, blocked_ms)
        return outcome

    def _note_blocked(self, channel_id: str, operation: str, milliseconds: int) -> None:
        kind = _KINDS.get(operation)
        if self._health is not None and kind is not None:
            self._health.blocked(channel_id, kind, milliseconds)

    async def adapter(self, channel_id: str) -> ProviderAdapter:
        """Return a channel's adapter, the same one for the same credentials. Raises as `capabilities` does."""
        name, credentials = await self._channels.credentials(channel_id)
        cached = self._adapters.get(channel_id)
        if cached is None or cached.adapter_name != name or cached.credentials != credentials:
            http = ProviderHttp(
                self._client,
                provider=name,
                channel_id=channel_id,
                policy=self._policy,
                capture_hook=self._capture_hook,
            )
            cached = _Cached(name, dict(credentials), build(name, credentials, http))
            self._adapters[channel_id] = cached
        self._adapters.move_to_end(channel_id)
        if len(self._adapters) > MAX_CACHED_ADAPTERS:
            self._adapters.popitem(last=False)
        return cached.adapter


@lru_cache(maxsize=10_000)  # finding the child of a metric by its labels takes a lock and builds a key
def _open_gauge(channel_id: str, operation: str) -> Gauge:
    return CIRCUIT_OPEN.labels(channel_id, operation)


def _circuit(channel_id: str, operation: str) -> str:
    return f"{channel_id}:{operation}"
