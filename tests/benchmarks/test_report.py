"""How figures become words and pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.figures import JOBS_BESIDE, Figure, Section, Table, bound_and_lift


def _report(*sections: Section, pgbench: tuple[float, float] = (900.0, 1100.0)) -> report.Report:
    complete = report.complete(sections, pgbench)
    return report.Report(machine={"processor": "a test"}, options={"seconds": 1.0}, sections=complete, seconds=1.0)


def _section(name: str, per_second: float) -> Section:
    figure = Figure(name=f"{name} figure", per_second=per_second, unit="payments", count=1, bound="a", lift="b")
    return Section(name=name, figures=[figure], tables=[Table(f"table of {name}", ("x", "y"), [("1", "2")])])


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "DOCUMENT", tmp_path / "page.md")
    monkeypatch.setattr(report, "FIGURES", tmp_path / "page.json")
    return tmp_path / "page.md"


def test_a_run_of_some_parts_leaves_the_others_on_the_page(document: Path) -> None:
    report.write_docs(_report(_section("soak", 10), _section("rates", 500)))
    report.write_docs(_report(_section("soak", 20), pgbench=(100.0, 100.0)))
    page = document.read_text(encoding="utf-8")
    assert "| rates figure | 500 | 0.50 | a | b |" in page
    assert "| soak figure | 20 | 0.20 | a | b |" in page
    assert "soak figure | 10 " not in page
    assert page.index("rates figure") < page.index("soak figure")


def test_parts_of_one_name_become_one() -> None:
    (one,) = report.complete([_section("scaling", 100), _section("scaling", 200)], (100.0, 100.0))
    assert [figure.ratio for figure in one.figures] == [1.0, 2.0]
    assert len(one.tables) == 2


@pytest.mark.parametrize(
    ("cores", "given_rate", "bound", "lift"),
    [
        ({"payment": 1.2, "postgres": 0.75, "others": 0.0}, None, "all 2 cores busy", "more cores"),
        ({"payment": 0.9, "postgres": 0.3, "others": 0.0}, None, "the one thread of payment", "second payment"),
        ({"payment": 0.4, "postgres": 0.3, "others": 0.0}, 50.0, "the rate of arrivals", "more arrivals"),
        ({"payment": 0.4, "postgres": 0.9, "others": 0.2}, None, "waiting: 1.50 of 2", "commits"),
    ],
)
def test_what_bounds_a_rate_is_told_from_who_was_busy(
    cores: dict[str, float], given_rate: float | None, bound: str, lift: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.figures.CORES", 2)
    told = bound_and_lift(cores, given_rate=given_rate)
    assert told[0].startswith(bound)
    assert lift in told[1]


def test_aims_are_compared_with_what_was_measured(document: Path) -> None:
    slopes = Table("Memory", ("process", "slope"), [("payment", "+0.01"), ("worker", "+3.00"), ("postgres", "+9.00")])
    figures = [
        _named("payin lifecycles", 1200),
        _named("payout lifecycles", 300),
        _named("ledger entries, spread", 6500),
        _named("ledger entries, hot", 3000),
    ]
    jobs = Table(JOBS_BESIDE, ("cost",), [("20.0%",), ("9.5%",)])
    rows = [_named("a on 10 stored", 100, stored=10), _named("a on 20 stored", 95, stored=20)]
    sections = [
        Section(name="rates", figures=figures),
        Section(name="ledger", tables=[jobs]),
        Section(name="rows", figures=rows),
        Section(name="soak", tables=[slopes]),
    ]
    report.write_docs(_report(*sections))
    page = document.read_text(encoding="utf-8")
    assert "| payin lifecycles | 1,000/s | 1,200/s | yes |" in page
    assert "| payout lifecycles | 700/s | 300/s | no |" in page
    assert "| ledger entries, spread | 6 x debit-credit | 6.50 | yes |" in page
    assert "| ledger entries on a hot account | 0.9 of spread | 0.46 | no |" in page
    assert "| ledger entries, hot | 8 x debit-credit | 3.00 | no |" in page
    assert "| cost of sealing and snapshots beside | less than 15 % | 9.5% | yes |" in page
    assert "| a, on 20 against 10 stored payments | less than 10 % slower | -5.0% | yes |" in page
    assert "| memory of worker in the soak | under 0.2 MiB/minute | +3.00 | no |" in page
    assert "memory of postgres" not in page


def _named(name: str, per_second: float, *, stored: int | None = None) -> Figure:
    return Figure(name=name, per_second=per_second, unit="payments", count=1, stored=stored)
