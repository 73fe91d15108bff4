"""Lists, page after page, as iterators: all there is behind a cursor at this time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

from wisipay_sdk.developer import Page

T = TypeVar("T")


def every(fetch: Callable[[str | None], Page[T]], after: str | None) -> Iterator[T]:
    """Yield each item behind a cursor; `fetch` gives the page behind one."""
    while True:
        page = fetch(after)
        yield from page.items
        if not page.has_more:
            return
        after = page.cursor


async def every_async(fetch: Callable[[str | None], Awaitable[Page[T]]], after: str | None) -> AsyncIterator[T]:
    """Yield each item behind a cursor; `fetch` gives the page behind one."""
    while True:
        page = await fetch(after)
        for item in page.items:
            yield item
        if not page.has_more:
            return
        after = page.cursor
