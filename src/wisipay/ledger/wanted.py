"""Which accounts and entries a batch of commands needs to be decided. Pure; the store reads them."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from wisipay.ledger.model import Command, Transfer


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a book must hold before commands can be decided on it.

    `entry_ids` are the ids that commands choose, `target_ids` the entries that they resolve or reverse (whose accounts
    come with them).
    """

    account_ids: frozenset[str] = frozenset()
    entry_ids: frozenset[UUID] = frozenset()
    target_ids: frozenset[UUID] = frozenset()
    idempotency_keys: frozenset[str] = frozenset()

    def __or__(self, other: "Wanted") -> "Wanted":
        return Wanted(
            self.account_ids | other.account_ids,
            self.entry_ids | other.entry_ids,
            self.target_ids | other.target_ids,
            self.idempotency_keys | other.idempotency_keys,
        )


def wanted_by(commands: Iterable[Command]) -> Wanted:
    """Collect what `commands` name."""
    account_ids: set[str] = set()
    entry_ids: set[UUID] = set()
    target_ids: set[UUID] = set()
    keys: set[str] = set()
    for command in commands:
        entry_ids.add(command.entry_id)
        if isinstance(command, Transfer):
            account_ids.update([account_id for account_id, _ in command.lines])
        else:
            target_ids.add(command.target_id)
        if command.idempotency_key is not None:
            keys.add(command.idempotency_key)
    return Wanted(frozenset(account_ids), frozenset(entry_ids), frozenset(target_ids), frozenset(keys))
