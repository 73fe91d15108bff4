"""Run checks over one reading, and stream what they find."""

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing

from wisipay.ledger.checks.catalogue import CHECKS
from wisipay.ledger.checks.check import EVERYTHING, Check, Span
from wisipay.ledger.difference import Difference
from wisipay.ledger.reading import Reading


async def run_checks(
    books: Reading, checks: Iterable[Check] = CHECKS, *, span: Span = EVERYTHING, most: int | None = None
) -> AsyncIterator[Difference]:
    """Yield every difference that the checks find, check by check; at most `most` of each.

    All of it is of the moment at which `books` was opened. Memory does not grow with the ledger or with what is found.
    """
    for check in checks:
        found = 0
        async with aclosing(check.differences(books, span)) as differences:
            async for difference in differences:
                yield difference
                found += 1
                if found == most:
                    break
