"""Legal entities: the companies that hold the bank accounts and the contracts with providers.

Decides a legal entity's id (a slug of its name) and its record. Must never hold a credential: those are the channel's.
"""

from dataclasses import asdict, dataclass

from asyncpg import Record

from wisipay.core.database import Connection
from wisipay.merchants.author import Author
from wisipay.merchants.errors import AlreadyExists
from wisipay.merchants.names import checked_gstin, checked_identifier, checked_ifsc, checked_name, slug_of
from wisipay.merchants.store import QUERIES


@dataclass(frozen=True, slots=True)
class BankAccount:
    """The account that a legal entity settles through."""

    account_number: str
    ifsc: str
    bank_name: str
    beneficiary_name: str


@dataclass(frozen=True, slots=True)
class LegalEntity:
    """A legal entity's record; `identifier` is its PAN or CIN."""

    id: str
    name: str
    identifier: str
    gstin: str | None = None
    bank_account: BankAccount | None = None
    is_active: bool = True


async def create_legal_entity(
    conn: Connection,
    author: Author,
    *,
    name: str,
    identifier: str,
    gstin: str | None = None,
    bank_account: BankAccount | None = None,
) -> str:
    """Create a legal entity and give its id; raises InvalidValue or AlreadyExists."""
    name = checked_name("name", name)
    entity = LegalEntity(
        slug_of("name", name),
        name,
        checked_identifier(identifier),
        None if gstin is None else checked_gstin(gstin),
        None if bank_account is None else _checked_account(bank_account),
    )
    account = entity.bank_account
    async with conn.transaction():
        added = await conn.fetchval(
            QUERIES["insert_legal_entity"],
            entity.id,
            entity.name,
            entity.identifier,
            entity.gstin,
            *((None,) * 4 if account is None else _columns(account)),
            entity.is_active,
            author.moment,
        )
        if added is None:
            raise AlreadyExists(f"there is a legal entity {entity.id!r} already", details={"name": "is taken"})
        await author.record(conn, "legal_entity.create", ("legal_entity", entity.id), None, asdict(entity))
    return entity.id


async def read_legal_entities(conn: Connection) -> list[LegalEntity]:
    """List the legal entities by id."""
    return [_legal_entity(row) for row in await conn.fetch(QUERIES["legal_entities"], None)]


def _checked_account(account: BankAccount) -> BankAccount:
    return BankAccount(
        checked_identifier(account.account_number),
        checked_ifsc(account.ifsc),
        checked_name("bankName", account.bank_name),
        checked_name("beneficiaryName", account.beneficiary_name),
    )


def _columns(account: BankAccount) -> tuple[str, str, str, str]:
    return account.account_number, account.ifsc, account.bank_name, account.beneficiary_name


def _legal_entity(row: Record) -> LegalEntity:
    account = None
    if row["bank_account_number"] is not None:
        account = BankAccount(
            row["bank_account_number"], row["bank_ifsc"], row["bank_name"], row["bank_beneficiary_name"]
        )
    return LegalEntity(row["id"], row["name"], row["identifier"], row["gstin"], account, row["is_active"])
