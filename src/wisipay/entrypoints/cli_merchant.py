"""The commands for merchants: create, onboard, secrets, switches, services, fees, routing.

Decides nothing that a use case does not; a command is committed as a whole. Must never print a secret other than the
one that was just made.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Final

from cyclopts import App, Parameter

from wisipay.entrypoints.operator import Operator, operate, tell, tell_json
from wisipay.entrypoints.service_commands import add_fee_of, remove_fee_of, set_service_of
from wisipay.entrypoints.service_options import FeeOptions, ServiceOptions, described_service
from wisipay.merchants import (
    Merchant,
    MerchantChange,
    MerchantStatus,
    NewSecret,
    ServiceKind,
    ServiceOwner,
    UnknownMerchant,
    change_merchant,
    create_merchant,
    onboard_merchant,
    read_merchant_ids,
    read_merchants,
    rotate_secret,
    set_routing,
)
from wisipay.payments import open_merchant_accounts, open_system_accounts

_NONE: Final = "none"
_PAGE_MAX: Final = 1000
_SERVICE_DEFAULTS: Final = ServiceOptions()
_FEE_DEFAULTS: Final = FeeOptions()

app: Final = App(name="merchant", help="Merchants: create, onboard, secrets, services, fees, routing.")


@app.command
def create(
    name: str, email: str, *, merchant_id: str | None = None, display_name: str | None = None, onboard: bool = False
) -> None:
    """Register a merchant; with --onboard, onboard it too and print its secret.

    Parameters
    ----------
    merchant_id
        An id the merchant brings along; without it the next MER-<number>.
    """

    async def command(operator: Operator) -> tuple[str, NewSecret | None]:
        new_id = await create_merchant(
            operator.conn,
            operator.author,
            name=name,
            email=email,
            display_name=display_name,
            merchant_id=merchant_id,
        )
        return new_id, await _onboard(operator, new_id) if onboard else None

    new_id, secret = operate(command)
    tell(f"created merchant {new_id}")
    if secret is not None:
        _tell_secret(secret)


@app.command
def onboard(merchant_id: str) -> None:
    """Open a merchant's accounts and make its first secret, which is printed once."""
    _tell_secret(operate(lambda operator: _onboard(operator, merchant_id)))


async def _onboard(operator: Operator, merchant_id: str) -> NewSecret:
    secret = await onboard_merchant(operator.conn, operator.box, operator.author, merchant_id)
    await open_system_accounts(operator.conn)
    await open_merchant_accounts(operator.conn, merchant_id)
    return secret


@app.command(name="rotate-secret")
def rotate(merchant_id: str, *, overlap_hours: int = 24) -> None:
    """Make a new secret, which is printed once; the one before it is taken for the overlap (0: not any more)."""
    overlap = timedelta(hours=overlap_hours)
    _tell_secret(
        operate(
            lambda operator: rotate_secret(operator.conn, operator.box, operator.author, merchant_id, overlap=overlap)
        )
    )


def _tell_secret(secret: NewSecret) -> None:
    tell(f"secret {secret.id}: {secret.value}")
    tell("It is not shown again.")


@app.command(name="list")
def list_merchants(*, after: str | None = None, limit: int = 100) -> None:
    """List merchants by id, from behind `after`."""

    async def command(operator: Operator) -> list[Merchant]:
        ids = await read_merchant_ids(operator.conn, after=after, limit=max(1, min(limit, _PAGE_MAX)))
        found = await read_merchants(operator.conn, operator.box, ids, operator.author.moment)
        return [found[each] for each in ids]

    for merchant in operate(command):
        onboarded = "onboarded" if merchant.is_onboarded else "not onboarded"
        tell(f"{merchant.id}\t{merchant.status}\t{onboarded}\t{merchant.name}\t{merchant.email}")


@app.command
def show(merchant_id: str) -> None:
    """Show a merchant and its services; of its secrets the ids only."""

    async def command(operator: Operator) -> Merchant:
        found = await read_merchants(operator.conn, operator.box, [merchant_id], operator.author.moment)
        if merchant_id not in found:
            raise UnknownMerchant(merchant_id)
        return found[merchant_id]

    tell_json(_described(operate(command)))


def _described(merchant: Merchant) -> dict[str, object]:
    return {
        "id": merchant.id,
        "name": merchant.name,
        "displayName": merchant.display_name,
        "email": merchant.email,
        "status": merchant.status,
        "isOnboarded": merchant.is_onboarded,
        "isKeyEnabled": merchant.secret_enabled,
        "isV2Only": merchant.v2_only,
        "isLegacyHashEnabled": merchant.legacy_hash_enabled,
        "keys": [{"id": key.id, "createdAt": key.created_at, "retiresAt": key.retires_at} for key in merchant.secrets],
        "payin": described_service(merchant.payin),
        "payout": described_service(merchant.payout),
    }


@app.command(name="set")
def set_merchant(
    merchant_id: str,
    *,
    status: MerchantStatus | None = None,
    display_name: str | None = None,
    secret: bool | None = None,
    v2_only: bool | None = None,
    legacy_hash: bool | None = None,
) -> None:
    """Set a merchant's switches.

    Parameters
    ----------
    secret
        Whether its API secret is taken.
    v2_only
        Whether v1 signatures and the legacy hash are refused.
    legacy_hash
        Whether the legacy hash is taken where there is no signature.
    """
    change = MerchantChange(
        display_name=display_name,
        status=status,
        secret_enabled=secret,
        v2_only=v2_only,
        legacy_hash_enabled=legacy_hash,
    )
    operate(lambda operator: change_merchant(operator.conn, operator.author, merchant_id, change))
    tell(f"changed merchant {merchant_id}")


@app.command
def set_service(
    merchant_id: str,
    service: ServiceKind,
    *,
    options: ServiceOptions = _SERVICE_DEFAULTS,
    callback_url: str | None = None,
    allow_ip: Annotated[tuple[str, ...] | None, Parameter(negative="")] = None,
    allowlist: bool | None = None,
) -> None:
    """Set the configuration of a merchant's payin or payout.

    Parameters
    ----------
    callback_url
        Where callbacks go, or none.
    allow_ip
        An address or range of the allowlist; repeat it. The list is replaced.
    allowlist
        Whether the allowlist is enforced.
    """
    change = options.change()
    if callback_url is not None:
        change = replace(change, callback_url=None if callback_url == _NONE else callback_url)
    if allow_ip is not None:
        change = replace(change, ip_allowlist=allow_ip)
    if allowlist is not None:
        change = replace(change, ip_allowlist_enabled=allowlist)
    set_service_of(ServiceOwner(merchant_id=merchant_id), service, change)


@app.command
def add_fee(merchant_id: str, service: ServiceKind, *, options: FeeOptions = _FEE_DEFAULTS) -> None:
    """Add a fee tier; tiers may not overlap."""
    add_fee_of(ServiceOwner(merchant_id=merchant_id), service, options)


@app.command
def remove_fee(merchant_id: str, service: ServiceKind, *, from_amount: str) -> None:
    """Remove the fee tier that starts at an amount (rupees)."""
    remove_fee_of(ServiceOwner(merchant_id=merchant_id), service, from_amount)


@app.command(name="set-routing")
def route(merchant_id: str, service: ServiceKind, *channels: str) -> None:
    """Route a service through channels, the primary first; none takes the route away."""
    operate(lambda operator: set_routing(operator.conn, operator.author, merchant_id, service, channels))
    tell(f"{service} of merchant {merchant_id} goes through {', '.join(channels) or 'no channel'}")
