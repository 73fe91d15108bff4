"""The journal is verified by the very script that docs/ledger/proof.md shows, which shares no code with us."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support import system
from support.books import NOW
from support.sealed_books import TRANSFER, fill, tamper
from support.source_file import REPOSITORY
from wisipay.core.database import Pool
from wisipay.ledger import seals
from wisipay.ledger.store import Connection

PRIVATE, _PUBLIC = seals.new_head_key()


@pytest.fixture
async def connection(database: Pool) -> AsyncIterator[Connection]:
    async with database.acquire() as connection:
        await fill(connection)
        await seals.seal(connection, NOW, block_records=4)
        yield connection


@pytest.fixture
def script(tmp_path: Path) -> Path:
    text = (REPOSITORY / "docs" / "ledger" / "proof.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(shown.splitlines()) < 30
    path = tmp_path / "verify.py"
    path.write_text(shown, encoding="utf-8")
    return path


async def exported(connection: Connection, path: Path) -> Path:
    return _written(path, b"".join([piece async for piece in seals.journal(connection)]))


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


async def published(connection: Connection, folder: Path) -> Path:
    statement = seals.publish_head(folder, await seals.chain_tail(connection), NOW.date(), NOW, PRIVATE)
    return folder / seals.file_name(statement.number, statement.day)


def said(script: Path, *files: Path) -> tuple[int, str]:
    done = system.run(sys.executable, "-I", str(script), *map(str, files), check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


async def test_a_journal_and_its_head_verify(connection: Connection, script: Path, tmp_path: Path) -> None:
    tail = await seals.chain_tail(connection)
    journal = await exported(connection, tmp_path / "journal")
    head = await published(connection, tmp_path)
    assert said(script, journal, head) == (0, f"{tail.block} blocks, head {tail.hash.hex()}")
    kinds = [json.loads(line)["record"] for line in journal.read_bytes().splitlines()]
    assert kinds.count("seal") == kinds.count("block") == tail.block
    assert kinds.count("entry") + kinds.count("account") == tail.position


@pytest.mark.tampers
async def test_a_journal_of_falsified_books_does_not(connection: Connection, script: Path, tmp_path: Path) -> None:
    await tamper(connection, "UPDATE ledger_entries SET narration = 'other' WHERE id = $1", TRANSFER)
    status, message = said(script, await exported(connection, tmp_path / "journal"))
    assert (status, re.sub(r"\d+", "N", message)) == (1, "line N: block N is not what was sealed")


async def test_a_falsified_journal_does_not(connection: Connection, script: Path, tmp_path: Path) -> None:
    journal = await exported(connection, tmp_path / "journal")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(
        b"".join(line.replace(b"[null,1]", b"[null,2]").replace(b",1000,", b",1001,") for line in lines)
    )
    assert "does not balance" in said(script, journal)[1]
    journal.write_bytes(b"".join(lines[:-1]))
    assert said(script, journal) == (1, "the last block is not whole")


@pytest.mark.tampers
async def test_a_journal_of_a_chain_made_anew_is_not_that_of_the_head(
    connection: Connection, script: Path, tmp_path: Path
) -> None:
    head = await published(connection, tmp_path)
    await tamper(connection, "UPDATE ledger_entries SET narration = 'other' WHERE id = $1", TRANSFER)
    await tamper(connection, "DELETE FROM ledger_seal_blocks")
    await seals.seal(connection, NOW, block_records=4)
    journal = await exported(connection, tmp_path / "journal")
    assert said(script, journal)[0] == 0
    assert "this is not the journal of that day" in said(script, journal, head)[1]
