"""How the files of one provider are read: which column means what, and what its status words mean in ours.

Decides when a mapping can be used, and turns the cells of one line into a `FileRow` or a reason why it is broken.
Pure. Must never guess: an amount that could be read in two ways and a status word that nobody mapped are broken rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from wisipay.core.money import parse_rupees
from wisipay.payments import Status
from wisipay.reconciliation.errors import UnreadableFile, UnusableMapping

TEXT_MAX: Final = 200
LARGEST_PAISE: Final = 10**15

_Column = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_MAX)]
_PAISE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_CURRENCY_SIGN: Final = re.compile(r"^(?:INR|Rs\.?|₹)\s*", re.IGNORECASE)
# Indian or western groups; anything else with commas could be a decimal comma.
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{2})*,[0-9]{3}(?:\.[0-9]+)?|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_ZEROS_BEYOND_PAISE: Final = re.compile(r"(\.[0-9]{2})0+$", re.ASCII)
_ROUNDED_BY_SPREADSHEET: Final = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+[0-9]+", re.ASCII)
_UNREAD: Final = "\ufffd"
_QUOTED_FOR_SPREADSHEET: Final = re.compile(r'="(.*)"')


class Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """The headings of the columns that are used. Fee and tax are what the provider keeps for itself."""

    amount: _Column
    reference: _Column | None = None
    provider_reference: _Column | None = None
    utr: _Column | None = None
    fee: _Column | None = None
    tax: _Column | None = None
    status: _Column | None = None


class FileMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """How files of one provider and kind are read.

    `statuses`: its words, in any case, and what they mean; without a status column every row is a success.
    `only`: rows count whose column has one of these values, such as `{"Type": ["payment"]}`; others are skipped.
    `header_row`: the line of the headings; what stands above is passed over. FIND: the first of the first hundred lines
    that has every column of the mapping. `header_lines`: of how many lines the headings are, the lowest filled cell of
    a column being its name, as where cells are merged. `sheet`: of an XLSX; None is the first.
    `fee_includes_tax`: the fee column holds fee and tax together.
    """

    columns: Columns
    amount_unit: Literal["RUPEES", "PAISE"] = "RUPEES"
    statuses: dict[_Column, Status] = {}
    only: dict[_Column, list[str]] = {}
    fee_includes_tax: bool = False
    header_row: Annotated[int, msgspec.Meta(ge=1, le=1_000)] | Literal["FIND"] = 1
    header_lines: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","
    encoding: Literal["utf-8", "utf-16", "cp1252"] = "utf-8"
    sheet: _Column | None = None

    @property
    def headings(self) -> list[str]:
        """The headings that a file must have."""
        wanted = msgspec.structs.astuple(self.columns)
        return [*(name for name in wanted if name is not None), *self.only]


class FileRow(NamedTuple):
    """One line as the provider states it; money in paise."""

    reference: str | None
    provider_reference: str | None
    utr: str | None
    amount_paise: int
    fee_paise: int | None
    tax_paise: int | None
    status: str


class BrokenRow(ValueError):  # noqa: N818 - names the fact
    """A line that cannot be used; the message says why, without its content."""


def read_mapping(content: bytes) -> FileMapping:
    """Read a mapping from JSON. Raises UnusableMapping naming the field at fault."""
    try:
        mapping = msgspec.json.decode(content, type=FileMapping)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnusableMapping(f"the mapping is not usable: {error}") from None
    columns = mapping.columns
    if not (columns.reference or columns.provider_reference or columns.utr):
        raise UnusableMapping("columns: name at least one of reference, providerReference and utr")
    if columns.status and not mapping.statuses:
        raise UnusableMapping("statuses: say what the words of the status column mean")
    if mapping.statuses and not columns.status:
        raise UnusableMapping("columns.status: name the column of the status words")
    if columns.tax and (mapping.fee_includes_tax or not columns.fee):
        raise UnusableMapping("columns.tax: goes with columns.fee, and not with feeIncludesTax")
    if len({word.casefold() for word in mapping.statuses}) < len(mapping.statuses):
        raise UnusableMapping("statuses: two words differ only in upper and lower case")
    return mapping


class RowReader:
    """Reads the lines below one heading. Raises UnreadableFile where the heading lacks a column."""

    def __init__(self, mapping: FileMapping, heading: Sequence[str]) -> None:
        self._places: dict[str, int] = {}
        for place, name in enumerate(heading):
            self._places.setdefault(heading_name(name), place)
        self._in_paise = mapping.amount_unit == "PAISE"
        self._statuses = {word.casefold(): status.value for word, status in mapping.statuses.items()}
        wanted = mapping.columns
        self._amount = self._place(wanted.amount)
        self._reference = self._place(wanted.reference)
        self._provider_reference = self._place(wanted.provider_reference)
        self._utr = self._place(wanted.utr)
        self._fee = self._place(wanted.fee)
        self._tax = self._place(wanted.tax)
        self._status = self._place(wanted.status)
        self._only = [
            (self._place(name), frozenset(value.casefold() for value in values))
            for name, values in mapping.only.items()
        ]

    def read(self, cells: Sequence[str]) -> FileRow | None:
        """Return what a line says, None for an empty one and one that does not count. Raises BrokenRow."""
        if any(self._cell(cells, place).casefold() not in values for place, values in self._only):
            return None
        if not any(cells):
            return None
        reference = self._name(cells, self._reference, "reference")
        provider_reference = self._name(cells, self._provider_reference, "provider reference")
        utr = self._name(cells, self._utr, "UTR")
        if reference is None and provider_reference is None and utr is None:
            raise BrokenRow("has neither reference nor provider reference nor UTR")
        amount = self._money(cells, self._amount, "amount")
        if not amount:
            raise BrokenRow("has no amount above zero")
        return FileRow(
            reference,
            provider_reference,
            utr,
            amount,
            self._money(cells, self._fee, "fee"),
            self._money(cells, self._tax, "tax"),
            self._word(cells),
        )

    def _place(self, column: str | None) -> int | None:
        if column is None:
            return None
        place = self._places.get(heading_name(column))
        if place is None:
            found = ", ".join(list(self._places)[:50]) or "nothing"
            raise UnreadableFile(f"the heading has no column {column!r}; it has {found}")
        return place

    @staticmethod
    def _cell(cells: Sequence[str], place: int | None) -> str:
        return "" if place is None or place >= len(cells) else _plain(cells[place])

    def _name(self, cells: Sequence[str], place: int | None, what: str) -> str | None:
        text = self._cell(cells, place)
        if not text:
            return None
        if len(text) > TEXT_MAX or not text.isprintable():
            raise BrokenRow(f"the {what} is longer than {TEXT_MAX} characters, or not text")
        if _UNREAD in text:
            raise BrokenRow(f"the {what} is not in the mapping's encoding")
        if _ROUNDED_BY_SPREADSHEET.fullmatch(text):
            raise BrokenRow(f"the {what} was rounded by a spreadsheet program; export the file again")
        return text

    def _money(self, cells: Sequence[str], place: int | None, what: str) -> int | None:
        text = self._cell(cells, place)
        if not text:
            return None
        paise = _paise(text) if self._in_paise else _rupees(text)
        if paise is None or not 0 <= paise <= LARGEST_PAISE:
            raise BrokenRow(f"the {what} is not an amount in {'paise' if self._in_paise else 'rupees'}, or negative")
        return paise

    def _word(self, cells: Sequence[str]) -> str:
        if self._status is None:
            return Status.SUCCESS.value
        status = self._statuses.get(self._cell(cells, self._status).casefold())
        if status is None:
            raise BrokenRow("the status is none of the mapping's words")
        return status


def heading_name(cell: str) -> str:
    """Return a heading as it is looked for: whatever its case, spaces and breaks of lines."""
    return " ".join(_plain(cell).casefold().split())


def _plain(cell: str) -> str:
    """Take off the spaces, the mark of order of bytes and what keeps spreadsheets from counting with a number."""
    text = cell.strip().lstrip("\ufeff")
    if text.startswith("="):
        quoted = _QUOTED_FOR_SPREADSHEET.fullmatch(text)
        return quoted[1].strip() if quoted else text
    return text.removeprefix("'")


def _paise(text: str) -> int | None:
    return int(text) if _PAISE.fullmatch(text) else None


def _rupees(text: str) -> int | None:
    bare = _CURRENCY_SIGN.sub("", text)
    if "," in bare:
        if not _GROUPED.fullmatch(bare):
            return None
        bare = bare.replace(",", "")
    try:
        return parse_rupees(_ZEROS_BEYOND_PAISE.sub(r"\1", bare))
    except ValueError:
        return None
