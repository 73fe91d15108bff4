"""Named statements in `.sql` files."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from wisipay.core.database import Pool
from wisipay.core.sql import load_queries, together


def load(folder: Path, text: str) -> dict[str, str]:
    (folder / "queries.sql").write_text(text, encoding="utf-8")
    return dict(load_queries(str(folder / "store.py"), "queries.sql"))


def test_statements_are_found_by_name_and_kept_as_written(tmp_path: Path) -> None:
    text = """-- What this file is about.

-- name: first_one
SELECT $1::text, ':not_a_parameter', '{"a": "b"}'::jsonb; -- trailing words

--name:second
-- Says why.
UPDATE t
SET a = 1;
"""
    assert load(tmp_path, text) == {
        "first_one": """SELECT $1::text, ':not_a_parameter', '{"a": "b"}'::jsonb; -- trailing words""",
        "second": "-- Says why.\nUPDATE t\nSET a = 1;",
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("SELECT 1;\n-- name: late\nSELECT 2;", "before the first"),
        ("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;", "defined twice"),
        ("-- name: a\n-- only words\n-- name: b\nSELECT 2;", "'a' is empty"),
        ("-- name: Camel\nSELECT 1;", "not a snake_case"),
        ("-- name: a^\nSELECT 1;", "not a snake_case"),
        ("-- name:\nSELECT 1;", "not a snake_case"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        load(tmp_path, text)


def test_a_statement_cannot_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text("-- name: a\nSELECT 1;", encoding="utf-8")
    queries = load_queries(str(tmp_path / "store.py"), "queries.sql")
    with pytest.raises(TypeError):
        queries["a"] = "SELECT 2;"  # type: ignore[index] # what the test is about


async def test_changes_made_together_are_one_statement_whose_parameters_count_on(database: Pool) -> None:
    async with database.acquire() as conn:
        await conn.execute(
            "CREATE TEMPORARY TABLE a (number integer); CREATE TEMPORARY TABLE b (name text, number integer)"
        )
        both = together("INSERT INTO a SELECT $1::integer;", "INSERT INTO b VALUES ($1, $2::integer + $2);")
        await conn.execute(both, 7, "x", 4)
        assert await conn.fetchval("SELECT number FROM a") == 7
        assert dict(await conn.fetchrow("SELECT * FROM b") or {}) == {"name": "x", "number": 8}
        await conn.execute("DROP TABLE a; DROP TABLE b")


async def test_an_answer_may_select_from_the_changes_and_undo_them(database: Pool) -> None:
    async with database.acquire() as conn:
        await conn.execute("CREATE TEMPORARY TABLE a (number integer)")
        added = together("INSERT INTO a SELECT $1::integer RETURNING number;", answer="SELECT 6 / number FROM change_0")
        assert await conn.fetchval(added, 3) == 2
        with pytest.raises(asyncpg.DivisionByZeroError):
            await conn.fetchval(added, 0)
        assert await conn.fetchval("SELECT count(*) FROM a") == 1
        await conn.execute("DROP TABLE a")
