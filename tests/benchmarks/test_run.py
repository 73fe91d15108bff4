"""That `make bench` runs, and prints the figures it promises. Never what they are: that depends on the machine."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PORTS = 9


def _free_ports() -> int:
    """Return a port after which eight more are free."""
    for _ in range(100):
        with ExitStack() as probes, suppress(OSError, OverflowError):
            base = _taken(probes, 0)
            for offset in range(1, PORTS):
                _taken(probes, base + offset)
            return base
    raise AssertionError("no nine free ports in a row")


def _taken(probes: ExitStack, port: int) -> int:
    probe = probes.enter_context(socket.socket())
    probe.bind(("127.0.0.1", port))
    number: int = probe.getsockname()[1]
    return number


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """Return what a quick run printed, and what it wrote as JSON."""
    folder = tmp_path_factory.mktemp("bench")
    command = [sys.executable, "benchmarks/run.py", "--quick", "--port-base", str(_free_ports())]
    done = subprocess.run(  # noqa: S603 - our own program
        [*command, "--data", str(folder), "--json", str(folder / "figures.json")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(folder.glob("benchmark-*")) == []
    figures: dict[str, Any] = json.loads((folder / "figures.json").read_text())
    return done.stdout, figures


@pytest.mark.timeout(300)
def test_every_promised_figure_is_printed_with_its_ratio(run: tuple[str, dict[str, Any]]) -> None:
    printed, report = run
    figures = {each["name"]: each for each in report["measured"]["figures"]}
    assert set(figures) == {
        "payin initiations",
        "payin lifecycles",
        "payout lifecycles",
        "initiate at 50 % of payin lifecycle capacity",
        "initiate at 50 % of initiation capacity",
        "ledger entries, spread",
        "ledger entries, hot",
    }
    for name, figure in figures.items():
        assert name in printed
        assert figure["per_second"] > 0
        assert figure["ratio"] > 0
        assert figure["bound"]
    assert len(report["measured"]["pgbench"]) == 2


@pytest.mark.timeout(300)
def test_every_payment_was_answered_timed_and_paid_for_in_processor_time(run: tuple[str, dict[str, Any]]) -> None:
    _, report = run
    payments = [each for each in report["measured"]["figures"] if each["unit"] == "payments"]
    for figure in payments:
        assert set(figure["statuses"]) == {"200"}
        assert 0 < figure["latency"]["p50_ms"] <= figure["latency"]["p95_ms"] <= figure["latency"]["p99_ms"]
        assert {"payment", "worker", "simulator", "postgres", "load"} <= set(figure["cpu_ms"])
        assert figure["wal_bytes"] > 0


@pytest.mark.timeout(300)
def test_memory_is_told_for_every_process(run: tuple[str, dict[str, Any]]) -> None:
    _, report = run
    assert {"api", "payment", "worker", "simulator", "postgres", "valkey", "mongodb"} <= set(
        report["measured"]["memory_mebibytes"]
    )
