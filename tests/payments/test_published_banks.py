"""The banks and branches that come with the product, and the writing of their pack from the package."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import msgspec
import pytest

import bank_directory
from wisipay.payments.beneficiary import BankDirectory, Branch, Doubt, look_at_account
from wisipay.payments.published_banks import PACK, BankPack, PublishedBanks

PACKAGE = {
    "package.json": {"name": "ifsc", "version": "9.9.9"},
    "src/IFSC.json": {"HDFC": [1, "CABCCB", 1234, "0000SC"], "UJVN": [1102], "GONE": [7], "YESB": ["ACB001", "ZZS001"]},
    "src/banks.json": {"HDFC": {"upi": True}, "GONE": {"imps": False}, "ADCX": {"upi": True}},
    "src/banknames.json": {"HDFC": "HDFC  Bank", "YESB": "Yes Bank", "USFB": "Ujjivan", "ADCX": "Adinath Bank"},
    "src/sublet.json": {"HDFC0CABCCB": "Bank without letters"},
    "src/custom-sublets.json": {"UJVN": "USFB", "YESB0ACB": "ADCX"},
}
EVERY_RAIL = frozenset({"IMPS", "NEFT", "RTGS", "UPI"})


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a pack written from a package of seven branches."""
    (tmp_path / "src").mkdir()
    (tmp_path / "LICENSE").write_text("The MIT License", encoding="utf-8")
    for name, content in PACKAGE.items():
        (tmp_path / name).write_bytes(msgspec.json.encode(content))
    path = tmp_path / "banks.json.gz"
    command = ["bank_directory.py", str(tmp_path), "--published", "2026-01-02", "--to", str(path)]
    monkeypatch.setattr(sys, "argv", command)
    bank_directory.main()
    return path


def test_a_package_is_packed_and_read_again(written: Path) -> None:
    banks = PublishedBanks(written)
    assert banks.source == "ifsc 9.9.9, published 2026-01-02"
    assert banks.branch("HDFC0001234") == Branch("HDFC Bank", "", EVERY_RAIL)
    assert banks.branch("HDFC00000SC") == Branch("HDFC Bank", "", EVERY_RAIL)
    assert banks.branch("GONE0000007") == Branch("", "", frozenset({"NEFT", "RTGS"}))
    assert banks.branch("YESB0ZZS001") == Branch("Yes Bank", "", EVERY_RAIL - {"UPI"})
    for unknown in ("HDFC0000002", "HDFC0ZZZZZZ", "NOPE0000001", "ADCX0000001"):
        assert banks.branch(unknown) is None


def test_a_sub_member_has_its_own_name_at_branches_with_another_banks_letters(written: Path) -> None:
    banks = PublishedBanks(written)
    assert banks.branch("YESB0ACB001") == Branch("Adinath Bank", "", EVERY_RAIL)
    assert banks.branch("HDFC0CABCCB") == Branch("Bank without letters", "", EVERY_RAIL - {"UPI"})
    assert banks.bank("UJVN0009999") == "Ujjivan"
    assert banks.bank("ADCX0000001") == "Adinath Bank"
    assert banks.bank("NOPE0000001") is None


def test_a_published_branch_is_no_doubt_even_where_its_bank_has_no_name(written: Path) -> None:
    directory = BankDirectory(published=PublishedBanks(written))
    assert look_at_account("000123456789", "GONE0000007", "NEFT", directory).doubts == ()
    assert look_at_account("000123456789", "GONE0000008", "NEFT", directory).doubts == (Doubt.BANK_UNKNOWN,)
    assert look_at_account("000123456789", "YESB0000008", "NEFT", directory).doubts == (Doubt.BRANCH_UNKNOWN,)


def test_the_pack_of_the_product_is_whole_and_bears_its_licence() -> None:
    pack = msgspec.json.decode(gzip.decompress(PACK.read_bytes()), type=BankPack)
    assert "Permission is hereby granted" in pack.licence
    assert "Razorpay" in pack.licence
    assert sum(len(bank.gaps) for bank in pack.banks.values()) > 170_000
    banks = PublishedBanks()
    for ifsc in ("HDFC0000001", "HDFC0001234", "ICIC0000001", "SBIN0000300"):
        branch = banks.branch(ifsc)
        assert branch
        assert branch.rails == EVERY_RAIL
    assert banks.bank("CITI0000003") == "Citibank"
