"""A provider starts to fail under load and recovers: what is lost, and how fast traffic goes away and comes back.

`python benchmarks/routing_failover.py [--write] [--only 2]` starts everything in a folder that it removes, with two
channels of the simulator that payments are split between by success. One of them fails from the fifteenth second to the
forty-fifth. What is written takes the place of what was written of the same scenario.
Decides what is called lost (the merchant was told that its payment failed, or got an error) and in doubt (a payout
whose answer was unknown, which is asked about and never sent again); both are read from what was stored.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.connection import Asking
from benchmarks.load import Phase
from benchmarks.orders import Kind
from benchmarks.stack import Bench, Shape, running_bench
from wisipay.core.embedded.folders import make_folder

FAILING: Final = "dummy_demo"
RATE: Final = 12.0
FAILS_AT, RECOVERS_AT, ENDS_AT = 15, 45, 85
WINDOW: Final = 5
AWAY_SHARE: Final = 0.1
REGAINED_SHARE: Final = 0.4
_BROKEN, _OK = 0, 200
_DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
_COLOURS: Final = ("#1f77b4", "#d62728", "#2ca02c")
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 720, 300, 50, 40, 40
_RULE: Final = """
INSERT INTO merchants_routing_rules
    (service, priority, action, channels, weights, is_exclusive, modes, banks, created_at)
VALUES ('payin', 100, 'success', '{}', '{}', false, '{}', '{}', now()),
    ('payout', 100, 'success', '{}', '{}', false, '{}', '{}', now())
"""
_FOUND: Final = """
SELECT extract(epoch FROM a.started_at)::float8 AS started, a.channel_id, a.number, t.status, e.unknown
FROM payments_attempts AS a
INNER JOIN payments_transactions AS t ON t.id = a.transaction_id
LEFT JOIN LATERAL (
    SELECT count(*) AS unknown FROM payments_events AS e
    WHERE e.transaction_id = t.id AND e.message LIKE 'answer unknown%'
) AS e ON true
WHERE t.kind = $1 AND t.order_id LIKE $2
"""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is sent, and how the provider fails."""

    name: str
    kind: Kind
    faults: Mapping[str, object]


SCENARIOS: Final = (
    Scenario("payouts, every call fails", "payout", {"http_500": {"payout": 1.0}}),
    Scenario("payins, every call fails", "payin", {"http_500": {"payin": 1.0}}),
    Scenario("payouts, seven calls in ten fail", "payout", {"http_500": {"payout": 0.7}}),
)


class Found(msgspec.Struct, frozen=True):
    """What came of one scenario; `shares` of the first attempts that went to the failing channel, by second."""

    name: str
    payments: int
    lost: int
    in_doubt: int
    second_attempts: int
    away_seconds: float | None
    back_seconds: float | None
    regained_seconds: float | None
    shares: list[float]


async def measure(bench: Bench, scenario: Scenario, run: int) -> Found:
    """Send payments at a steady rate while the channel fails and recovers."""
    started = time.time()
    load = asyncio.create_task(bench.send(scenario.kind, [Phase("steady", float(ENDS_AT), RATE)], 64))
    await asyncio.sleep(FAILS_AT)
    await _fault(bench, scenario.faults)
    await asyncio.sleep(RECOVERS_AT - FAILS_AT)
    await _fault(bench, {})
    outcome = await load
    connection = await asyncpg.connect(bench.database_url)
    rows = await connection.fetch(_FOUND, scenario.kind.upper(), f"B{run:04d}%")
    await connection.close()
    firsts = [(row["started"] - started, row["channel_id"] == FAILING) for row in rows if row["number"] == 1]
    statuses = Counter[int]()
    for phase in outcome.phases:
        statuses.update(phase.statuses)
    # A request whose connection broke is the load generator's: the server closes what is idle.
    answered = statuses.total() - statuses[_BROKEN]
    shares = [_share(firsts, second) for second in range(ENDS_AT)]
    return Found(
        name=scenario.name,
        payments=answered,
        lost=answered - statuses[_OK],
        in_doubt=sum(1 for row in rows if row["number"] == 1 and row["unknown"]) if scenario.kind == "payout" else 0,
        second_attempts=sum(1 for row in rows if row["number"] > 1),
        away_seconds=_first(shares, FAILS_AT, AWAY_SHARE, below=True),
        back_seconds=_first(shares, RECOVERS_AT, AWAY_SHARE, below=False),
        regained_seconds=_first(shares, RECOVERS_AT, REGAINED_SHARE, below=False),
        shares=[round(share, 3) for share in shares],
    )


def _share(firsts: Sequence[tuple[float, bool]], second: int) -> float:
    """Return the failing channel's share of first attempts in the seconds from this one on."""
    there = [failing for at, failing in firsts if second <= at < second + WINDOW]
    return sum(there) / len(there) if there else 0.0


def _first(shares: Sequence[float], since: int, limit: float, *, below: bool) -> float | None:
    """Return after how many seconds the share first lies below, or again at or above, a limit."""
    for second, share in enumerate(shares[since:]):
        if (share < limit) is below:
            return float(second)
    return None


async def _fault(bench: Bench, faults: Mapping[str, object]) -> None:
    asking = Asking(bench.simulator_port)
    await asking.ask("PUT", f"/control/faults?account={FAILING}", msgspec.json.encode(faults))
    asking.close()


async def _all(port_base: int, data: Path, scenarios: Sequence[Scenario]) -> list[Found]:
    found = []
    async with running_bench(data=data, port_base=port_base, shape=Shape(), runs=count(1)) as bench:
        connection = await asyncpg.connect(bench.database_url)
        await connection.execute(_RULE)
        await connection.close()
        for run, scenario in enumerate(scenarios, start=1):
            found.append(await measure(bench, scenario, run))
            print(_row(found[-1]), flush=True)
    return found


def table(found: Sequence[Found]) -> str:
    """Return the figures as a table of documentation."""
    head = "| scenario | payments | lost | in doubt | sent on | away after | back after | regained after |"
    return "\n".join([head, "|---|---:|---:|---:|---:|---:|---:|---:|", *map(_row, found)])


def _row(each: Found) -> str:
    ends = (each.away_seconds, each.back_seconds, each.regained_seconds)
    times = ("-" if seconds is None else f"{seconds:.0f} s" for seconds in ends)
    share = f"{each.lost} ({each.lost / max(1, each.payments):.1%})"
    cells = (each.name, each.payments, share, each.in_doubt, each.second_attempts, *times)
    return "| " + " | ".join(map(str, cells)) + " |"


def plot(found: Sequence[Found]) -> str:
    """Return an SVG of the failing channel's share by second, a curve per scenario."""

    def x(second: float) -> float:
        return _LEFT + (_WIDTH - 2 * _LEFT) * second / ENDS_AT

    def y(share: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * share

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"',
        ' font-size="11"><rect width="100%" height="100%" fill="white"/>',
        f'<rect x="{x(FAILS_AT):.1f}" y="{_TOP}" width="{x(RECOVERS_AT) - x(FAILS_AT):.1f}"',
        f' height="{_HEIGHT - _BOTTOM - _TOP}" fill="#fbe9e7"/>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(f'<path d="M{_LEFT} {y(share):.1f}H{_WIDTH - _LEFT}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>')
    below = f'y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle"'
    parts += [f'<text x="{x(second):.1f}" {below}>{second} s</text>' for second in range(0, ENDS_AT + 1, 20)]
    for place, each in enumerate(found):
        colour = _COLOURS[place]
        points = " ".join(f"{x(second):.1f},{y(share):.1f}" for second, share in enumerate(each.shares))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{_LEFT + 210 * place}" y="{_TOP - 14}" fill="{colour}">{each.name}</text>')
    middle = f'x="{_WIDTH / 2}" y="{_HEIGHT - 8}" text-anchor="middle"'
    parts.append(f"<text {middle}>share of payments that go to the channel which fails in the shaded time</text></svg>")
    return "\n".join(parts) + "\n"


def main() -> None:
    """Measure, print, and write the plot and the table if asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/routing-failover.svg and .json")
    parser.add_argument("--data", type=Path, default=Path(".data"), help="a folder is made in it and removed again")
    parser.add_argument("--only", type=int, choices=range(1, len(SCENARIOS) + 1), help="one of the scenarios")
    parser.add_argument("--port-base", type=int, default=4500)
    arguments = parser.parse_args()
    scenarios = SCENARIOS if arguments.only is None else SCENARIOS[arguments.only - 1 : arguments.only]
    data = Path(tempfile.mkdtemp(prefix="failover-", dir=make_folder(arguments.data)))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(_all(arguments.port_base, data, scenarios))
    finally:
        shutil.rmtree(data, ignore_errors=True)
    print(table(found))
    if arguments.write:
        file = _DOCS / "routing-failover.json"
        known = {each.name: each for each in msgspec.json.decode(file.read_bytes(), type=list[Found])}
        known |= {each.name: each for each in found}
        found = [known[each.name] for each in SCENARIOS if each.name in known]
        (_DOCS / "routing-failover.svg").write_text(plot(found), encoding="utf-8")
        file.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


if __name__ == "__main__":
    main()
