"""Whose turn it is: going round the merchants that have something to send, however many there are.

Decides where a look at them begins, goes on and ends; what a merchant then gets is decided by `lanes`. A look ends as
soon as it found enough, and the next one goes on from there, so every merchant is looked at in every round.
Must never look at a merchant twice in one look.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

PAGE_SIZE: Final = 200


@dataclass(frozen=True, slots=True)
class WaitingMerchant:
    """A merchant with events to send, the first of them at `due_at`."""

    merchant_id: str
    due_at: datetime
    is_due: bool


Page = Callable[[str, int], Awaitable[list[WaitingMerchant]]]
"""Fetches up to that many merchants behind an id, in order of id."""


class Turns:
    """Remembers where the last look ended. One per worker process."""

    def __init__(self, page: Page, *, page_size: int = PAGE_SIZE) -> None:
        self._page = page
        self._page_size = page_size
        self._after = ""

    async def look(self, enough: int, is_wanted: Callable[[WaitingMerchant], bool]) -> list[str]:
        """Give merchants that are wanted, the longest due first: at least `enough`, or all there are."""
        start = self._after
        found = await self._leg(enough, is_wanted, until=None)
        if len(found) < enough and start:
            self._after = ""
            found += await self._leg(enough - len(found), is_wanted, until=start)
        return [each.merchant_id for each in sorted(found, key=lambda each: each.due_at)]

    async def _leg(
        self, enough: int, is_wanted: Callable[[WaitingMerchant], bool], *, until: str | None
    ) -> list[WaitingMerchant]:
        """Go on from where we are up to `until` (None: to the end)."""
        found: list[WaitingMerchant] = []
        while len(found) < enough:
            page = await self._page(self._after, self._page_size)
            if until is not None:
                page = [each for each in page if each.merchant_id <= until]
            found += [each for each in page if is_wanted(each)]
            if len(page) < self._page_size:
                self._after = until or ""
                break
            self._after = page[-1].merchant_id
        return found
