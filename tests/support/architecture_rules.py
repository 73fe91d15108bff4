"""What import-linter cannot say: the public faces of slices, whose tables are whose, where time, chance and floats are.

Each rule takes one file and yields what is wrong with it. `test_architecture.py` runs them over the repository and
over planted violations.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from support.source_file import SourceFile, source_files

MOUNTED: Final = frozenset({"http", "jobs", "worker"})
"""Modules of a slice that an entrypoint takes directly; everybody else uses the slice's public face."""

OWNERS_OF: Final = {
    "core": {"core", "pgqueuer"},
    "0003_merchants": {"merchants", "audit"},
    "0014_reconciliation": {"payments", "reconciliation"},
}
"""Prefixes beyond the own name: PgQueuer's tables are core's, the audit log came with the first audited slice, and
reconciliation brought the view of payments that it reads."""

AUDITOR: Final = "src/wisipay/entrypoints/demonstration/"
"""The demo compares the books of all slices from outside, so it reads their tables; it may never write them."""

_CREATE_TABLE: Final = re.compile(
    r"CREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([a-z_0-9]+)", re.IGNORECASE
)
_WORD: Final = re.compile(r"[a-z_][a-z_0-9]*")
_WRITES: Final = re.compile(r"\b(?:insert|update|delete|truncate|merge|create|alter|drop)\b")
_REVISION: Final = re.compile(r"migrations/sql/(\d{4}_([a-z]+)(?:_[a-z]+)*)\.(?:pre|post)\.sql")
_MONEY: Final = re.compile(r"(?:^|_)(?:paise|amount|amounts|balance|balances)(?:_|$)")
_CLOCKS: Final = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "os.urandom",
    "uuid.uuid1", "uuid.uuid4",
}  # fmt: skip
_CHANCE: Final = {"random", "secrets"}


def public_face(file: SourceFile) -> Iterator[str]:
    """Refuse an import of another slice's inside; entrypoints may mount http, jobs and worker."""
    for node in ast.walk(file.tree):
        for line, module in _imported(node):
            parts = module.split(".")
            is_inside = parts[0] == "wisipay" and len(parts) > len(("wisipay", "slice"))
            if not is_inside or parts[1] in {file.slice, "core"}:
                continue
            mounts = file.slice == "entrypoints" and parts[2] in MOUNTED
            if not mounts:
                yield f"{line} {module} is inside another slice; import from wisipay.{parts[1]}"


def relative_imports(file: SourceFile) -> Iterator[str]:
    """Refuse imports that start with a dot."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield f"{node.lineno} relative import"


def time_and_chance(file: SourceFile) -> Iterator[str]:
    """Refuse the clock and randomness: outside core, time and ids come in as arguments."""
    for node in ast.walk(file.tree):
        for line, name in _imported(node):
            if name.split(".")[0] in _CHANCE or name in _CLOCKS:
                yield f"{line} imports {name}"
        if isinstance(node, ast.Attribute):
            owner, _, _ = ast.unparse(node.value).rpartition(".")
            called = f"{ast.unparse(node.value).rpartition('.')[2]}.{node.attr}"
            if called in _CLOCKS and not owner.startswith("self"):
                yield f"{node.lineno} uses {called}"


def floats_near_money(file: SourceFile) -> Iterator[str]:
    """Refuse float types, float literals and true division where a name says paise, amount or balance."""
    for node in ast.walk(file.tree):
        match node:
            case ast.AnnAssign(target=target, annotation=annotation) if _speaks_of(target, _MONEY):
                wrong = _names(annotation) & {"float"}
            case ast.arg(arg=name, annotation=ast.expr() as annotation) if _MONEY.search(name):
                wrong = _names(annotation) & {"float"}
            case ast.FunctionDef(name=name, returns=ast.expr() as annotation) if _MONEY.search(name):
                wrong = _names(annotation) & {"float"}
            case ast.BinOp(op=ast.Div()) if _speaks_of(node, _MONEY):
                wrong = {"true division"}
            case ast.BinOp(left=left, right=right) if _speaks_of(node, _MONEY):
                literals = [side.value for side in (left, right) if isinstance(side, ast.Constant)]
                wrong = {"float literal"} if any(isinstance(value, float) for value in literals) else set()
            case ast.Call(func=ast.Name(id="float" | "round"), args=[argument, *_]) if _speaks_of(argument, _MONEY):
                wrong = {"float() or round()"}
            case _:
                wrong = set()
        if wrong:
            yield f"{getattr(node, 'lineno', 0)} {', '.join(sorted(wrong))} near money: {ast.unparse(node)[:60]}"


def own_tables_in_sql(file: SourceFile) -> Iterator[str]:
    """Refuse SQL of a slice that names a table of another one; the demo's auditor reads all and writes none."""
    prefixes = _prefixes(file)
    audits = file.path.startswith(AUDITOR)
    for number, line in enumerate(file.lines, start=1):
        code = line.partition("--")[0].lower()
        if audits and _WRITES.search(code):
            yield f"{number} the auditor only reads"
        tables = set() if audits else set(_WORD.findall(code)) & known_tables()
        for table in tables | set(_CREATE_TABLE.findall(code)):
            if table.partition("_")[0] not in prefixes:
                yield f"{number} {table} is not a table of {', '.join(sorted(prefixes))}"


def own_tables_in_python(file: SourceFile) -> Iterator[str]:
    """Refuse Python whose strings name a table of another slice."""
    documentation = {id(node) for node in ast.walk(file.tree) if isinstance(node, ast.Expr)}
    parents = {id(child): id(node) for node in ast.walk(file.tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(file.tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and parents.get(id(node)) not in documentation
        ):
            for word in _WORD.findall(node.value):
                if word in known_tables() and word.partition("_")[0] not in _prefixes(file):
                    yield f"{node.lineno} {word} is not a table of {file.slice}"


@cache
def known_tables() -> frozenset[str]:
    """Return every table that a migration or a slice's schema creates."""
    return frozenset(word for file in source_files(".sql") for word in _CREATE_TABLE.findall(file.text))


def _prefixes(file: SourceFile) -> set[str]:
    revision = _REVISION.fullmatch(file.path)
    names = (revision[1], revision[2]) if revision else (file.slice,)
    return {names[-1]}.union(*(OWNERS_OF.get(name, set()) for name in names))


def _imported(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Import):
        yield from ((node.lineno, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.lineno, node.module
        if node.module in {"time", "uuid", "os"}:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _names(node: ast.AST) -> set[str]:
    names = {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}
    return names | {child.attr for child in ast.walk(node) if isinstance(child, ast.Attribute)}


def _speaks_of(node: ast.AST, words: re.Pattern[str]) -> bool:
    return any(words.search(name) for name in _names(node))
