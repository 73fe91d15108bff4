"""The repository's own files as the house tests see them: what git tracks or would track, with Python parsed."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

from support.system import found

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class SourceFile:
    """One file: `path` is relative to the repository, with slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed module of a Python file."""
        return ast.parse(self.text, self.path)

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return self.text.splitlines()

    @property
    def slice(self) -> str:
        """The part of the product that a file of `src/wisipay` belongs to, else its top folder."""
        parts = PurePosixPath(self.path).parts
        return parts[2] if parts[:2] == ("src", "wisipay") and len(parts) > len(("src", "wisipay", "")) else parts[0]


Rule = Callable[[SourceFile], Iterator[str]]
"""Yields one sentence per violation, with its line where there is one."""


@cache
def repository_paths() -> tuple[str, ...]:
    """Return the files that git tracks, or would track when they are added."""
    listing = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    command = [found("git"), "-c", f"safe.directory={REPOSITORY}", *listing]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)  # noqa: S603 - fixed words
    return tuple(sorted(path for path in set(done.stdout.split("\0")) if path and (REPOSITORY / path).is_file()))


@cache
def source_files(*suffixes: str) -> tuple[SourceFile, ...]:
    """Return the repository's text files whose names end with one of these; all of them without."""
    chosen = [path for path in repository_paths() if not suffixes or path.endswith(suffixes)]
    return tuple(SourceFile(path, (REPOSITORY / path).read_text(encoding="utf-8")) for path in chosen)


def violations(rule: Rule, *files: SourceFile) -> list[str]:
    """Return everything that the rule finds in these files, each with its place."""
    return [f"{file.path}:{said}" for file in files for said in rule(file)]
