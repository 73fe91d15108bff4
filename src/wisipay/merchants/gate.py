"""The gate of the merchant API: every request of a merchant passes these checks before anything is done for it.

Decides the order of the checks and is where it can be read (merchant API, "Order of checks"): headers, merchant,
standing, secret, timestamp, signature, replay, service, address, system rate, merchant rate. Must never ask PostgreSQL
on a hit, nor Redis more than once: the local answers are made first, and told in the order of the checks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from wisipay.access import Question, RateExceeded, RateLimit, ReplayMark, SharedWindows, client_address, contains
from wisipay.core.clock import Clock
from wisipay.core.config import Settings
from wisipay.core.errors import AppError, TooManyRequests, Unauthorized
from wisipay.core.metrics import TPS_REFUSED
from wisipay.merchants.authentication import WINDOW_MS, Refusal, authenticate, refused, unix_milliseconds
from wisipay.merchants.model import SERVICE_KINDS, Channel, Merchant, ServiceConfig, ServiceKind
from wisipay.merchants.signed_request import SignedRequest, read_credentials

SANDBOX_TPS: Final = 2
DEVELOPER_TPS: Final = 5
"""Requests for no particular service, such as those that look at the log."""
_FORWARDED_FOR = "x-forwarded-for"
_MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """The system's own part of the checks."""

    trusted_proxies: tuple[str, ...]
    system_tps: int
    system_window_seconds: int

    @classmethod
    def from_settings(cls, settings: Settings) -> "GatePolicy":
        """Take TRUSTED_PROXIES, SYSTEM_TPS and SYSTEM_TPS_WINDOW."""
        return cls(settings.trusted_proxies, settings.system_tps, settings.system_tps_window)


class MerchantSource(Protocol):
    """Where merchants are looked up: the directory."""

    async def merchant(self, merchant_id: str) -> Merchant | None:
        """Give a merchant with the secrets that are valid now, or None."""
        ...


class MerchantGate:
    """Admits a request, or raises the AppError of the first check that it fails."""

    def __init__(self, *, directory: MerchantSource, windows: SharedWindows, clock: Clock, policy: GatePolicy) -> None:
        self._directory = directory
        self._windows = windows
        self._clock = clock
        self._policy = policy
        self._system_limit = RateLimit(
            "system", "tps:system", policy.system_tps, policy.system_window_seconds * _MILLISECONDS
        )

    async def admit(
        self, request: SignedRequest, service: ServiceKind | None, *, tps: bool, sandbox: bool = False
    ) -> Merchant:
        """Check a request for a service (None: whichever) and give its merchant.

        `tps` counts it in the rate windows; a merchant's reads and writes are counted apart, so that asking for a
        status costs no payment. `sandbox` puts the UAT rate in the merchant rate's place. What is for no service has a
        rate of its own, and takes nothing of the system's.
        Raises BadRequest, UnsupportedMediaType, Unauthorized, Forbidden or TooManyRequests.
        """
        credentials = read_credentials(request)
        merchant = await self._directory.merchant(credentials.merchant_id)
        if merchant is None:
            raise Unauthorized("No merchant has this x-merchant-id", details={"x-merchant-id": "is unknown"})
        now = self._clock.now()
        digest = authenticate(merchant, credentials, request, now)
        replay = None
        if request.is_write:
            still_valid_ms = int(credentials.timestamp) + WINDOW_MS - unix_milliseconds(now)
            replay = ReplayMark(f"replay:{merchant.id}:{digest}", still_valid_ms + _MILLISECONDS)
        refusal = self._service_refusal(merchant, service) or self._address_refusal(merchant, service, request)
        limits = self._limits(merchant, service, request, sandbox=sandbox) if tps and refusal is None else ()
        await self._ask(Question(replay, limits), refusal)
        return merchant

    async def channel_tps(self, channel: Channel, service: ServiceKind) -> bool:
        """Count one payment on a channel; False when its rate limit is reached and routing should pass it by."""
        tps = channel.service(service).limits.tps
        if tps is None:
            return True
        limit = RateLimit("channel", f"tps:channel:{channel.id}:{service}", tps)
        verdict = await self._windows.ask(Question(limits=(limit,)))
        if not verdict.admitted:
            TPS_REFUSED.labels("channel").inc()
        return verdict.admitted

    async def _ask(self, question: Question, refusal: AppError | None) -> None:
        """Ask about replay and rates together; the refusal found before stands between the two."""
        verdict = await self._windows.ask(question)
        if verdict.replayed:
            raise refused(
                Refusal.SIGNATURE_REPLAYED,
                "This signature was used already; sign every request anew, with the current time",
            )
        if refusal is not None:
            raise refusal
        if verdict.exceeded is not None:
            raise _too_many(verdict.exceeded)

    @staticmethod
    def _service_refusal(merchant: Merchant, service: ServiceKind | None) -> AppError | None:
        if service is None or merchant.service(service).is_active:
            return None
        return refused(
            Refusal.SERVICE_DISABLED, f"The {service} service is disabled for this merchant", service=service
        )

    def _address_refusal(
        self, merchant: Merchant, service: ServiceKind | None, request: SignedRequest
    ) -> AppError | None:
        """A request for no particular service passes when one of the two services would let its address in."""
        configs = _configs(merchant, service)
        if not all(config.ip_allowlist_enabled for config in configs):
            return None
        address = client_address(
            request.peer_address, request.headers.get(_FORWARDED_FOR), self._policy.trusted_proxies
        )
        if any(contains(config.ip_allowlist, address) for config in configs):
            return None
        shown = "an unreadable address" if address is None else f"{address}"
        return refused(Refusal.ADDRESS_NOT_ALLOWED, f"{shown} is not on the allowlist of this service", address=shown)

    def _limits(
        self, merchant: Merchant, service: ServiceKind | None, request: SignedRequest, *, sandbox: bool
    ) -> tuple[RateLimit, ...]:
        kind = "write" if request.is_write else "read"
        if service is None:
            return (_merchant_limit(f"developer:{merchant.id}:{kind}", DEVELOPER_TPS),)
        tps = SANDBOX_TPS if sandbox else merchant.service(service).limits.tps
        if tps is None:
            return (self._system_limit,)
        realm = "sandbox" if sandbox else "tps"
        return self._system_limit, _merchant_limit(f"{realm}:{merchant.id}:{service}:{kind}", tps)


@lru_cache(maxsize=10_000)
def _merchant_limit(key: str, tps: int) -> RateLimit:
    return RateLimit("merchant", key, tps)


def _configs(merchant: Merchant, service: ServiceKind | None) -> Sequence[ServiceConfig]:
    kinds = SERVICE_KINDS if service is None else (service,)
    return [merchant.service(kind) for kind in kinds]


def _too_many(exceeded: RateExceeded) -> TooManyRequests:
    TPS_REFUSED.labels(exceeded.limit.scope).inc()
    who = "the system" if exceeded.limit.scope == "system" else "this merchant"
    return TooManyRequests(
        f"More requests than {who} may make in its window; try again after the time in retry-after",
        details={"scope": exceeded.limit.scope, "limit": exceeded.limit.limit},
        retry_after_seconds=exceeded.retry_after_seconds,
    )
