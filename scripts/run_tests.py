"""Runs the whole test suite, and the few tests that failed a second time, alone.

Decides what a failure is: a test that fails twice. The tests use real stores and real processes, and on a machine that
stands still for ten seconds one of five thousand may miss its moment; run alone, it has the machine to itself. A test
that passed only then is named in the last lines of the output, where nobody can miss it: it is a fault all the same, of
the test or of what it tests, and is to be looked into. Use: `python scripts/run_tests.py WORKERS`; the exit status is
pytest's.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

SECOND_CHANCES_MAX: Final = 5
_FAILED: Final = Path(".pytest_cache/v/cache/lastfailed")
_SOME_TESTS_FAILED: Final = 1


def run_tests(workers: str, *, failed_file: Path = _FAILED) -> int:
    """Run everything, then again what failed if it is little; return pytest's exit status."""
    failed_file.unlink(missing_ok=True)
    status = _pytest("-n", workers, "--dist", "loadgroup", "--cov", "--cov-report=")
    failed = _failed(failed_file) if status == _SOME_TESTS_FAILED else []
    if not 0 < len(failed) <= SECOND_CHANCES_MAX:
        return status
    sys.stdout.write(f"\n{len(failed)} tests failed; they are run again, alone:\n")
    sys.stdout.flush()
    status = _pytest("--last-failed", "--cov", "--cov-append", "--cov-report=")
    if status == 0:
        rows = "\n".join(f"  {test}" for test in failed)
        sys.stdout.write(f"\n!!!!!! {len(failed)} TESTS PASSED ONLY WHEN RUN AGAIN, ALONE !!!!!!\n{rows}\n")
    return status


def _pytest(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode  # noqa: S603 - our own words


def _failed(file: Path) -> list[str]:
    try:
        return sorted(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []  # the run ended before a test did


if __name__ == "__main__":
    sys.exit(run_tests(sys.argv[1]))
