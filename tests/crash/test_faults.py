"""What a seed makes of a run."""

from __future__ import annotations

import pytest

from crash.faults import (
    CONNECTIONS,
    DEATHS_IN_WINDOW_MAX,
    DEATHS_WINDOW_SECONDS,
    PROCESSES,
    Deed,
    random_faults,
)
from support.proxy import Trouble

SEEDS = range(20)
LONG_SECONDS = 900


def test_a_seed_is_a_run() -> None:
    assert random_faults(7, 120) == random_faults(7, 120)
    assert random_faults(7, 120) != random_faults(8, 120)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_process_dies_as_often_as_makes_its_supervisor_give_up(seed: int) -> None:
    deaths = [fault for fault in random_faults(seed, LONG_SECONDS) if fault.is_death]
    for each in deaths:
        window = [
            other
            for other in deaths
            if other.where == each.where
            and each.at_seconds <= other.at_seconds < each.at_seconds + DEATHS_WINDOW_SECONDS
        ]
        assert len(window) <= DEATHS_IN_WINDOW_MAX


@pytest.mark.parametrize("seed", SEEDS)
def test_every_deed_meets_every_process_and_every_trouble_every_connection(seed: int) -> None:
    met = {(fault.what, fault.where) for fault in random_faults(seed, LONG_SECONDS)}
    assert met == {(deed, name) for deed in Deed for name in PROCESSES} | {
        (trouble, name) for trouble in Trouble for name in CONNECTIONS
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_hurt_by_two_faults_at_a_time(seed: int) -> None:
    faults = random_faults(seed, LONG_SECONDS)
    for number, fault in enumerate(faults):
        later = [other for other in faults[number + 1 :] if other.where == fault.where]
        assert all(other.at_seconds >= fault.at_seconds + fault.lasts_seconds for other in later)
