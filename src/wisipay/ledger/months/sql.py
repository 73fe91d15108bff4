"""The SQL of months, read once."""

from pathlib import Path
from typing import Final

import aiosql

_FILE = aiosql.from_path(Path(__file__).parent / "queries.sql", "asyncpg", mandatory_parameters=False)

QUERIES: Final[dict[str, str]] = {
    name: getattr(_FILE, name).sql for name in _FILE.available_queries if not name.endswith("_cursor")
}
"""Statement text by name, with `$1` parameters."""
