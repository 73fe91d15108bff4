"""The commands for providers, legal entities and the channels (PLE) between them.

Decides nothing that a use case does not; a command is committed as a whole. Credentials are read from a file or from
standard input, never from the command line, where every user of the machine could see them. Must never print one.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import App, Parameter

from wisipay.entrypoints import cli_provider_health as care
from wisipay.entrypoints.operator import Operator, operate, tell, tell_json
from wisipay.entrypoints.service_commands import add_fee_of, remove_fee_of, set_service_of
from wisipay.entrypoints.service_options import FeeOptions, ServiceOptions, described_service
from wisipay.merchants import (
    BankAccount,
    Channel,
    InvalidValue,
    ProviderType,
    ServiceKind,
    ServiceOwner,
    change_channel,
    create_channel,
    create_legal_entity,
    create_provider,
    read_channels,
    read_legal_entities,
    read_providers,
    set_credentials,
)
from wisipay.payments import open_channel_accounts, open_system_accounts
from wisipay.providers import adapter_names, check_credentials

_STANDARD_INPUT: Final = "-"
_CREDENTIALS_MAX_BYTES: Final = 65_536
_SERVICE_DEFAULTS: Final = ServiceOptions()
_FEE_DEFAULTS: Final = FeeOptions()

CredentialsFile = Annotated[
    str,
    Parameter(
        allow_leading_hyphen=True,
        help='A file with a JSON object of texts, such as {"apiKey": "..."}; - reads it from standard input.',
    ),
]

app: Final = App(name="provider", help="Providers, legal entities and the channels of the two.")
app.command(
    "wisipay.entrypoints.cli_provider_proxy:proxy",
    name="proxy",
    help="Send one request, given as JSON or as a line of curl, to a provider's host; it is audited.",
)

for _command in (care.pause, care.resume, care.maintenance, care.windows, care.end_window, care.hours, care.health):
    app.command(_command)
app.command(care.float_, name="float")


@app.command
def create(
    name: str,
    *,
    provider_type: Annotated[ProviderType, Parameter(name="--type")] = ProviderType.GATEWAY,
    adapter: str | None = None,
    payin: bool = True,
    payout: bool = True,
) -> None:
    """Create a provider; its id is a slug of its name.

    Parameters
    ----------
    adapter
        The adapter that speaks its language; the id when none is given.
    """

    async def command(operator: Operator) -> str:
        return await create_provider(
            operator.conn,
            operator.author,
            name=name,
            provider_type=provider_type,
            adapter=adapter,
            does_payin=payin,
            does_payout=payout,
            is_known_adapter=lambda wanted: wanted in adapter_names(),
        )

    tell(f"created provider {operate(command)}")


@app.command(name="list")
def list_providers() -> None:
    """List the providers."""
    tell_json([asdict(provider) for provider in operate(lambda operator: read_providers(operator.conn))])


@app.command
def legal_entity(
    name: str,
    *,
    identifier: str,
    gstin: str | None = None,
    account: Annotated[tuple[str, str, str, str] | None, Parameter(negative="")] = None,
) -> None:
    """Create a legal entity; its id is a slug of its name.

    Parameters
    ----------
    identifier
        PAN or CIN.
    account
        Its bank account: number, IFSC, name of the bank, name of the beneficiary.
    """

    async def command(operator: Operator) -> str:
        return await create_legal_entity(
            operator.conn,
            operator.author,
            name=name,
            identifier=identifier,
            gstin=gstin,
            bank_account=None if account is None else BankAccount(*account),
        )

    tell(f"created legal entity {operate(command)}")


@app.command
def legal_entities() -> None:
    """List the legal entities."""
    tell_json([asdict(entity) for entity in operate(lambda operator: read_legal_entities(operator.conn))])


@app.command
def channel(provider_id: str, legal_entity_id: str, *, credentials: CredentialsFile | None = None) -> None:
    """Create the channel of a provider and a legal entity, with its ledger accounts."""
    given = None if credentials is None else _read_credentials(credentials)

    async def command(operator: Operator) -> str:
        channel_id = await create_channel(
            operator.conn,
            operator.box,
            operator.author,
            provider_id=provider_id,
            legal_entity_id=legal_entity_id,
            credentials=given,
            check=check_credentials,
        )
        await open_system_accounts(operator.conn)
        await open_channel_accounts(operator.conn, channel_id, legal_entity_id)
        return channel_id

    tell(f"created channel {operate(command)}")


@app.command
def channels() -> None:
    """List the channels and their services."""
    found = operate(lambda operator: read_channels(operator.conn))
    tell_json([_described(each) for each in found.values()])


def _described(channel: Channel) -> dict[str, object]:
    return {
        "id": channel.id,
        "provider": channel.provider_id,
        "legalEntity": channel.legal_entity_id,
        "type": channel.provider_type,
        "adapter": channel.adapter,
        "isActive": channel.is_active,
        "isPaused": channel.is_paused,
        "payin": described_service(channel.payin),
        "payout": described_service(channel.payout),
    }


@app.command(name="set-credentials")
def replace_credentials(channel_id: str, source: CredentialsFile) -> None:
    """Replace the credentials of a channel."""
    given = _read_credentials(source)
    operate(
        lambda operator: set_credentials(
            operator.conn, operator.box, operator.author, channel_id, given, check=check_credentials
        )
    )
    tell(f"replaced the credentials of channel {channel_id}")


def _read_credentials(source: str) -> dict[str, str]:
    try:
        if source == _STANDARD_INPUT:
            content = sys.stdin.buffer.read(_CREDENTIALS_MAX_BYTES)
        else:
            with Path(source).open("rb") as file:
                content = file.read(_CREDENTIALS_MAX_BYTES)
        return msgspec.json.decode(content, type=dict[str, str])
    except OSError as error:
        raise InvalidValue("credentials", f"{source} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidValue("credentials", f"{source} must hold a JSON object whose values are texts") from None


@app.command(name="set")
def set_channel(channel_id: str, *, active: bool | None = None, paused: bool | None = None) -> None:
    """Switch a channel on or off, or pause it."""
    operate(
        lambda operator: change_channel(operator.conn, operator.author, channel_id, is_active=active, is_paused=paused)
    )
    tell(f"changed channel {channel_id}")


@app.command
def set_service(channel_id: str, service: ServiceKind, *, options: ServiceOptions = _SERVICE_DEFAULTS) -> None:
    """Set the configuration of a channel's payin or payout."""
    set_service_of(ServiceOwner(channel_id=channel_id), service, options.change())


@app.command
def add_fee(channel_id: str, service: ServiceKind, *, options: FeeOptions = _FEE_DEFAULTS) -> None:
    """Add a tier of the provider's fee; tiers may not overlap."""
    add_fee_of(ServiceOwner(channel_id=channel_id), service, options)


@app.command
def remove_fee(channel_id: str, service: ServiceKind, *, from_amount: str) -> None:
    """Remove the fee tier that starts at an amount (rupees)."""
    remove_fee_of(ServiceOwner(channel_id=channel_id), service, from_amount)
