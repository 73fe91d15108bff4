"""What the cells of one line mean, and which of them are better not believed."""

from __future__ import annotations

import msgspec
import pytest

from wisipay.reconciliation.errors import UnreadableFile, UnusableMapping
from wisipay.reconciliation.mapping import BrokenRow, FileRow, RowReader, read_mapping

HEADING = ["Ref", " Amount ", "Charge", "GST", "State", "Type"]


def reader(**changes: object) -> RowReader:
    columns = {"reference": "ref", "amount": "Amount", "fee": "Charge", "tax": "GST"}
    return RowReader(read_mapping(msgspec.json.encode({"columns": columns} | changes)), HEADING)


@pytest.mark.parametrize(
    ("text", "paise"),
    [
        ("100", 10_000),
        ("100.5", 10_050),
        ("100.50", 10_050),
        ("100.5000", 10_050),
        ("1,234.50", 123_450),
        ("12,34,567.89", 123_456_789),
        ("1,234,567", 123_456_700),
        ("₹ 99.00", 9_900),
        ("INR 99", 9_900),
        ("Rs. 99", 9_900),
        ("'99", 9_900),
        ('="99.10"', 9_910),
    ],
)
def test_rupees_are_read_as_providers_write_them(text: str, paise: int) -> None:
    row = reader().read(["T1", text])
    assert row is not None
    assert row.amount_paise == paise


@pytest.mark.parametrize("text", ["", "0", "-5", "1.005", "1e3", "12,34", "1.234,50", "abc", "=1+1", "9" * 19])
def test_what_is_no_amount_is_not_guessed(text: str) -> None:
    with pytest.raises(BrokenRow):
        reader().read(["T1", text])


def test_paise_are_whole() -> None:
    in_paise = reader(amountUnit="PAISE")
    assert in_paise.read(["T1", "250", "5", ""]) == FileRow("T1", None, None, 250, 5, None, "SUCCESS")
    with pytest.raises(BrokenRow, match="amount in paise"):
        in_paise.read(["T1", "2.50"])


@pytest.mark.parametrize("reference", ["2.07518E+11", "x" * 201, "T\x001", "T\ufffd1"])
def test_a_reference_that_is_damaged_is_a_broken_row(reference: str) -> None:
    with pytest.raises(BrokenRow, match="the reference"):
        reader().read([reference, "5"])


def test_a_line_without_any_reference_is_broken_and_an_empty_one_is_passed_over() -> None:
    with pytest.raises(BrokenRow, match="neither reference"):
        reader().read(["", "5"])
    assert reader().read(["", "", ""]) is None
    assert reader().read([]) is None


def test_status_words_are_those_of_the_mapping_in_any_case() -> None:
    columns = {"utr": "Ref", "amount": "Amount", "status": "State"}
    words = reader(columns=columns, statuses={"Settled": "SUCCESS", "Sent back": "REVERSED"})
    assert words.read(["U1", "5", "", "", "SETTLED"]) == FileRow(None, None, "U1", 500, None, None, "SUCCESS")
    assert words.read(["U1", "5", "", "", "sent back"]) == FileRow(None, None, "U1", 500, None, None, "REVERSED")
    with pytest.raises(BrokenRow, match="none of the mapping's words"):
        words.read(["U1", "5", "", "", "odd"])


def test_only_rows_of_the_named_kind_count() -> None:
    some = reader(only={"Type": ["payment"]})
    assert some.read(["T1", "5", "", "", "", "Payment"]) is not None
    assert some.read(["T1", "-5", "", "", "", "refund"]) is None


def test_a_column_that_the_heading_lacks_is_named() -> None:
    with pytest.raises(UnreadableFile, match="no column 'Net'; it has ref, amount"):
        reader(columns={"reference": "Ref", "amount": "Net"})


@pytest.mark.parametrize(
    ("mapping", "fault"),
    [
        ("not json", "not usable"),
        ('{"columns": {"amount": "A", "utr": "U"}, "surprise": 1}', "surprise"),
        ('{"columns": {"amount": "A"}}', "at least one of"),
        ('{"columns": {"amount": "A", "utr": "U", "status": "S"}}', "statuses"),
        ('{"columns": {"amount": "A", "utr": "U"}, "statuses": {"a": "SUCCESS"}}', "columns.status"),
        ('{"columns": {"amount": "A", "utr": "U", "tax": "T"}}', "columns.tax"),
        ('{"columns": {"amount": "A", "utr": "U", "fee": "F", "tax": "T"}, "feeIncludesTax": true}', "columns.tax"),
        (
            '{"columns": {"amount": "A", "utr": "U", "status": "S"}, "statuses": {"a": "SUCCESS", "A": "FAILED"}}',
            "two words",
        ),
        ('{"columns": {"amount": "A", "utr": "U", "status": "S"}, "statuses": {"a": "DONE"}}', "DONE"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(mapping: str, fault: str) -> None:
    with pytest.raises(UnusableMapping, match=fault):
        read_mapping(mapping.encode())
