"""Nobody takes a run for complete in which tests were skipped."""

from __future__ import annotations

import sys
from pathlib import Path

from support.source_file import REPOSITORY
from support.system import run

_TESTS = """
import pytest

@pytest.mark.skip(reason="needs another machine")
def test_skipped(): ...

@pytest.mark.xfail(reason="known", strict=True)
def test_failing(): raise AssertionError

def test_run(): ...
"""


def run_tests(folder: Path, text: str) -> str:
    (folder / "test_some.py").write_text(text, encoding="utf-8")
    (folder / "conftest.py").write_text(
        f"import sys\nsys.path.insert(0, {str(REPOSITORY / 'tests')!r})\nfrom support import skipped\n"
        "def pytest_terminal_summary(terminalreporter): skipped.tell(terminalreporter)\n",
        encoding="utf-8",
    )
    return run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", folder, folder).stdout


def test_skipped_tests_are_told_with_their_reasons(tmp_path: Path) -> None:
    said = run_tests(tmp_path, _TESTS)
    assert "!! 2 TESTS DID NOT RUN HERE !!" in said
    assert "needs another machine:\n  test_some.py::test_skipped" in said
    assert "known:\n  test_some.py::test_failing" in said


def test_a_complete_run_says_nothing_of_it(tmp_path: Path) -> None:
    assert "DID NOT RUN" not in run_tests(tmp_path, "def test_run(): ...")
