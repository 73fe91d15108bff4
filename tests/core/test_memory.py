"""What a settled process still collects."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from wisipay.core.memory import settle_memory


class Knot:
    """Refers to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def settled() -> Iterator[None]:
    """Settle this process, and undo it."""
    thresholds = gc.get_threshold()
    settle_memory()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("settled")
def test_what_exists_is_walked_over_no_more() -> None:
    assert gc.get_freeze_count() > 1_000


@pytest.mark.usefixtures("settled")
def test_cycles_made_later_are_still_collected_by_themselves() -> None:
    knot = weakref.ref(Knot())
    kept: list[list[int]] = []
    while knot() is not None and len(kept) < 1_000_000:
        kept.append([])
    assert knot() is None
