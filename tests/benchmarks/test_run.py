"""That `make bench` runs, and prints the figures it promises. Never what they are: that depends on the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.ports import free_ports

ROOT = Path(__file__).parents[2]
PORTS = 9
FIGURES = {
    "payin initiations",
    "payin lifecycles",
    "payout lifecycles",
    "initiate at 50 % of payin lifecycle capacity",
    "initiate at 50 % of initiation capacity",
    "ledger entries, spread",
    "ledger entries, hot",
}
PROCESSES = {"api", "payment", "worker", "simulator", "postgres", "valkey", "mongodb"}


def _quick_run(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return what a quick run printed, and what it wrote as JSON."""
    command = [sys.executable, "benchmarks/run.py", "--quick", "--port-base", str(free_ports(PORTS))]
    done = subprocess.run(  # noqa: S603 - our own program
        [*command, "--data", str(folder), "--json", str(folder / "figures.json")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads((folder / "figures.json").read_text())
    return done.stdout, figures["measured"]


@pytest.mark.timeout(300)
def test_one_run_prints_every_promised_figure(tmp_path: Path) -> None:
    printed, measured = _quick_run(tmp_path)
    assert list(tmp_path.glob("benchmark-*")) == []
    figures = {each["name"]: each for each in measured["figures"]}
    assert set(figures) == FIGURES
    for name, figure in figures.items():
        assert name in printed
        assert figure["per_second"] > 0
        assert figure["ratio"] > 0
        assert figure["bound"]
    for figure in figures.values():
        if figure["unit"] == "payments":
            _was_answered_timed_and_paid_for(figure)
    assert len(measured["pgbench"]) == 2
    assert set(measured["memory_mebibytes"]) >= PROCESSES


def _was_answered_timed_and_paid_for(figure: dict[str, Any]) -> None:
    assert set(figure["statuses"]) == {"200"}
    assert 0 < figure["latency"]["p50_ms"] <= figure["latency"]["p95_ms"] <= figure["latency"]["p99_ms"]
    assert set(figure["cpu_ms"]) >= {"payment", "worker", "simulator", "postgres", "load"}
    assert figure["wal_bytes"] > 0
