"""Half a minute of faults on the whole product under load, and everybody's books afterwards."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from crash import report
from crash.faults import SHORT_FAULTS, Deed
from crash.run import crash
from crash.world import PORTS
from support.ports import free_ports
from support.proxy import Trouble

SEED = 20_261_122
RATE_PER_SECOND = 8

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def data() -> Iterator[Path]:
    """Return a data folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="wisipay-crash-")).resolve()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def test_nothing_is_lost_and_all_books_agree_whatever_is_killed_stopped_or_cut_off(data: Path) -> None:
    told = await crash(
        faults=SHORT_FAULTS,
        seed=SEED,
        data=data,
        port_base=free_ports(PORTS),
        rate_per_second=RATE_PER_SECOND,
        say=_say,
    )
    assert told["wrong"] == [], report.text(told)
    for name in ("payment", "worker", "postgres"):
        process = told["processes"][name]
        assert process["recovered"] == sum(fault.where == name for fault in SHORT_FAULTS)
    assert told["taken_over"]["rows"] > 0
    assert told["requests"]["acknowledged"] > 0
    assert told["payments"]["payin SUCCESS"] > 0
    assert told["payments"]["payout SUCCESS"] > 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def test_the_half_minute_has_each_deed_on_what_counts_and_each_trouble() -> None:
    for name in ("payment", "postgres"):
        assert {fault.what for fault in SHORT_FAULTS if fault.where == name} == set(Deed)
    assert {fault.what for fault in SHORT_FAULTS if fault.where.startswith("worker")} == set(Deed)
    assert {fault.what for fault in SHORT_FAULTS if isinstance(fault.what, Trouble)} == set(Trouble)
