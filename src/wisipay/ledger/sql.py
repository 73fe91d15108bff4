"""The ledger's SQL: its named statements and its schema, read once from the `.sql` files of this folder."""

from collections.abc import Mapping
from pathlib import Path

import aiosql

_FOLDER = Path(__file__).parent
_STATEMENTS = ("queries.sql", "accounts.sql", "operations.sql", "reports.sql", "seals/queries.sql")
_SCHEMAS = (
    *("schema.sql", "schema_months.sql", "schema_operations.sql", "schema_reads.sql", "schema_seals.sql"),
    "schema_checks.sql",
)


def _load(file: str) -> Mapping[str, str]:
    queries = aiosql.from_path(_FOLDER / file, "asyncpg", mandatory_parameters=False)
    names = [name for name in queries.available_queries if not name.endswith("_cursor")]
    return {name: getattr(queries, name).sql for name in names}


QUERIES = {name: text for file in _STATEMENTS for name, text in _load(file).items()}
"""Statement text by name, with `$1` parameters."""


def schema_sql() -> str:
    """Return the SQL that makes the ledger's types, tables, indexes and triggers in the current schema."""
    return "\n".join((_FOLDER / file).read_text(encoding="utf-8") for file in _SCHEMAS)
