"""The house rules of writing: sizes, docstrings, reasons beside exceptions, nothing left lying about.

Each rule takes one file and yields what is wrong with it. `test_tidy.py` runs them over the repository and over
planted violations.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from support.source_file import REPOSITORY, SourceFile

FILE_LINES_MAX: Final = 399
FUNCTION_LINES_MAX: Final = 69
FILE_BYTES_MAX: Final = 1 << 20
ADR_SECTIONS: Final = ("## Context", "## Decision", "## Consequences")

_LEFT_OVER: Final = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
_BANNER: Final = re.compile(r"^\s*(?:#|-- )\s*(?:[-=*~#_]\s?){4,}")
_SILENCED: Final = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma:|nosec|fmt:\s*off)")
_REASON: Final = re.compile(
    r"#\s*(?:noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*|type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\]|pragma: [a-z ]+?)\s+[-#]+\s*\w.*"
)
_MACHINE_PATH: Final = re.compile(r"(?<![\w.$}])/(?:work|root|home|opt|Users)/\w|/tmp" + r"/[a-z]\w*/")
_REGISTRY: Final = re.compile(
    r"\b(?:[\w-]+\.)*(?:pypi\.(?:org|python\.org)|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|docker\.io|ghcr\.io)\b"
    r"|--(?:extra-)?index-url|--find-links"
)
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def size_of_file(file: SourceFile) -> Iterator[str]:
    """Refuse a source file of 400 lines or more."""
    if len(file.lines) > FILE_LINES_MAX:
        yield f"{len(file.lines)} lines; a file has one subject and under {FILE_LINES_MAX + 1} lines"


def size_of_functions(file: SourceFile) -> Iterator[str]:
    """Refuse a function of 70 lines or more, its docstring counted."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{node.lineno} {node.name} has {lines} lines"


def module_docstring(file: SourceFile) -> Iterator[str]:
    """Refuse a module that does not say what it decides."""
    if not ast.get_docstring(file.tree):
        yield "1 no module docstring"


def nothing_left_over(file: SourceFile) -> Iterator[str]:
    """Refuse notes to a later self: an issue tells the team, a comment tells nobody."""
    for number, line in enumerate(file.lines, start=1):
        if _LEFT_OVER.search(line):
            yield f"{number} a note to a later self"


def no_banners(file: SourceFile) -> Iterator[str]:
    """Refuse comments that are drawings."""
    for number, line in enumerate(file.lines, start=1):
        if _BANNER.match(line):
            yield f"{number} a banner comment; make it a file of its own"


def reasons_for_exceptions(file: SourceFile) -> Iterator[str]:
    """Refuse to silence a tool without naming the rule and, in words behind it, the reason."""
    for number, line in enumerate(file.lines, start=1):
        if _SILENCED.search(line) and not _REASON.search(line):
            yield f"{number} silences a tool without a rule and a reason in words"


def no_place_of_one_machine(file: SourceFile) -> Iterator[str]:
    """Refuse folders of somebody's machine and hosts of package registries."""
    for number, line in enumerate(file.lines, start=1):
        if _MACHINE_PATH.search(line):
            yield f"{number} a path of one machine"
        if _REGISTRY.search(line):
            yield f"{number} a package registry"


def links_lead_somewhere(file: SourceFile) -> Iterator[str]:
    """Refuse a relative link in a document to a file that is not there."""
    folder = (REPOSITORY / file.path).parent
    for number, line in enumerate(file.lines, start=1):
        for target in _LINK.findall(line):
            if "://" not in target and not target.startswith("mailto:") and not (folder / target).exists():
                yield f"{number} no file {target}"


def decision_record(file: SourceFile) -> Iterator[str]:
    """Refuse a decision record without context, decision or consequences, or longer than a page."""
    for section in ADR_SECTIONS:
        if section not in file.lines:
            yield f"1 no {section}"
    if len(file.lines) > 60:
        yield f"{len(file.lines)} lines; a decision fits on one page"
