"""Tests that share an installation are run by one worker, so that it is started once."""

from __future__ import annotations

import sys
from pathlib import Path

from support.grouping import GROUPS
from support.source_file import REPOSITORY
from support.system import run

_CONFTEST = """
import sys
sys.path.insert(0, {tests!r})
from support import grouping
grouping.GROUPS["test_group.py"] = "together"
def pytest_xdist_make_scheduler(config, log): return grouping.GroupScheduling(config, log)
"""
_TESTS = """
import os, pathlib, pytest
@pytest.mark.parametrize("number", range(8))
def test_alike(number): pathlib.Path(__file__).with_name(f"{os.getpid()}.ran").touch()
"""


def test_a_group_is_run_by_one_worker_and_others_by_any(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(_CONFTEST.format(tests=str(REPOSITORY / "tests")), encoding="utf-8")
    workers = {}
    for name in ("test_group.py", "test_others.py"):
        (tmp_path / name).write_text(_TESTS, encoding="utf-8")
        run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", "--rootdir", tmp_path, tmp_path / name)
        workers[name] = len(list(tmp_path.glob("*.ran")))
        for mark in tmp_path.glob("*.ran"):
            mark.unlink()
    assert workers == {"test_group.py": 1, "test_others.py": 2}


def test_the_files_of_groups_are_there() -> None:
    assert [file for file in GROUPS if not (REPOSITORY / file).is_file()] == []
