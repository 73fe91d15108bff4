"""What our values look like on the wire."""

from __future__ import annotations

import msgspec
import pytest

from wisipay.core.money import Paise
from wisipay.providers.outgoing import (
    basic_authorization,
    form_body,
    json_body,
    numeric_name,
    plain_text,
    rupees_number,
)


@pytest.mark.parametrize(
    ("paise", "number"),
    [(50_000, b"500"), (10_010, b"100.1"), (10_005, b"100.05"), (10, b"0.1"), (1, b"0.01"), (100_000, b"1000")],
)
def test_an_amount_is_a_number_as_short_as_json_writers_write_it(paise: int, number: bytes) -> None:
    assert bytes(rupees_number(Paise(paise))) == number


def test_json_is_compact_in_order_and_without_what_is_none() -> None:
    body = json_body({"b": msgspec.Raw(b"1.10"), "a": None, "c": {"d": "é"}, "e": ""})
    assert body == '{"b":1.10,"c":{"d":"é"},"e":""}'.encode()


def test_a_form_is_in_order_and_without_what_is_none() -> None:
    assert form_body({"b": "1 & 2", "a": None, "c": ""}) == b"b=1+%26+2&c="


def test_basic_authorization_is_that_of_the_rfc() -> None:
    assert basic_authorization("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_a_numeric_name_has_sixteen_digits_and_stays_the_same() -> None:
    names = {numeric_name(f"WP{number}") for number in range(1_000)}
    assert len(names) == 1_000
    assert all(len(name) == 16 and name.isdecimal() and name[0] != "0" for name in names)
    assert numeric_name("WP01K9ABCDEF0123456789ABCD") == numeric_name("WP01K9ABCDEF0123456789ABCD")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Asha Rao", "Asha Rao"),
        ("  José  D'Souza ", "Jose D Souza"),
        ("A/B (C) & Co.", "A/B (C) Co."),
        ("\N{DEVANAGARI LETTER A}", ""),
        ("0123456789 0123456789", "0123456789 012345"),
        ("0123456789012345 89", "0123456789012345"),
    ],
)
def test_plain_text_has_nothing_but_what_banks_take(text: str, plain: str) -> None:
    assert plain_text(text, 17, also="/().") == plain
