"""Bring a database's schema up to this release: Alembic revisions whose bodies are plain SQL files.

Decides the two halves of a migration. `pre` runs before new code is deployed, so the code of the release before must
still work on its result; `post` runs after the last old process is gone. Each half keeps its own place in the chain of
revisions, therefore the `pre` SQL of a revision must never rely on the `post` SQL of an earlier one.
Alembic writes the script (its offline mode) and asyncpg runs it. Never waits long for a lock that live traffic holds,
never runs twice at once, and never goes backwards.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Final, Literal, get_args

import asyncpg
from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from wisipay.core.logging import get_logger

Phase = Literal["pre", "post"]

_LOCK_TIMEOUT_SECONDS: Final = 5
_WAIT_FOR_OTHER_MIGRATION_SECONDS: Final = 60
_ADVISORY_LOCK_KEY: Final = 0x77697369  # "wisi": a number that nothing else in this database locks

_log = get_logger(__name__)


class MigrationError(Exception):
    """The schema could not be brought up to date; the text says which phase, why, and what to do."""


async def migrate(database_url: str, phase: Literal["pre", "post", "all"] = "all") -> None:
    """Apply every revision that `database_url` lacks. Running it again, or twice at once, is harmless.

    Each revision is one transaction. Raises `MigrationError`; what was applied before the failure stays applied.
    A database that is ahead of this release (after a rollback) is left as it is.
    """
    phases: tuple[Phase, ...] = get_args(Phase) if phase == "all" else (phase,)
    try:
        connection = await asyncpg.connect(database_url, server_settings={"application_name": "wisipay migrate"})
        try:
            await connection.execute(f"SET lock_timeout = '{_WAIT_FOR_OTHER_MIGRATION_SECONDS}s'")
            await connection.execute("SELECT pg_advisory_lock($1)", _ADVISORY_LOCK_KEY)
            for one in phases:
                await _upgrade(connection, one)
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, CommandError, OSError, ValueError) as error:
        raise MigrationError(
            f"migration ({phase}) stopped: {error}. What was applied before stays; mend the cause and run it again."
        ) from error


def upgrade_script(phase: Phase, current: str | None, target: str = "head") -> str:
    """Return the SQL script that takes a database from revision `current` (None: empty) to `target`, the newest one."""
    script = StringIO()
    config = _config(phase, output_buffer=script)
    command.upgrade(config, f"{current or 'base'}:{target}", sql=True)
    return script.getvalue()


def migrations_folder() -> Path:
    """Return the folder of revisions: inside the installed package, or at the root of a checkout."""
    installed = Path(__file__).parents[1] / "_migrations"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "migrations"


def run_sql(revision: str) -> None:
    """Run the SQL file of `revision` for the phase in progress, if it has one. Called by revision files only."""
    path = migrations_folder() / "sql" / f"{revision}.{_phase()}.sql"
    if path.is_file():
        _emit(path.read_text(encoding="utf-8"))


async def _upgrade(connection: asyncpg.Connection[asyncpg.Record], phase: Phase) -> None:
    script = ScriptDirectory.from_config(_config(phase))
    known = {revision.revision for revision in script.walk_revisions()}
    current = await _current_revision(connection, phase)
    if current is not None and current not in known:
        _log.warning("migration.database_is_newer", phase=phase, revision=current)
    elif current != script.get_current_head():
        await connection.execute(upgrade_script(phase, current))
        _log.info("migration.done", phase=phase, from_revision=current, revision=script.get_current_head())


async def _current_revision(connection: asyncpg.Connection[asyncpg.Record], phase: Phase) -> str | None:
    table = f"schema_version_{phase}"
    if await connection.fetchval("SELECT to_regclass($1)", table) is None:
        return None
    revision: str | None = await connection.fetchval(f"SELECT version_num FROM {table}")  # noqa: S608 - our constant
    return revision


def _config(phase: Phase, output_buffer: StringIO | None = None) -> Config:
    config = Config(output_buffer=output_buffer)
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["phase"] = phase
    return config


def _phase() -> Phase:
    phase: Phase = context.config.attributes["phase"]
    return phase


def _emit(sql: str) -> None:
    """Add `sql` to the script exactly as written: several statements and function bodies are fine."""
    implementation = context.get_context().impl
    implementation.static_output(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_SECONDS}s';")
    implementation.static_output(f"{sql}\n;")
