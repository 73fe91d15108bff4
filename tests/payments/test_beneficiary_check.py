"""Which payouts are refused for their beneficiary, and which go on although a directory knows less than they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from wisipay.core.config import SettingsError
from wisipay.payments import PayCode, PaymentError, branch_line, load_directory
from wisipay.payments.beneficiary_check import check_beneficiary

HEADING = "BANK,IFSC,BRANCH,IMPS,RTGS,NEFT,UPI"
HDFC = "HDFC Bank,HDFC0000001,MUMBAI,true,true,true,true"
ODD = "Odd Bank,ODDB0000002,PUNE,false,false,true,false"
BRANCHES = f"\ufeff{HEADING}\n{HDFC}\n{ODD}\n"


Beneficiary = tuple[dict[str, str], str]


def account(ifsc: str, mode: str = "IMPS", number: str = "000123456789") -> Beneficiary:
    return {"name": "Asha Rao", "accountNumber": number, "ifsc": ifsc, "bankName": "Some Bank"}, mode


def vpa(name: str) -> Beneficiary:
    return {"name": "Asha Rao", "vpa": name}, "UPI"


@pytest.fixture
def branches(tmp_path: Path) -> Path:
    """Return a file of two branches, as banks publish them."""
    path = tmp_path / "branches.csv"
    path.write_text(BRANCHES, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("beneficiary", "told"),
    [
        (account("ODDB0000002", "IMPS"), "cannot be paid by this paymentMode"),
        (account("ODDB0000002", "RTGS"), "cannot be paid by this paymentMode"),
        (account("HDFC0000001", number="1234"), "beneficiaryAccountNumber must be"),
        (vpa(".a@1"), "beneficiaryVpa must be"),
        (account("HDFC1000001"), "beneficiaryIfsc must be"),
    ],
)
def test_what_cannot_be_right_is_refused_with_the_field(branches: Path, beneficiary: Beneficiary, told: str) -> None:
    with pytest.raises(PaymentError) as refused:
        check_beneficiary(*beneficiary, "ORDER-1", load_directory(branches))
    assert (refused.value.pay_code, refused.value.http_status) == (PayCode.INVALID_BENEFICIARY, 400)
    assert told in refused.value.description


@pytest.mark.parametrize(
    "beneficiary",
    [
        account("HDFC0000001"),
        account("HDFC0999999"),
        account("ZZZZ0000001"),
        account("ODDB0000002", "NEFT"),
        account("ODDB0000002", "UPI"),
        vpa("asha@okhdfc"),
    ],
)
def test_whatever_may_be_newer_than_the_directory_goes_on(branches: Path, beneficiary: Beneficiary) -> None:
    for directory in (load_directory(branches), load_directory(None)):
        check_beneficiary(*beneficiary, "ORDER-1", directory)


def test_a_file_counts_before_what_comes_with_the_product_and_both_are_known(branches: Path) -> None:
    without, with_file = load_directory(None), load_directory(branches)
    assert without.bank("SBIN0000300") == with_file.bank("SBIN0000300") == "State Bank of India"
    published, own = without.branch("HDFC0000001"), with_file.branch("hdfc0000001")
    assert published
    assert own
    assert (published.bank, published.name, own.name) == ("HDFC Bank", "", "MUMBAI")
    assert with_file.branch("HDFC0001234") == without.branch("HDFC0001234")
    assert (without.bank("ODDB0000009"), with_file.bank("ODDB0000009")) == (None, "Odd Bank")


def test_a_file_that_is_no_directory_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "branches.csv"
    for content, told in ((b"A,B\n", "lacks IFSC"), (b"\xff\xfe", "utf-8"), (None, "No such file")):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(SettingsError, match=f"BANK_DIRECTORY_FILE.*{told}"):
            load_directory(path)


@pytest.mark.parametrize(
    ("ifsc", "mode", "told", "is_refused"),
    [
        ("HDFC0000001", "RTGS", "HDFC Bank, MUMBAI; reached by IMPS, NEFT, RTGS, UPI", False),
        ("ODDB0000002", "RTGS", "Odd Bank, PUNE; reached by NEFT, so not by RTGS", True),
        ("SBIN0000300", "NEFT", "State Bank of India; reached by IMPS, NEFT, RTGS, UPI", False),
        ("HDFC0ZZZZZ9", "IMPS", "HDFC Bank; the branch is not in the directory", False),
        ("QQQQ0000001", "IMPS", "no bank that is known; the branch is not in the directory", False),
    ],
)
def test_operators_are_told_of_branch_and_rails(
    branches: Path, ifsc: str, mode: str, told: str, *, is_refused: bool
) -> None:
    assert branch_line(load_directory(branches), ifsc, mode) == (f"{ifsc}: {told}", is_refused)


def test_operators_are_told_of_what_is_no_ifsc() -> None:
    assert branch_line(load_directory(None), "HDFC1", "IMPS") == ("HDFC1 is no IFSC", True)
