"""Merchants and channels for tests that need them as values, not as rows."""

from __future__ import annotations

from datetime import UTC, datetime

from wisipay.merchants import ApiSecret, Channel, Merchant, MerchantStatus, ProviderType, ServiceConfig

SECRET = b"a-secret-of-the-merchant-0123456"
_CREATED_AT = datetime(2025, 1, 1, tzinfo=UTC)


def merchant(
    merchant_id: str = "MER-1", *, callback_url: str | None = None, secrets: tuple[bytes, ...] = (SECRET,)
) -> Merchant:
    """Return an active merchant whose two services call back to `callback_url`."""
    service = ServiceConfig(is_active=True, callback_url=callback_url)
    return Merchant(
        id=merchant_id,
        name=merchant_id,
        display_name=merchant_id,
        email="merchant@example.com",
        status=MerchantStatus.ACTIVE,
        is_onboarded=True,
        secrets=tuple(
            ApiSecret(id=f"secret-{number}", value=value, created_at=_CREATED_AT)
            for number, value in enumerate(secrets)
        ),
        secret_enabled=True,
        v2_only=False,
        legacy_hash_enabled=True,
        payin=service,
        payout=service,
    )


def channel(provider_id: str = "dummy", legal_entity_id: str = "acme") -> Channel:
    """Return an active channel of the dummy adapter."""
    return Channel(
        id=f"{provider_id}_{legal_entity_id}",
        provider_id=provider_id,
        legal_entity_id=legal_entity_id,
        provider_name=provider_id,
        provider_type=ProviderType.GATEWAY,
        adapter="dummy",
        is_active=True,
        is_paused=False,
        payin=ServiceConfig(is_active=True),
        payout=ServiceConfig(is_active=True),
    )


class Merchants:
    """A directory of merchants in memory; unknown ones are made up unless `strict`."""

    def __init__(self, *known: Merchant, strict: bool = False) -> None:
        self.known = {each.id: each for each in known}
        self._strict = strict

    async def merchant(self, merchant_id: str) -> Merchant | None:
        """Return the merchant, or None."""
        found = self.known.get(merchant_id)
        return found if found is not None or self._strict else merchant(merchant_id)
