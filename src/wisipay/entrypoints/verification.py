"""The validation of beneficiaries as the settings ask for it; none where they do not."""

from __future__ import annotations

from datetime import timedelta

from wisipay.core.clock import Clock
from wisipay.core.config import Settings, SettingsError
from wisipay.core.crypto import look_up_key
from wisipay.core.money import PAISE_PER_RUPEE, Paise
from wisipay.payments import Stance, Validations, VerificationPolicy, Verifier
from wisipay.providers import ProviderGateway


def verifier_of(settings: Settings, gateway: ProviderGateway, store: Validations, clock: Clock) -> Verifier | None:
    """Return what verifies beneficiaries, None where it is off. Raises SettingsError without a channel to ask."""
    stance = Stance(settings.beneficiary_validation)
    if stance is Stance.OFF:
        return None
    if not settings.beneficiary_validation_channel:
        raise SettingsError(["BENEFICIARY_VALIDATION_CHANNEL: is not set, wants the channel that is asked"])
    merchants = settings.beneficiary_validation_merchants.replace(",", " ").split()
    policy = VerificationPolicy(
        stance=stance,
        channel_id=settings.beneficiary_validation_channel,
        merchants=frozenset(merchants),
        from_paise=Paise(settings.beneficiary_validation_from * PAISE_PER_RUPEE),
        least_score=settings.beneficiary_validation_name_score,
        wait_seconds=settings.beneficiary_validation_wait,
        is_required=settings.beneficiary_validation_required,
        cost_paise=settings.beneficiary_validation_cost,
        kept_for=timedelta(days=settings.beneficiary_validation_days),
    )
    return Verifier(gateway, store, clock, policy, look_up_key(settings))
