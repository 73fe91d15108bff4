"""Migrations in a pre and a post half, on databases of their own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from alembic import command

from support import stores
from wisipay.core import migrations
from wisipay.core.migrations import MigrationError, migrate, migrations_folder, upgrade_script

_REVISION = '''"""A revision of a test."""

from wisipay.core.migrations import run_sql

revision = "{name}"
down_revision = {before!r}


def upgrade() -> None:
    run_sql(revision)
'''

_TABLE_AND_FUNCTION = """
CREATE TABLE one (a integer); -- a colon: and a percent sign %
CREATE FUNCTION answer() RETURNS integer LANGUAGE plpgsql AS $body$
BEGIN
    RETURN 40 + 2; -- a semicolon ; inside
END;
$body$
-- the last line is a comment"""


@pytest.fixture
async def empty_url(run_stores: stores.Stores) -> AsyncIterator[str]:
    name = f"migrations_{stores.worker_name()}"
    yield await stores.create_database(run_stores, name, migrated=False)
    await stores.execute(run_stores.postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty folder of migrations take the place of the real one."""
    made = tmp_path / "a 100 % folder"
    (made / "versions").mkdir(parents=True)
    (made / "sql").mkdir()
    shutil.copy(migrations_folder() / "env.py", made)
    monkeypatch.setattr(migrations, "migrations_folder", lambda: made)
    return made


def add_revision(
    folder: Path, name: str, before: str | None, *, pre: str | None = None, post: str | None = None
) -> None:
    (folder / "versions" / f"{name}.py").write_text(_REVISION.format(name=name, before=before), encoding="utf-8")
    for phase, sql in (("pre", pre), ("post", post)):
        if sql is not None:
            (folder / "sql" / f"{name}.{phase}.sql").write_text(sql, encoding="utf-8")


async def fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def tables(url: str) -> set[str]:
    found = await fetch(url, "SELECT array_agg(tablename::text) FROM pg_tables WHERE schemaname = 'public'")
    assert isinstance(found, list)
    return {name for name in found if not name.startswith("schema_version_")}


async def test_the_real_migrations_apply_to_an_empty_database_and_again(empty_url: str) -> None:
    await migrate(empty_url)
    first = await tables(empty_url)
    await migrate(empty_url)
    assert await tables(empty_url) == first
    assert {"pgqueuer", "core_schedules"} <= first


def test_every_revision_has_its_sql() -> None:
    revisions = {path.stem for path in (migrations_folder() / "versions").glob("*.py")}
    with_sql = {path.name.split(".")[0] for path in (migrations_folder() / "sql").glob("*.pre.sql")}
    assert revisions == with_sql


@pytest.mark.parametrize("path", sorted((migrations_folder() / "sql").iterdir()), ids=lambda path: path.name)
def test_every_sql_file_belongs_to_a_revision_and_a_phase(path: Path) -> None:
    revision, phase, ending = path.name.split(".")
    assert (migrations_folder() / "versions" / f"{revision}.py").is_file()
    assert phase in {"pre", "post"}
    assert ending == "sql"


async def test_statements_and_function_bodies_run_as_written(empty_url: str, folder: Path) -> None:
    add_revision(folder, "r1", None, pre=_TABLE_AND_FUNCTION)
    await migrate(empty_url)
    assert await fetch(empty_url, "SELECT answer()") == 42


async def test_pre_and_post_move_along_the_chain_independently(empty_url: str, folder: Path) -> None:
    add_revision(folder, "r1", None, pre="CREATE TABLE old (a integer);")
    await migrate(empty_url)
    add_revision(folder, "r2", "r1", pre="CREATE TABLE new (a integer);", post="DROP TABLE old;")
    await migrate(empty_url, "pre")
    assert await tables(empty_url) == {"old", "new"}
    await migrate(empty_url, "pre")
    await migrate(empty_url, "post")
    assert await tables(empty_url) == {"new"}


async def test_two_processes_may_migrate_at_once(empty_url: str) -> None:
    await asyncio.gather(*(migrate(empty_url) for _ in range(3)))
    assert "pgqueuer" in await tables(empty_url)


async def test_a_failed_revision_leaves_what_came_before_it_and_nothing_of_itself(empty_url: str, folder: Path) -> None:
    add_revision(folder, "r1", None, pre="CREATE TABLE one (a integer);")
    add_revision(folder, "r2", "r1", pre="CREATE TABLE two (a integer); SELECT 1 / 0;")
    with pytest.raises(MigrationError, match="division by zero"):
        await migrate(empty_url)
    assert await tables(empty_url) == {"one"}
    (folder / "sql" / "r2.pre.sql").write_text("CREATE TABLE two (a integer);", encoding="utf-8")
    await migrate(empty_url)
    assert await tables(empty_url) == {"one", "two"}


async def test_a_lock_that_traffic_holds_is_not_waited_for_long(
    empty_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "_LOCK_TIMEOUT_SECONDS", "0.1")
    add_revision(folder, "r1", None, pre="CREATE TABLE one (a integer);")
    await migrate(empty_url)
    add_revision(folder, "r2", "r1", pre="ALTER TABLE one ADD b integer;")
    connection = await asyncpg.connect(empty_url)
    async with connection.transaction():
        await connection.execute("SELECT * FROM one")
        with pytest.raises(MigrationError, match="lock timeout"):
            await migrate(empty_url)
    await connection.close()
    await migrate(empty_url)


async def test_a_database_that_is_newer_is_left_alone(empty_url: str, folder: Path) -> None:
    add_revision(folder, "r1", None, pre="CREATE TABLE one (a integer);")
    await migrate(empty_url)
    await stores.execute(empty_url, "UPDATE schema_version_pre SET version_num = 'r2'")
    await migrate(empty_url)
    assert await fetch(empty_url, "SELECT version_num FROM schema_version_pre") == "r2"


async def test_a_server_that_is_away_is_told_in_words(folder: Path) -> None:
    add_revision(folder, "r1", None)
    with pytest.raises(MigrationError, match="run it again"):
        await migrate("postgresql://nobody@127.0.0.1:1/nothing")


def test_the_script_can_be_read_before_it_is_run(folder: Path) -> None:
    add_revision(folder, "r1", None, pre="CREATE TABLE one (a integer);")
    add_revision(folder, "r2", "r1", pre="CREATE TABLE two (a integer);")
    script = upgrade_script("pre", "r1")
    assert "CREATE TABLE two" in script
    assert "CREATE TABLE one" not in script


def test_plain_alembic_is_refused() -> None:
    with pytest.raises(SystemExit, match="wisipay migrate"):
        upgrade_script_without_phase()


def upgrade_script_without_phase() -> None:
    config = migrations._config("pre")  # noqa: SLF001 - made as alembic's own command would make it
    del config.attributes["phase"]
    command.upgrade(config, "head", sql=True)
