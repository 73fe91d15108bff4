"""Read named SQL statements from a slice's `.sql` file.

Decides the file format: aiosql's `-- name: xyz` line opens a statement, which runs to the next such line.
Statements keep their positional `$1` parameters exactly as written. Never builds SQL from values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

_NAME_LINE = re.compile(r"^--[ \t]*name[ \t]*:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PARAMETER = re.compile(r"\$([0-9]+)")


def load_queries(anchor_file: str, name: str) -> Mapping[str, str]:
    """Return statement text by statement name, from the file `name` in the folder of `anchor_file`.

    A slice calls `load_queries(__file__, "queries.sql")` once, at import. Raises `ValueError` for a statement
    without a name, a name that is used twice or is not snake_case, and an empty statement.
    """
    return _load(Path(anchor_file).parent / name)


@cache
def together(*statements: str, answer: str = "SELECT 1") -> str:
    """Return one statement that changes what all of these change, in one round trip; it returns what `answer` selects.

    `answer` may select from the statements, as `change_0` to `change_n`; what it selects from is carried out first, the
    others then from the last to the first. Parameters count on from one statement to the next. None sees what another
    changed, so no two may touch one row.
    """
    parts: list[str] = []
    taken = 0
    for number, statement in enumerate(statements):
        parts.append(f"change_{number} AS (\n{_counted_on(statement, taken).removesuffix(';')}\n)")
        taken += max((int(used) for used in _PARAMETER.findall(statement)), default=0)
    return f"WITH {', '.join(parts)} {answer}"


def _counted_on(statement: str, taken: int) -> str:
    return _PARAMETER.sub(lambda parameter: f"${int(parameter[1]) + taken}", statement)


@cache
def _load(path: Path) -> Mapping[str, str]:
    heading, *pieces = _NAME_LINE.split(path.read_text(encoding="utf-8"))
    if _statement(heading):
        raise ValueError(f"{path}: SQL before the first '-- name:' line")
    queries: dict[str, str] = {}
    for query_name, text in zip(pieces[::2], pieces[1::2], strict=True):
        if not _NAME.fullmatch(query_name):
            raise ValueError(f"{path}: {query_name!r} is not a snake_case statement name")
        if query_name in queries:
            raise ValueError(f"{path}: statement {query_name!r} is defined twice")
        if not _statement(text):
            raise ValueError(f"{path}: statement {query_name!r} is empty")
        queries[query_name] = text.strip()
    return MappingProxyType(queries)


def _statement(text: str) -> str:
    """Strip what is not SQL: blank lines and comment lines."""
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("--"))
