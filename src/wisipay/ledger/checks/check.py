"""What a check of the books is, and how one is run: statements that give a row for each difference, streamed.

Decides which part of the books each statement looks at. A check reads and reports; it never repairs, and holds no more
than a page of what it finds.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

import aiosql

from wisipay.ledger.difference import Difference, Subject
from wisipay.ledger.reading import Reading

ENTRIES_PAGE: Final = 5_000
"""So many places in the order of writing are looked at in one go where the lines of entries are gathered."""

_FETCHED: Final = 100
_FILES: Final = ("lines.sql", "entries.sql", "accounts.sql", "days.sql", "marks.sql", "findings.sql", "state.sql")


def _statements(file: str) -> dict[str, str]:
    queries = aiosql.from_path(Path(__file__).parent / file, "asyncpg", mandatory_parameters=False)
    names = [name for name in queries.available_queries if not name.endswith("_cursor")]
    return {name: getattr(queries, name).sql for name in names}


QUERIES: Final = {name: text for file in _FILES for name, text in _statements(file).items()}
"""Statement text by name, with `$1` parameters."""


@dataclass(frozen=True, slots=True)
class Span:
    """The part of the books to look at: `since_last` is what was added since they were checked last.

    `after` is the place in the order of writing behind which entries are looked at.
    """

    since_last: bool
    after: int


EVERYTHING: Final = Span(since_last=False, after=0)


class Reach(Enum):
    """What a statement looks at, and so which parameters it takes."""

    LINES = auto()
    """Lines behind where each counter row was checked last."""
    ENTRIES = auto()
    """Entries behind a place in the order of writing."""
    PAGES = auto()
    """The same, some thousand at a time."""
    HOLDS = auto()
    """Holds that the last check left open, and entries behind the place."""
    RECENT = auto()
    """Days; since the last check: those closed last."""
    STATE = auto()
    """What stands now; no history."""
    WHOLE = auto()
    """All rows there are; left out of a check of what is new."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One statement of a check, and what its rows are about."""

    statement: str
    reach: Reach
    subject: Subject


@dataclass(frozen=True, slots=True)
class Check:
    """A rule of the books by its name, which metrics and alerts use, and in words."""

    name: str
    rule: str
    probes: tuple[Probe, ...]

    async def differences(self, books: Reading, span: Span) -> AsyncGenerator[Difference, None]:
        """Yield what is not as the rule says, as it is found."""
        for probe in self.probes:
            if probe.reach is Reach.WHOLE and span.since_last:
                continue
            async for arguments in _arguments(books, probe.reach, span):
                rows = books.connection.cursor(QUERIES[probe.statement], *arguments, prefetch=_FETCHED)
                async for row in rows:
                    yield Difference(self.name, probe.subject, row["id"], row["message"])


async def _arguments(books: Reading, reach: Reach, span: Span) -> AsyncIterator[tuple[object, ...]]:
    match reach:
        case Reach.LINES | Reach.RECENT:
            yield (span.since_last,)
        case Reach.ENTRIES:
            yield (span.after,)
        case Reach.HOLDS:
            yield span.after, span.since_last
        case Reach.PAGES:
            last = await books.connection.fetchval(QUERIES["last_sequence"])
            for first in range(span.after, last, ENTRIES_PAGE):
                yield first, first + ENTRIES_PAGE
        case _:
            yield ()
