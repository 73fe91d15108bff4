"""Files as providers and Excel write them: titles of changing length, headings over two lines, merged cells, dates."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.settlement_files import HEADING, MAPPING, inline_rows, row, write_csv, write_xlsx
from wisipay.reconciliation import read_mapping
from wisipay.reconciliation.errors import UnreadableFile
from wisipay.reconciliation.heading import below_heading
from wisipay.reconciliation.mapping import BrokenRow, FileRow

FIND = MAPPING.replace(b"{", b'{"headerRow": "FIND", ', 1)
TWO_LINES = FIND.replace(b"{", b'{"headerLines": 2, ', 1)


def rows(path: Path, mapping: bytes) -> list[FileRow | str | None]:
    """Return what a file's rows say, the fault of a broken one."""
    reader, records = below_heading(path, read_mapping(mapping))
    found: list[FileRow | str | None] = []
    for _, cells in records:
        try:
            assert not isinstance(cells, BrokenRow)
            found.append(reader.read(cells))
        except BrokenRow as problem:
            found.append(str(problem))
    return found


def test_headings_are_found_below_titles_of_any_length(tmp_path: Path) -> None:
    titles: tuple[list[str], ...] = (["Settlement report", "", "Amount"], [], ["From 01-11-2026 to 02-11-2026"])
    for count in range(len(titles) + 1):
        path = write_csv(
            tmp_path / f"{count}.csv", *titles[1:count], HEADING, row("T1"), heading=(titles[0] if count else ())
        )
        assert rows(path, FIND) == [FileRow("T1", None, None, 100_000, 50, 9, "SUCCESS")]


def test_spaces_and_breaks_of_a_heading_do_not_count(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "day.csv", row("T1"), heading=[name.replace(" ", "\n ").upper() for name in HEADING])
    assert len(rows(path, FIND)) == 1


def test_headings_that_are_nowhere_are_told_of(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "day.csv", ["UTR", "Amount"], ["x"] * 3, heading=["Report"])
    with pytest.raises(UnreadableFile, match="lacks bank ref, charge, gst, merchant ref, state"):
        rows(path, FIND)
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(UnreadableFile, match="lacks"):
        rows(tmp_path / "empty.csv", FIND)


def test_a_broken_line_above_the_headings_is_a_title_and_one_of_them_is_not(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "day.csv", HEADING, row("T1"), heading=["x" * 140_000])
    assert len(rows(path, FIND)) == 1
    with pytest.raises(UnreadableFile, match="the heading, line 1"):
        rows(path, MAPPING)


def test_a_sheet_as_excel_writes_it_is_read(tmp_path: Path) -> None:
    texts = (
        *("Settlement of ₹ 1,23,456.00", "Payment", "Money", "State", "Date", "Merchant Ref", "Bank Ref", "UTR"),
        *("Amount", "Charge", "GST", "T1", "207517810965", "₹ 1,23,456.00", "Settled", "Total"),
    )
    shared = "".join(f"<si><t xml:space='preserve'>{text}</t></si>" for text in texts)

    def line(number: int, **cells: object) -> str:
        made = [
            f'<c r="{column}{number}" s="2"/>' if value is None
            else f'<c r="{column}{number}" t="s"><v>{texts.index(value)}</v></c>' if isinstance(value, str)
            else f'<c r="{column}{number}" s="3"><v>{value}</v></c>'
            for column, value in cells.items()
        ]  # fmt: skip
        return f'<row r="{number}" spans="1:8">{"".join(made)}</row>'

    sheet = (
        line(1, A=texts[0], B=None, C=None)
        + line(3, A="Payment", B=None, C=None, D="Money", E=None, F=None, G="State", H="Date")
        + line(4, A="Merchant Ref", B="Bank Ref", C="UTR", D="Amount", E="Charge", F="GST", G=None, H=None)
        + line(5, A="T1", B=None, C="207517810965", D="₹ 1,23,456.00", E=0.5, F=0.09, G="Settled", H=46347.4375)
        + line(6, A="T1", B=1.2345678901234568e17, C=207517810965, D=123456.78, E=0.5, F=0.09, G="Settled")
        + line(7, A="Total", D=246912.78)
    )
    path = write_xlsx(tmp_path / "day.xlsx", sheet, shared=shared)
    first, second, total = rows(path, TWO_LINES)
    assert first == FileRow("T1", None, "207517810965", 12_345_600, 50, 9, "SUCCESS")
    assert second == "the provider reference was rounded by a spreadsheet program; export the file again"
    assert total == "the status is none of the mapping's words"


def test_headings_of_several_lines_at_a_known_place(tmp_path: Path) -> None:
    mapping = MAPPING.replace(b"{", b'{"headerRow": 2, "headerLines": 2, ', 1)
    upper = ["Payment", "", "", "Money", "", "", "State"]
    path = write_xlsx(tmp_path / "day.xlsx", inline_rows(["Report"], upper, [*HEADING[:6], ""], row("T1")))
    assert len(rows(path, mapping)) == 1
