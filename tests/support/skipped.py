"""Tells at the end of a run, where nobody can miss it, which tests did not run here and why.

A test that is skipped proves nothing; whoever reads the result must see what it does not cover.
"""

from __future__ import annotations

from collections import defaultdict

import pytest


def tell(terminal: pytest.TerminalReporter) -> None:
    """Write every skipped or expectedly failing test under its reason; nothing when there is none."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for kind in ("skipped", "xfailed"):
        for report in terminal.stats.get(kind, []):
            by_reason[_reason(report)].append(report.nodeid)
    if not by_reason:
        return
    count = sum(len(tests) for tests in by_reason.values())
    terminal.section(f"{count} TESTS DID NOT RUN HERE", sep="!", red=True, bold=True)
    for reason, tests in sorted(by_reason.items()):
        terminal.line(f"{reason}:", bold=True)
        for test in sorted(tests):
            terminal.line(f"  {test}")


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return str(getattr(report, "wasxfail", "") or "no reason given")
