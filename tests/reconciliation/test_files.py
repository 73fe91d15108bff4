"""Lines of CSV and XLSX files, whatever state they are in."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from support.settlement_files import inline_rows, write_xlsx
from wisipay.reconciliation import xlsx_file
from wisipay.reconciliation.csv_file import csv_records
from wisipay.reconciliation.errors import UnreadableFile
from wisipay.reconciliation.mapping import BrokenRow, Columns, FileMapping
from wisipay.reconciliation.xlsx_file import is_xlsx, xlsx_records

MAPPING = FileMapping(Columns(amount="Amount", utr="UTR"))


def csv_of(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    return path


def xlsx_rows(path: Path, mapping: FileMapping = MAPPING) -> list[tuple[int, object]]:
    return [(line, cells) for line, cells in xlsx_records(path, mapping)]


def test_a_record_has_the_line_on_which_it_begins(tmp_path: Path) -> None:
    path = csv_of(tmp_path, b'\xef\xbb\xbfA,B\r\n1,"two\nlines"\r\n3,4\r\n')
    assert list(csv_records(path, MAPPING)) == [(1, ["A", "B"]), (2, ["1", "two\nlines"]), (4, ["3", "4"])]


def test_delimiter_and_encoding_are_the_mappings(tmp_path: Path) -> None:
    mapping = FileMapping(MAPPING.columns, delimiter=";", encoding="cp1252")
    path = csv_of(tmp_path, "É;1\n".encode("cp1252"))
    assert list(csv_records(path, mapping)) == [(1, ["É", "1"])]


def test_a_field_without_end_is_a_broken_record_and_reading_goes_on(tmp_path: Path) -> None:
    path = csv_of(tmp_path, b"A\n" + b"x" * 140_000 + b"\nlast\n\xff\n")
    first, broken, last, odd = csv_records(path, MAPPING)
    assert (first, last, odd) == ((1, ["A"]), (3, ["last"]), (4, ["\ufffd"]))
    assert isinstance(broken.cells, BrokenRow)


def test_cells_of_every_type_are_texts_in_their_columns(tmp_path: Path) -> None:
    shared = "<si><t>UTR</t></si><si><r><t>two </t></r><r><t>runs</t></r><rPh><t>sound</t></rPh></si>"
    sheet = (
        '<row r="3"><c r="A3" t="s"><v>0</v></c><c r="C3" t="s"><v>1</v></c>'
        '<c r="E3" t="str"><f>1</f><v>f</v></c></row>'
        '<row r="7"><c r="A7"><v>0.30000000000000004</v></c><c r="B7"><v>2.07517810965E11</v></c>'
        '<c r="C7"><v>1500</v></c>'
        '<c r="D7" t="b"><v>1</v></c><c r="AAA7"><v>9</v></c><c r="ZZZ7"><v>9</v></c></row>'
        "<row><c><v>word</v></c><c><v>1E400</v></c><c t='s'><v>x</v></c><c><v/></c></row>"
    )
    third, seventh, eighth = xlsx_rows(write_xlsx(tmp_path / "a.xlsx", sheet, shared=shared))
    assert third == (3, ["UTR", "", "two runs", "", "f"])
    assert seventh[0] == 7
    assert isinstance(seventh[1], list)
    assert seventh[1][:4] == ["0.3", "207517810965", "1500", "1"]
    assert len(seventh[1]) == 703
    assert eighth == (8, ["word", "1E400", "", ""])


def test_rows_without_numbers_are_counted_and_never_go_back(tmp_path: Path) -> None:
    sheet = '<row r="2"/><row/><row r="1"/><row r="99999999999"/>'
    assert [line for line, _ in xlsx_rows(write_xlsx(tmp_path / "a.xlsx", sheet))] == [2, 3, 4, 5]


def test_a_sheet_is_found_by_its_name_and_by_an_absolute_place(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", inline_rows(["a & b"]), target="/xl/worksheets/sheet1.xml")
    assert is_xlsx(path)
    assert xlsx_rows(path, FileMapping(MAPPING.columns, sheet="Data")) == [(1, ["a & b"])]
    with pytest.raises(UnreadableFile, match="no sheet 'Other'"):
        xlsx_rows(path, FileMapping(MAPPING.columns, sheet="Other"))


@pytest.mark.parametrize(
    "sheet",
    [
        pytest.param("<row><c t='s'><v>5</v></c></row>", id="a text that is not there"),
        pytest.param("<row>", id="half a sheet"),
    ],
)
def test_a_damaged_xlsx_is_refused(tmp_path: Path, sheet: str) -> None:
    with pytest.raises(UnreadableFile, match="no XLSX"):
        xlsx_rows(write_xlsx(tmp_path / "a.xlsx", sheet))


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(UnreadableFile, match="KeyError"):
        xlsx_rows(path)
    path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(UnreadableFile, match="BadZipFile"):
        xlsx_rows(path)


def test_a_workbook_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    for workbook, relations, fault in (
        ("<workbook/>", "<x/>", "no sheet"),
        ('<workbook xmlns:r="r"><sheet name="A" r:id="1"/></workbook>', "<x/>", "does not say"),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("xl/workbook.xml", workbook)
            archive.writestr("xl/_rels/workbook.xml.rels", relations)
        with pytest.raises(UnreadableFile, match=fault):
            xlsx_rows(path)


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", '<!DOCTYPE w [<!ENTITY a "aaaa">]><workbook>&a;</workbook>')
    with pytest.raises(UnreadableFile, match="document type"):
        xlsx_rows(path)


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_file, "UNPACKED_BYTES_MAX", 100_000)
    path = write_xlsx(tmp_path / "a.xlsx", " " * 200_000)
    with pytest.raises(UnreadableFile, match="unpacks to more"):
        xlsx_rows(path)


def test_a_text_of_megabytes_is_cut(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", inline_rows(["x" * 1_000_000]))
    ((_, cells),) = xlsx_rows(path)
    assert isinstance(cells, list)
    assert len(cells[0]) < 300_000
