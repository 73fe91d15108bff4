"""What is told of beneficiaries before anybody is asked."""

from __future__ import annotations

import pytest

from wisipay.payments import beneficiary
from wisipay.payments.beneficiary import (
    BankDirectory,
    Branch,
    DirectoryUnreadable,
    Doubt,
    Fault,
    Finding,
    look_at_account,
    look_at_vpa,
    read_directory,
)

HEADING = "BANK,IFSC,BRANCH,CITY,IMPS,RTGS,NEFT,UPI"
LINES = [
    HEADING,
    "HDFC Bank,HDFC0000001,TULSIANI CHAMBERS,MUMBAI,true,true,true,true",
    "HDFC Bank, hdfc0cabccb ,A CO-OPERATIVE BANK,PUNE,false,false,TRUE,",
    '"Bank, Second",SBIN0000300,"MUMBAI, MAIN",MUMBAI,1,yes,Y,0',
]
DIRECTORY = read_directory(LINES)


def test_a_directory_knows_banks_branches_and_rails() -> None:
    assert DIRECTORY.banks == {"HDFC": "HDFC Bank", "SBIN": "Bank, Second"}
    assert (DIRECTORY.bank("hdfc0999999"), DIRECTORY.bank("SBIN0000300")) == ("HDFC Bank", "Bank, Second")
    assert DIRECTORY.bank("ZZZZ0000001") is None
    assert DIRECTORY.branch("hdfc0000001") == Branch(
        "HDFC Bank", "TULSIANI CHAMBERS", frozenset({"IMPS", "NEFT", "RTGS", "UPI"})
    )
    assert DIRECTORY.branch("HDFC0CABCCB") == Branch("HDFC Bank", "A CO-OPERATIVE BANK", frozenset({"NEFT"}))
    assert DIRECTORY.branch("SBIN0000300") == Branch(
        "Bank, Second", "MUMBAI, MAIN", frozenset({"IMPS", "NEFT", "RTGS"})
    )
    assert DIRECTORY.branch("SBIN0000301") is None
    assert (DIRECTORY.bank("SBIN"), DIRECTORY.branch("SBIN0000-00")) == (None, None)
    assert {branch.bank for branch in DIRECTORY.branches.values()} == {"HDFC Bank", "Bank, Second"}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "lacks IFSC"),
        (["BANK,IFSC,BRANCH,IMPS,RTGS,NEFT"], "lacks UPI"),
        ([HEADING, "HDFC Bank,HDFC1000001,X,Y,1,1,1,1"], "line 2"),
        ([HEADING, "HDFC Bank"], "line 2"),
        ([*LINES, LINES[1]], "line 5"),
    ],
)
def test_what_is_no_directory_is_refused_with_its_line(lines: list[str], told: str) -> None:
    with pytest.raises(DirectoryUnreadable, match=told):
        read_directory(lines)


def test_a_directory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beneficiary, "BRANCHES_MAX", 3)
    with pytest.raises(DirectoryUnreadable, match="line 4: more than 3"):
        read_directory(LINES)


def test_a_short_line_has_no_rails() -> None:
    short = read_directory([HEADING, "HDFC Bank,HDFC0000001"]).branch("HDFC0000001")
    assert short == Branch("HDFC Bank", "", frozenset())


@pytest.mark.parametrize(
    "ifsc", ["", "HDFC1000001", "HDFC000001", "HDFC00000011", "HDF00000001", "HDFC0\N{DIGIT ONE}00-01"]
)
def test_an_ifsc_has_four_letters_a_zero_and_six_more(ifsc: str) -> None:
    assert look_at_account("000123456789", ifsc, "IMPS", DIRECTORY) == Finding((Fault.IFSC_MALFORMED,))


@pytest.mark.parametrize("number", ["", "12345", "1" * 35, "1234-5678", "12345678 9", "1234567\N{SUPERSCRIPT TWO}"])
def test_an_account_number_has_6_to_34_letters_and_digits(number: str) -> None:
    assert look_at_account(number, "HDFC0000001", "IMPS").faults == (Fault.ACCOUNT_MALFORMED,)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert look_at_account("1", "X", "IMPS", DIRECTORY).faults == (Fault.IFSC_MALFORMED, Fault.ACCOUNT_MALFORMED)


def test_without_a_directory_only_forms_are_looked_at() -> None:
    assert look_at_account("000123456789", "zzzz0000001", "IMPS") == Finding()


def test_zeros_are_an_account_number_as_they_were_with_the_previous_system() -> None:
    assert look_at_account("0" * 12, "HDFC0000001", "IMPS") == Finding()


@pytest.mark.parametrize(
    ("ifsc", "rail", "doubts"),
    [
        ("HDFC0000001", "IMPS", ()),
        ("hdfc0000001", "UPI", ()),
        ("HDFC0CABCCB", "NEFT", ()),
        ("HDFC0CABCCB", "UPI", ()),
        ("HDFC0999999", "IMPS", (Doubt.BRANCH_UNKNOWN,)),
        ("ZZZZ0000001", "IMPS", (Doubt.BANK_UNKNOWN,)),
    ],
)
def test_what_the_directory_does_not_know_is_a_doubt_and_no_fault(
    ifsc: str, rail: str, doubts: tuple[Doubt, ...]
) -> None:
    finding = look_at_account("000123456789", ifsc, rail, DIRECTORY)
    assert (finding.faults, finding.doubts) == ((), doubts)
    assert finding.branch == DIRECTORY.branch(ifsc)


@pytest.mark.parametrize("rail", ["IMPS", "RTGS"])
def test_a_rail_that_is_known_not_to_reach_a_branch_is_a_fault(rail: str) -> None:
    finding = look_at_account("000123456789", "HDFC0CABCCB", rail, DIRECTORY)
    assert (finding.faults, finding.doubts) == ((Fault.RAIL_UNSUPPORTED,), ())


def test_an_empty_directory_doubts_every_bank() -> None:
    assert look_at_account("000123456789", "HDFC0000001", "IMPS", BankDirectory()).doubts == (Doubt.BANK_UNKNOWN,)


@pytest.mark.parametrize("vpa", ["asha@okhdfc", "asha.rao-1_x@ybl", "9876543210@upi", "ab@i2"])
def test_a_vpa_is_a_name_and_a_handle(vpa: str) -> None:
    assert look_at_vpa(vpa) == Finding()


@pytest.mark.parametrize(
    "vpa",
    [
        "",
        "asha",
        "@upi",
        "a@upi",
        "asha@",
        "asha@gmail.com",
        "asha@@upi",
        "as ha@upi",
        ".asha@upi",
        "asha@1up",
        "a" * 256 + "@upi",
    ],
)
def test_what_is_no_vpa_is_told_as_such(vpa: str) -> None:
    assert look_at_vpa(vpa) == Finding((Fault.VPA_MALFORMED,))
