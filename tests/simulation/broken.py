"""What a history ends with when something that must always hold does not."""

from __future__ import annotations


class Broken(Exception):  # noqa: N818 - says what happened: an invariant is broken
    """An invariant does not hold; `invariant` is its short name."""

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant
