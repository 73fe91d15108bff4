"""The rules that need no book: the shape of lines, parts of a hold, an account's status, repeated commands.

Pure functions; each returns what is wrong, or None.
"""

from wisipay.ledger.account import AccountStatus
from wisipay.ledger.model import MAX_AMOUNT, MAX_LINES, Accepted, Command, Entry, Line, Rejected, Rejection, Result

_NOT_CONTENT = frozenset({"entry_id", "allow_below_floor"})
"""Fields in which a repeat may differ: under another id it is found by its key, and leave is a way of deciding."""


def shape_fault(lines: tuple[Line, ...]) -> Rejected | None:
    """Refuse what can be seen to be wrong without any account."""
    if len(lines) < 2:  # noqa: PLR2004 - double entry: two sides at least
        return Rejected(Rejection.TOO_FEW_LINES, f"{len(lines)} lines")
    if len(lines) > MAX_LINES:
        return Rejected(Rejection.TOO_MANY_LINES, f"{len(lines)} lines, at most {MAX_LINES}")
    total = 0
    for account_id, amount in lines:
        if not (-MAX_AMOUNT <= amount <= MAX_AMOUNT and amount):
            return Rejected(Rejection.AMOUNT_TOO_LARGE if amount else Rejection.ZERO_AMOUNT, account_id)
        total += amount
    return None if total == 0 else Rejected(Rejection.UNBALANCED, f"debits exceed credits by {total}")


def part_fault(held: tuple[Line, ...], asked: tuple[Line, ...]) -> Rejected | None:
    """Refuse a part that takes more than was held from any account and side."""
    left: dict[tuple[str, bool], int] = {}
    for account_id, amount in held:
        left[account_id, amount > 0] = left.get((account_id, amount > 0), 0) + abs(amount)
    for account_id, amount in asked:
        rest = left.get((account_id, amount > 0), 0) - abs(amount)
        if rest < 0:
            return Rejected(Rejection.EXCEEDS_PENDING, f"{account_id} by {-rest}")
        left[account_id, amount > 0] = rest
    return None


def status_fault(status: AccountStatus, *, inflow: bool) -> Rejection | None:
    """Refuse a line that the account is not open to."""
    if status is AccountStatus.FROZEN:
        return Rejection.ACCOUNT_FROZEN
    if status is AccountStatus.LOCKED_INFLOW:
        return Rejection.ACCOUNT_LOCKED_INFLOW if inflow else None
    return None if inflow else Rejection.ACCOUNT_LOCKED_OUTFLOW


def repeated(first: Entry, command: Command, lines: tuple[Line, ...] | None) -> Result:
    """Answer a command whose id or key is taken: the first entry if the content is the same, else the field's name."""
    if type(first.command) is not type(command):
        return Rejected(Rejection.CONTENT_DIFFERS, "kind")
    for name in command.__struct_fields__:
        if name == "lines":
            same = first.lines == lines
        else:
            same = name in _NOT_CONTENT or getattr(first.command, name) == getattr(command, name)
        if not same:
            return Rejected(Rejection.CONTENT_DIFFERS, name)
    return Accepted(first.command.entry_id, repeated=True)
