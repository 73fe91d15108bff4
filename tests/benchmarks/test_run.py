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
PORTS = 15
RATES = {"payin initiations", "payin lifecycles", "payout lifecycles"}
LEDGER = {f"ledger entries, {name}" for name in ("spread", "hot", "hot, sealing and snapshots beside")}
LATENCY = {
    f"initiate at {share} % of {capacity} capacity"
    for share in (25, 50, 75, 100)
    for capacity in ("payin lifecycle", "initiation")
}
SCALING = {f"{name}, 2 payment and 2 worker processes" for name in RATES}
PARTS = {"rates", "ledger", "routing", "latency", "overload", "scaling", "soak", "rows", "profile"}
PROCESSES = {"api", "payment", "worker", "simulator", "postgres", "valkey", "mongodb"}


def _quick_run(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return what a quick run printed, and the parts that it wrote as JSON."""
    command = [sys.executable, "benchmarks/run.py", "--quick", "--port-base", str(free_ports(PORTS))]
    done = subprocess.run(  # noqa: S603 - our own program
        [*command, "--data", str(folder), "--json", str(folder / "figures.json")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads((folder / "figures.json").read_text())
    return done.stdout, {section["name"]: section for section in report["sections"]}


@pytest.mark.timeout(600)
def test_one_run_prints_every_promised_figure(tmp_path: Path) -> None:
    printed, parts = _quick_run(tmp_path)
    assert list(tmp_path.glob("benchmark-*")) == []
    assert set(parts) == PARTS
    figures = {name: {figure["name"] for figure in part["figures"]} for name, part in parts.items()}
    assert (figures["rates"], figures["latency"], figures["scaling"]) == (RATES, LATENCY, SCALING)
    assert figures["ledger"] == LEDGER
    for part in parts.values():
        assert len(part["pgbench"]) == 2
        for figure in part["figures"]:
            assert figure["name"] in printed
            _is_complete(figure)
    tables = {table["title"]: table["rows"] for part in parts.values() for table in part["tables"]}
    assert {row[0] for row in tables["Resident memory, MiB"]} >= PROCESSES
    assert [row[0] for row in tables["By share of capacity"]][:3] == ["100 %", "150 %", "300 %"]
    assert len(tables["Rates by number of stored payments"]) == 3
    assert any("payments_transactions" in row[0] for row in tables["SQL by statement, per payin"])
    for name in ("payment", "worker"):
        assert tables[f"Processor time of {name} by our function, with the libraries it calls"]


def _is_complete(figure: dict[str, Any]) -> None:
    assert figure["per_second"] > 0
    assert figure["ratio"] > 0
    assert figure["bound"]
    assert figure["lift"]
    if figure["unit"] == "payments":
        assert set(figure["statuses"]) <= {"200", "503"}
    if figure.get("cpu_ms") and figure["unit"] == "payments":
        assert set(figure["cpu_ms"]) >= {"payment", "worker", "simulator", "postgres", "load"}
        assert figure["wal_bytes"] > 0
    if figure.get("latency"):
        assert 0 < figure["latency"]["p50_ms"] <= figure["latency"]["p95_ms"] <= figure["latency"]["p99_ms"]
