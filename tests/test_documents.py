"""What documents say of the code is what the code says."""

from __future__ import annotations

import pytest

import generated_blocks
from generated_blocks import DOCUMENTS, blocks, changed, names_in, rewritten
from wisipay.payments import TABLE, TRANSITIONS, Kind
from wisipay.providers import adapter_names


def test_generated_parts_are_what_the_code_says_today() -> None:
    assert [str(path) for path, _ in changed()] == [], "run: python scripts/generated_blocks.py"


def test_every_generated_part_has_its_place_in_a_document() -> None:
    placed = [name for path in DOCUMENTS.rglob("*.md") for name in names_in(path.read_text(encoding="utf-8"))]
    assert sorted(placed) == sorted(blocks())


def test_diagrams_show_every_allowed_move() -> None:
    for kind in Kind:
        for before, after in TRANSITIONS[kind]:
            assert f"{before} --> {after}" in generated_blocks.diagram(kind)


def test_every_payment_code_says_what_to_do_and_masked_ones_stay_hidden() -> None:
    rows = {row.split(" | ")[0].removeprefix("| "): row for row in generated_blocks.payment_errors().splitlines()}
    for code, entry in TABLE.items():
        assert entry.remedy in rows[code.value]
        assert rows[code.value].endswith("| PAY_1901 |" if entry.masked else f"| {code.value} |")


def test_an_outdated_part_is_written_anew_and_the_rest_left_alone() -> None:
    text = "# By hand\n<!-- begin PAYIN -->\nold\n<!-- end PAYIN -->\nby hand too\n"
    assert rewritten(text) == f"# By hand\n<!-- begin PAYIN -->\n{blocks()['PAYIN']}\n<!-- end PAYIN -->\nby hand too\n"


def test_every_adapter_has_a_page_that_the_table_links_to() -> None:
    table = generated_blocks.providers()
    for name in adapter_names():
        page = table.partition(f"[{name}](")[2].partition(")")[0]
        assert name in (DOCUMENTS / "providers" / page).read_text(encoding="utf-8").lower(), name


def test_a_part_that_nobody_generates_is_refused() -> None:
    with pytest.raises(KeyError):
        rewritten("<!-- begin NOTHING -->\n<!-- end NOTHING -->")
