"""The rows of one sheet of an XLSX file, streamed: the zip is read in pieces, the XML by events.

Decides what a cell's text is: shared and inline texts as they are, numbers with the fifteen digits that a spreadsheet
keeps, so that 0.1 + 0.2 is 0.3. Texts that cells share lie in a temporary file, of which only the places are in memory.
Must never expand a document type or an entity, nor unpack more than its bounds.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Callable, Iterator
from decimal import Context, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Final
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from wisipay.reconciliation.errors import UnreadableFile
from wisipay.reconciliation.mapping import FileMapping
from wisipay.reconciliation.record import Record

UNPACKED_BYTES_MAX: Final = 4 << 30
COLUMNS_MAX: Final = 1_000

_PIECE: Final = 1 << 16
_LONGEST_TEXT: Final = 131_072
_DIGITS: Final = Context(prec=15)
_LETTERS: Final = 26
_LONGEST_ROW_NUMBER: Final = 7
_Attributes = dict[str, str]


def is_xlsx(path: Path) -> bool:
    """Tell whether a file is a zip, which no CSV is."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def xlsx_records(path: Path, mapping: FileMapping) -> Iterator[Record]:
    """Yield the rows of a sheet. Raises UnreadableFile."""
    try:
        with ZipFile(path) as archive, tempfile.TemporaryFile() as texts:
            shared = _SharedTexts(archive, texts)
            sheet = _Sheet(shared.text)
            for piece in _pieces(archive, _sheet_name(archive, mapping.sheet)):
                sheet.feed(piece)
                yield from sheet.taken()
            sheet.feed(b"", last=True)
            yield from sheet.taken()
    except (BadZipFile, expat.ExpatError, KeyError, IndexError, EOFError, RuntimeError, ValueError) as error:
        raise UnreadableFile(f"the file is no XLSX that can be read ({type(error).__name__})") from None


class _Parser:
    """An XML parser that calls `opened`, `text` and `closed` with names freed from their namespaces."""

    def __init__(self) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._opened
        parser.EndElementHandler = self._closed
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refused
        self._parser = parser

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        """Read on."""
        self._parser.Parse(piece, last)

    def opened(self, name: str, attributes: _Attributes) -> None:
        """Take the beginning of an element."""

    def closed(self, name: str) -> None:
        """Take the end of an element."""

    def _opened(self, name: str, attributes: _Attributes) -> None:
        self.opened(name.rpartition(" ")[2], attributes)

    def _closed(self, name: str) -> None:
        self.closed(name.rpartition(" ")[2])

    def _text(self, text: str) -> None:
        """Take a piece of text."""

    @staticmethod
    def _refused(*_: Any) -> None:  # noqa: ANN401 - expat's own arguments
        raise UnreadableFile("the file has a document type, which no XLSX has")


class _Elements(_Parser):
    """Remembers the attributes of every element of a small document."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, _Attributes]] = []
        self.feed(content, last=True)

    def opened(self, name: str, attributes: _Attributes) -> None:
        self.found.append((name, attributes))

    def named(self, name: str) -> list[_Attributes]:
        """Return the attributes of all elements of that name."""
        return [attributes for found, attributes in self.found if found == name]


class _Texts(_Parser):
    """Gathers the text of `t` elements, but for phonetic ones."""

    def __init__(self) -> None:
        super().__init__()
        self._gathered: list[str] = []
        self._length = 0
        self._wants = False
        self._phonetic = False

    def opened(self, name: str, attributes: _Attributes) -> None:  # noqa: ARG002 - a sheet needs them
        if name == "rPh":
            self._phonetic = True
        elif name == "t":
            self._wants = not self._phonetic

    def closed(self, name: str) -> None:
        if name == "rPh":
            self._phonetic = False
        elif name == "t":
            self._wants = False

    def _text(self, text: str) -> None:
        if self._wants and self._length <= _LONGEST_TEXT:
            self._gathered.append(text)
            self._length += len(text)

    def _gathered_text(self) -> str:
        text = "".join(self._gathered)
        self._gathered.clear()
        self._length = 0
        return text


class _SharedTexts(_Texts):
    """The texts that cells name by number: in a file, found by their places."""

    def __init__(self, archive: ZipFile, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._ends = array("Q", [0])
        if "xl/sharedStrings.xml" in archive.namelist():
            for piece in _pieces(archive, "xl/sharedStrings.xml"):
                self.feed(piece)
            self.feed(b"", last=True)
        file.flush()
        self.text: Callable[[int], str] = lru_cache(maxsize=4_096)(self._read)

    def closed(self, name: str) -> None:
        super().closed(name)
        if name == "si":
            written = self._file.write(self._gathered_text().encode(errors="replace"))
            self._ends.append(self._ends[-1] + written)

    def _read(self, number: int) -> str:
        begin, end = self._ends[number], self._ends[number + 1]
        return os.pread(self._file.fileno(), end - begin, begin).decode()


class _Sheet(_Texts):
    """Turns the events of a sheet into rows."""

    def __init__(self, shared: Callable[[int], str]) -> None:
        super().__init__()
        self._shared = shared
        self._rows: list[Record] = []
        self._cells: list[str] = []
        self._line = 0
        self._column = 0
        self._type = "n"

    def taken(self) -> list[Record]:
        """Return the rows that have come to their end since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def opened(self, name: str, attributes: _Attributes) -> None:
        if name == "c":
            place = attributes.get("r", "")
            self._column = _column(place) if place else len(self._cells)
            self._type = attributes.get("t", "n")
            self._gathered_text()
        elif name == "v":
            self._wants = True
        elif name == "row":
            self._line = max(self._line + 1, _row_number(attributes.get("r", "")))
            self._cells = []
        else:
            super().opened(name, attributes)

    def closed(self, name: str) -> None:
        if name == "v":
            self._wants = False
        elif name == "c":
            if self._column < COLUMNS_MAX:
                self._cells += [""] * (self._column - len(self._cells))
                self._cells.append(self._value(self._gathered_text()))
        elif name == "row":
            self._rows.append(Record(self._line, self._cells))
        else:
            super().closed(name)

    def _value(self, text: str) -> str:
        if self._type == "s":
            return self._shared(int(text)) if text.isdecimal() else ""
        return _number(text) if self._type == "n" and text else text


def _number(text: str) -> str:
    try:
        number = _DIGITS.create_decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) > _DIGITS.prec * 2:
        return text
    if number.adjusted() >= _DIGITS.prec:
        return f"{number:E}"  # its last digits are lost: nobody must take it for a whole reference
    plain = f"{number:f}"
    return plain.rstrip("0").removesuffix(".") if "." in plain else plain


def _row_number(text: str) -> int:
    """Return the number of a row, 0 where a file tells none that a sheet can have."""
    return int(text) if text.isdecimal() and len(text) <= _LONGEST_ROW_NUMBER else 0


def _column(place: str) -> int:
    """Return the column of a place such as AB12, counted from 0."""
    number = 0
    for letter in place:
        if not "A" <= letter <= "Z":
            break
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number - 1


def _sheet_name(archive: ZipFile, wanted: str | None) -> str:
    sheets = _Elements(_small(archive, "xl/workbook.xml")).named("sheet")
    chosen = [sheet for sheet in sheets if wanted is None or sheet.get("name") == wanted]
    if not chosen:
        raise UnreadableFile(f"there is no sheet {wanted!r}" if sheets else "the file has no sheet")
    link = next(value for name, value in chosen[0].items() if name.rpartition(" ")[2] == "id")
    for relation in _Elements(_small(archive, "xl/_rels/workbook.xml.rels")).named("Relationship"):
        if relation["Id"] == link:
            target = relation["Target"]
            return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    raise UnreadableFile("the file does not say where its sheet is")


def _small(archive: ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        return file.read(1 << 20)


def _pieces(archive: ZipFile, name: str) -> Iterator[bytes]:
    left = UNPACKED_BYTES_MAX
    with archive.open(name) as file:
        while piece := file.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise UnreadableFile(f"the file unpacks to more than {UNPACKED_BYTES_MAX} bytes")
            yield piece
