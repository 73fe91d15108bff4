"""What writers under stress ask for: a universe of commands, each named by a number; any process can ask for any.

The same number is the same command in every process: one writer ends the holds of another, repeats what another (or a
killed one) asked for, or asks for other content under its id or key, and no writer has to tell the others anything.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from msgspec.structs import replace

from wisipay import ledger
from wisipay.ledger import AccountSpec, AccountStatus, AccountType, Command, Line

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
BANK = AccountSpec(AccountType.ASSET, "STRESS", "1", "BANK")
POT = AccountSpec(AccountType.INCOME, "STRESS", "1", "POT", stripes=3)
WALLETS = tuple(
    AccountSpec(AccountType.LIABILITY, "STRESS", str(number), "WALLET", min_balance=0) for number in (1, 2, 3)
)
CREDIT = AccountSpec(AccountType.ASSET, "STRESS", "1", "CREDIT", min_balance=-2_000)
DOLLARS = AccountSpec(AccountType.ASSET, "STRESS", "1", "DOLLARS", currency="USD")
CLOSED = tuple(
    AccountSpec(AccountType.LIABILITY, "STRESS", status.value, "CLOSED")
    for status in (AccountStatus.FROZEN, AccountStatus.LOCKED_INFLOW, AccountStatus.LOCKED_OUTFLOW)
)
SPECS = (BANK, POT, *WALLETS, CREDIT, DOLLARS, *CLOSED)
SWITCHED = (WALLETS[2], CREDIT)
"""Accounts whose status changes while the writers write."""

_TIME_BITS = int(START.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62
_NEAR = 120
"""How far back a command looks for another one to end, reverse or repeat."""
_PAYINS, _HOLDS, _POSTS, _ENDINGS = range(6), range(6, 11), range(11, 13), range(11, 19)
_OF_ANY_ACCOUNT, _OTHER_CONTENT, _OTHER_ID = 19, 20, 21
_KINDS = 24


def command(seed: int, number: int) -> Command:
    """Return the command of that number."""
    dice = _dice(seed, number)
    kind = dice.randrange(_KINDS)
    if kind in _PAYINS:
        return _payin(seed, number, dice)
    if kind in _HOLDS:
        return _hold(seed, number, dice)
    if kind in _ENDINGS:
        return _ending(seed, number, dice, kind)
    if kind == _OTHER_CONTENT:
        return replace(_payin(seed, number, dice), entry_id=_target(seed, number, dice, _PAYINS))
    if kind == _OTHER_ID:
        other = _near(seed, number, dice, _PAYINS)
        return replace(_payin(seed, other, _of_its_kind(seed, other)), entry_id=_id(seed, number))
    sides = SPECS if kind == _OF_ANY_ACCOUNT else WALLETS
    return ledger.Transfer(_id(seed, number), _moved(dice.choice(sides), dice.choice(sides), dice.randrange(2500)))


def _ending(seed: int, number: int, dice: Random, kind: int) -> Command:
    own_id = _id(seed, number)
    if kind in _POSTS:
        return ledger.Post(own_id, _target(seed, number, dice, _HOLDS))
    match kind:
        case 13:
            part = _moved(WALLETS[0], BANK, dice.randrange(1, 300))
            return ledger.Post(own_id, _target(seed, number, dice, _HOLDS), part)
        case 14:
            return ledger.Void(own_id, _target(seed, number, dice, range(_KINDS)))
        case 15:
            return ledger.Expire(own_id, _target(seed, number, dice, _HOLDS))
        case 16:
            return ledger.Reverse(own_id, _target(seed, number, dice, range(_KINDS)))
        case _:
            forced = dice.random() < 0.3
            return ledger.Reverse(own_id, _target(seed, number, dice, [*_PAYINS, *_POSTS]), allow_below_floor=forced)


def _dice(seed: int, number: int) -> Random:
    return Random(f"{seed}:{number}")  # noqa: S311 - a seeded history, not a secret


def _of_its_kind(seed: int, number: int) -> Random:
    """Return the dice of a number after it has said its kind."""
    dice = _dice(seed, number)
    dice.randrange(_KINDS)
    return dice


def _near(seed: int, number: int, dice: Random, kinds: Container[int]) -> int:
    """Return a number of one of the kinds, not far before; often one that many others choose too."""
    near = max(0, number - dice.randrange(1, _NEAR))
    if dice.random() < 0.4:
        near -= near % 32
    return next((each for each in range(near, 0, -1) if _dice(seed, each).randrange(_KINDS) in kinds), 0)


def _target(seed: int, number: int, dice: Random, kinds: Container[int]) -> UUID:
    return _id(seed, _near(seed, number, dice, kinds))


def _payin(seed: int, number: int, dice: Random) -> ledger.Transfer:
    amount, fee = dice.randrange(100, 600), dice.randrange(1, 20)
    lines = (Line(BANK.id, amount), Line(dice.choice(WALLETS).id, fee - amount), Line(POT.id, -fee))
    return ledger.Transfer(
        _id(seed, number), lines, idempotency_key=f"key {number}" if number % 2 == 0 else None, narration=f"{number}"
    )


def _hold(seed: int, number: int, dice: Random) -> ledger.Transfer:
    lines = _moved(dice.choice([*WALLETS, CREDIT]), dice.choice([BANK, POT]), dice.randrange(1, 700))
    timeout_at = dice.choice([None, START, START + timedelta(days=900)])
    return ledger.Transfer(_id(seed, number), lines, pending=True, timeout_at=timeout_at)


def _moved(debit: AccountSpec, credit: AccountSpec, amount: int) -> tuple[Line, ...]:
    return (Line(debit.id, amount), Line(credit.id, -amount))


def _id(seed: int, number: int) -> UUID:
    return UUID(int=_TIME_BITS | seed % 1000 << 40 | number)
