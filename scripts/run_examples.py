"""Runs the examples of docs/ledger/using.md and writes what they print: `python scripts/run_examples.py URL`.

URL is an empty PostgreSQL database. The pieces of a document are one program: ```python blocks, each followed by a
```text block with its output. `tests/ledger/test_using.py` fails when the committed output is not what they print.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Final

import asyncpg

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "ledger" / "using.md"
_PIECE: Final = re.compile(r"(```python\n(.*?)```\n```text\n).*?(```\n)", re.DOTALL)


async def rewritten(text: str, connection: asyncpg.Connection[asyncpg.Record]) -> str:
    """Return the document with the output of a run of its examples on `connection`."""
    names: dict[str, Any] = {"connection": connection}
    pieces: list[str] = []
    end = 0
    for found in _PIECE.finditer(text):
        pieces += [text[end : found.start()], found[1], await _printed(found[2], names), found[3]]
        end = found.end()
    return "".join([*pieces, text[end:]])


async def _printed(source: str, names: dict[str, Any]) -> str:
    code = compile(source, str(DOCUMENT), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    with redirect_stdout(StringIO()) as output:
        waiting = eval(code, names)  # noqa: S307 - our own document, and the only way to await at its top level
        if inspect.isawaitable(waiting):
            await waiting
    return output.getvalue()


async def _write(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        DOCUMENT.write_text(await rewritten(DOCUMENT.read_text(encoding="utf-8"), connection), encoding="utf-8")
    finally:
        await connection.close()
    print(f"wrote {DOCUMENT}")


if __name__ == "__main__":
    asyncio.run(_write(sys.argv[1]))
