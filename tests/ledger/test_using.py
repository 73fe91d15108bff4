"""The examples of docs/ledger/using.md print what stands under them, on a database that has nothing but PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest

from run_examples import DOCUMENT, rewritten
from support import stores


@pytest.fixture
async def empty_url(run_stores: stores.Stores) -> AsyncIterator[str]:
    """Return the URL of a database without tables."""
    name = f"ledger_using_{stores.worker_name()}"
    yield await stores.create_database(run_stores, name, migrated=False)
    await stores.execute(run_stores.postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


async def test_the_examples_print_what_the_page_says(empty_url: str) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    connection = await asyncpg.connect(empty_url)
    try:
        assert await rewritten(text, connection) == text, "run: python scripts/run_examples.py DATABASE_URL"
    finally:
        await connection.close()
    assert text.count("```python") == text.count("```text") > 5


def test_the_library_loads_nothing_else_of_the_product_and_three_packages() -> None:
    source = "import sys; import wisipay.ledger; print(*{'.'.join(name.split('.')[:2]) for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    names = set(done.stdout.split())
    assert {name for name in names if name.startswith("wisipay.")} == {"wisipay.ledger"}
    assert {"asyncpg", "aiosql", "msgspec"} <= names
    assert not {"aiohttp", "cryptography", "litestar", "pyarrow", "pydantic", "pymongo", "redis", "structlog"} & names
