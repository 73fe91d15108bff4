"""Which channels a payment may take, in order, and why the others may not. It calls no provider.

Primary first, then the fallbacks. A channel is left out when it is unknown, inactive, paused by an operator, without
the mode, or held back by its circuit breaker; its amount limits are looked at by the machine, under the row lock.
Source: spec/lifecycles.md "Routing".
"""

from __future__ import annotations

from dataclasses import dataclass

from wisipay.core.money import Paise
from wisipay.merchants import Channel, Directory, ServiceConfig, ServiceKind, fee_for, tier_for
from wisipay.payments.errors import PayCode, PaymentError
from wisipay.payments.model import Candidate
from wisipay.providers import ProviderGateway


@dataclass(frozen=True, slots=True)
class Route:
    """The channels to try, in order, and what was said of each channel that routing looked at."""

    candidates: tuple[Candidate, ...]
    passed_over: dict[str, str]


async def route(
    directory: Directory,
    gateway: ProviderGateway,
    service: ServiceConfig,
    kind: ServiceKind,
    mode: str,
    amount_paise: Paise,
) -> Route:
    """Return the candidates for a payment of this amount. Raises `PaymentError` when there is none to try."""
    if not service.routing:
        raise PaymentError(PayCode.ROUTING_MISSING)
    candidates: list[Candidate] = []
    passed_over: dict[str, str] = {}
    for position, channel_id in enumerate(dict.fromkeys(service.routing)):
        channel = await directory.channel(channel_id)
        reason = await _objection(channel, gateway, kind, mode, amount_paise)
        if channel is None or reason:
            passed_over[channel_id] = reason
            continue
        candidates.append(_candidate(channel, kind, amount_paise, "primary" if position == 0 else "fallback"))
    if not candidates:
        unknown = all(reason == "unknown" for reason in passed_over.values())
        told = ", ".join(f"{channel_id}: {reason}" for channel_id, reason in passed_over.items())
        raise PaymentError(PayCode.CHANNEL_NOT_FOUND if unknown else PayCode.CHANNEL_INACTIVE, internal=told)
    return Route(tuple(candidates), passed_over)


async def _objection(
    channel: Channel | None, gateway: ProviderGateway, kind: ServiceKind, mode: str, amount_paise: Paise
) -> str:
    if channel is None:
        return "unknown"
    fixed = _fixed_objection(channel, kind, amount_paise)
    if fixed:
        return fixed
    try:
        capabilities = await gateway.capabilities(channel.id)
    except Exception as error:  # noqa: BLE001 - bad credentials of one channel must not stop the others
        return f"cannot be used: {type(error).__name__}"
    if mode not in (capabilities.payin_modes if kind == "payin" else capabilities.payout_modes):
        return f"does not take {mode}"
    return "its circuit is open" if await gateway.circuit_open(channel.id, kind) else ""


def _fixed_objection(channel: Channel, kind: ServiceKind, amount_paise: Paise) -> str:
    """Return what the channel's configuration has against this payment, empty when nothing."""
    config = channel.service(kind)
    limits = config.limits
    if not (channel.is_active and config.is_active):
        return "inactive"
    if channel.is_paused:
        return "paused by an operator"
    if limits.min_paise is not None and amount_paise < limits.min_paise:
        return "amount below the channel's minimum"
    if limits.max_paise is not None and amount_paise > limits.max_paise:
        return "amount above the channel's maximum"
    if config.tiers and tier_for(config.tiers, amount_paise) is None:
        return "no fee tier of the channel for this amount"
    return ""


def _candidate(channel: Channel, kind: ServiceKind, amount_paise: Paise, reason: str) -> Candidate:
    config = channel.service(kind)
    fee = fee_for(config.tiers, amount_paise)
    return Candidate(
        channel_id=channel.id,
        provider_id=channel.provider_id,
        legal_entity_id=channel.legal_entity_id,
        provider_fee_paise=fee.charge_paise if fee else Paise(0),
        provider_tax_paise=fee.tax_paise if fee else Paise(0),
        daily_limit_paise=config.limits.daily_paise,
        monthly_limit_paise=config.limits.monthly_paise,
        poll_immediately=config.poll_immediately,
        reason=reason,
    )
