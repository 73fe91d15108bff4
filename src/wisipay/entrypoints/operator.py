"""What an operator's command works with: one connection in one transaction, and its name for the audit log.

Decides that a command is committed as a whole or not at all, that its author is `cli:<user of this machine>`, and how
it speaks: text or JSON on standard output. Must never print a secret other than the one a command has just made.
"""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from wisipay.core.clock import SystemClock
from wisipay.core.config import Settings
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Connection, close_pool, connect_pool
from wisipay.entrypoints.store_settings import settings_with_stores
from wisipay.merchants import Author

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Operator:
    """The parts a command works with; `conn` is inside a transaction that commits when the command returns."""

    conn: Connection
    box: SecretBox
    author: Author
    settings: Settings

    @property
    def https_only(self) -> bool:
        """Whether addresses must be https: in production."""
        return self.settings.wisipay_env == "production"


def operate(command: Callable[[Operator], Awaitable[Result]], *, reason: str | None = None) -> Result:
    """Run a command in one transaction and give its result."""
    return asyncio.run(_operate(command, reason))


async def _operate(command: Callable[[Operator], Awaitable[Result]], reason: str | None) -> Result:
    settings = settings_with_stores()
    author = Author(user_name(), SystemClock().now(), reason=reason)
    pool = await connect_pool(settings, application_name="wisipay operator", max_size=1)
    try:
        async with pool.acquire() as conn, conn.transaction():
            return await command(Operator(conn, SecretBox.from_settings(settings), author, settings))
    finally:
        await close_pool(pool)


def user_name() -> str:
    """Return the name under which the audit log knows who runs this command."""
    return f"cli:{getpass.getuser()}"


def tell(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")


def tell_json(value: object) -> None:
    """Print a value as indented JSON; None for what is not set."""
    encoded = msgspec.json.encode(value, enc_hook=str)
    tell(msgspec.json.format(encoded, indent=2).decode())
