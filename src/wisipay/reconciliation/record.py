"""One record of a file as it was read, before anybody knows what its cells mean."""

from __future__ import annotations

from typing import NamedTuple

from wisipay.reconciliation.mapping import BrokenRow


class Record(NamedTuple):
    """The cells of one record, or why there are none; `line` counts from 1."""

    line: int
    cells: list[str] | BrokenRow
