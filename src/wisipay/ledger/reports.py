"""Balances of any account at any time, and what is made of them: trial balance, balance sheet, income statement.

Every balance is an index probe per counter row, so a report costs the number of accounts, never the number of lines.
Amounts are minor units.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from wisipay.ledger.account import AccountType
from wisipay.ledger.moments import AsOf, day_end, day_start, limits
from wisipay.ledger.reading import AccountInfo, Reading, account_pages, accounts_named
from wisipay.ledger.reads import TrialBalance, TrialBalanceRow
from wisipay.ledger.sql import QUERIES


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What stood on an account; `net` is debits less credits, `balance` the same in the account's normal sign."""

    account: AccountInfo
    net: int

    @property
    def balance(self) -> int:
        """The balance in the account's normal sign."""
        return self.account.signed(self.net)


@dataclass(frozen=True, slots=True)
class Section:
    """All accounts of one purpose of one kind of owner, as one figure in their normal sign."""

    entity: str
    purpose: str
    balance: int


@dataclass(frozen=True, slots=True)
class BalanceSheet:
    """What is owned, what is owed and what is left, in one currency.

    `retained` is all income less all expenses up to then. `off_balance` is what went outside less what came from
    there, and stands on the side of the assets. `difference` is zero in books that are right.
    """

    assets: tuple[Section, ...]
    liabilities: tuple[Section, ...]
    equity: tuple[Section, ...]
    off_balance: tuple[Section, ...]
    retained: int
    difference: int


@dataclass(frozen=True, slots=True)
class IncomeStatement:
    """What was earned and spent in a range of days, in one currency."""

    income: tuple[Section, ...]
    expenses: tuple[Section, ...]
    profit: int


async def net_before(
    books: Reading, accounts: Sequence[AccountInfo], moment: datetime, day: date | None = None
) -> dict[int, int]:
    """Return debits less credits posted before `moment`, by number of the account; with a `day`, by value date."""
    rows = await books.connection.fetch(QUERIES["net_at"], [account.number for account in accounts], moment, day)
    return {row["number"]: row["net"] for row in rows}


async def balances_at(books: Reading, account_ids: Iterable[str], as_of: AsOf) -> dict[str, AccountBalance]:
    """Return the posted balance of accounts at a past moment or day; names that were never opened are left out."""
    accounts = await accounts_named(books, account_ids)
    nets = await net_before(books, accounts, *limits(as_of))
    return {account.id: AccountBalance(account, nets[account.number]) for account in accounts}


async def all_balances_at(
    books: Reading, as_of: AsOf, kinds: Collection[AccountType] = tuple(AccountType)
) -> AsyncIterator[AccountBalance]:
    """Yield every account of these kinds with its balance, in order of opening, holding a thousand at a time."""
    async for accounts in account_pages(books, kinds):
        nets = await net_before(books, accounts, *limits(as_of))
        for account in accounts:
            yield AccountBalance(account, nets[account.number])


async def trial_balance_at(books: Reading, as_of: AsOf) -> TrialBalance:
    """Return every account's balance on its debit or credit side, by name; `net_by_currency` is zero in right books."""
    rows: list[TrialBalanceRow] = []
    net: dict[str, int] = {}
    async for each in all_balances_at(books, as_of):
        currency = each.account.currency
        net[currency] = net.get(currency, 0) + each.net
        rows.append(TrialBalanceRow(each.account.id, currency, max(each.net, 0), max(-each.net, 0)))
    return TrialBalance(tuple(sorted(rows, key=lambda row: row.account_id)), net)


async def balance_sheet(books: Reading, as_of: AsOf) -> dict[str, BalanceSheet]:
    """Return the balance sheet by currency."""
    return {currency: _sheet(sums) for currency, sums in (await _sums(all_balances_at(books, as_of))).items()}


async def income_statement(
    books: Reading, first: date, last: date, *, by_value_date: bool = False
) -> dict[str, IncomeStatement]:
    """Return income and expenses from `first` to `last` (days in India), by currency."""
    kinds = (AccountType.INCOME, AccountType.EXPENSE)
    statements: dict[str, IncomeStatement] = {}
    for currency, sums in (await _sums(_moved(books, first, last, kinds, by_value_date=by_value_date))).items():
        income, expenses = (_sections(sums, kind) for kind in kinds)
        statements[currency] = IncomeStatement(income, expenses, _total(income) - _total(expenses))
    return statements


async def _moved(
    books: Reading, first: date, last: date, kinds: Collection[AccountType], *, by_value_date: bool
) -> AsyncIterator[AccountBalance]:
    """Yield by how much each account's balance moved in the range."""
    day_before = date.fromordinal(first.toordinal() - 1)
    async for accounts in account_pages(books, kinds):
        opening = await net_before(books, accounts, day_start(first), day_before if by_value_date else None)
        closing = await net_before(books, accounts, day_end(last), last if by_value_date else None)
        for account in accounts:
            yield AccountBalance(account, closing[account.number] - opening[account.number])


_Sums = Mapping[tuple[AccountType, str, str], int]


async def _sums(balances: AsyncIterator[AccountBalance]) -> dict[str, dict[tuple[AccountType, str, str], int]]:
    """Add balances up by currency, then by kind, owner and purpose."""
    sums: dict[str, dict[tuple[AccountType, str, str], int]] = {}
    async for each in balances:
        account = each.account
        of_currency = sums.setdefault(account.currency, {})
        key = (account.kind, account.entity, account.purpose)
        of_currency[key] = of_currency.get(key, 0) + each.balance
    return sums


def _sections(sums: _Sums, kind: AccountType) -> tuple[Section, ...]:
    return tuple(Section(*key[1:], balance) for key, balance in sorted(sums.items()) if key[0] is kind)


def _total(sections: Iterable[Section]) -> int:
    return sum(section.balance for section in sections)


def _sheet(sums: _Sums) -> BalanceSheet:
    of_kind = {kind: _sections(sums, kind) for kind in AccountType}
    totals = {kind: _total(sections) for kind, sections in of_kind.items()}
    retained = totals[AccountType.INCOME] - totals[AccountType.EXPENSE]
    owned = totals[AccountType.ASSET] + totals[AccountType.OFF_BALANCE]
    owed = totals[AccountType.LIABILITY] + totals[AccountType.EQUITY] + retained
    return BalanceSheet(
        of_kind[AccountType.ASSET],
        of_kind[AccountType.LIABILITY],
        of_kind[AccountType.EQUITY],
        of_kind[AccountType.OFF_BALANCE],
        retained,
        owned - owed,
    )
