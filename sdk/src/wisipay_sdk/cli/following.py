"""Going on behind a cursor for as long as the command runs: long polls, and patience when there is no answer."""

import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from wisipay_sdk.cli.saying import warn
from wisipay_sdk.developer import Page
from wisipay_sdk.errors import InvalidAnswer, NoAnswer, Refused

T = TypeVar("T")
WAIT_SECONDS: Final = 25
_GAPS: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
_COME_AGAIN: Final = frozenset({429, 500, 502, 503, 504})


def following(
    fetch: Callable[[str], Page[T]], cursor: str, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Page[T]]:
    """Yield the pages behind a cursor as they come; `fetch` waits. Ends only with an error that will not pass."""
    failures = 0
    while True:
        try:
            page = fetch(cursor)
        except (NoAnswer, InvalidAnswer, Refused) as error:
            if isinstance(error, Refused) and error.http_status not in _COME_AGAIN:
                raise
            told = error.retry_after_seconds if isinstance(error, Refused) else None
            gap = max(_GAPS[min(failures, len(_GAPS) - 1)], told or 0)
            warn(f"{error}; again in {gap:g} s")
            failures += 1
            sleep(gap)
            continue
        failures = 0
        cursor = page.cursor
        if page.items:
            yield page
