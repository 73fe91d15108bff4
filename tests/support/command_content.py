"""What a command asks for, without the id it asks under and the leave it has: two commands may be the same in that."""

from __future__ import annotations

from typing import Any

from wisipay.ledger import Command


def content_of(command: Command) -> tuple[type[Command], dict[str, Any]]:
    """Return the kind of the command and the fields that are content."""
    names = [name for name in command.__struct_fields__ if name not in {"entry_id", "allow_below_floor"}]
    return type(command), {name: getattr(command, name) for name in names}
