"""Names, ids and addresses that people give."""

import pytest

from wisipay.merchants import InvalidValue
from wisipay.merchants.names import (
    checked_callback_url,
    checked_email,
    checked_gstin,
    checked_identifier,
    checked_ifsc,
    checked_merchant_id,
    checked_name,
    slug_of,
)


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Axis Bank Ltd.", "axis-bank-ltd"), ("  Dummy ", "dummy"), ("A&B (India)", "a-b-india"), ("x" * 60, "x" * 40)],
)
def test_an_id_is_made_from_a_name(name: str, slug: str) -> None:
    assert slug_of("name", name) == slug


def test_a_name_without_a_latin_letter_gives_no_id() -> None:
    with pytest.raises(InvalidValue, match="Latin"):
        slug_of("name", "भारत")


def test_names_and_addresses_are_trimmed_and_codes_raised() -> None:
    assert checked_name("name", " भारत Pay ") == "भारत Pay"
    assert checked_email(" Ops@Example.COM ") == "ops@example.com"
    assert checked_ifsc("hdfc0001234") == "HDFC0001234"
    assert checked_identifier("aaacw1234a") == "AAACW1234A"
    assert checked_gstin("29aaacw1234a1z5") == "29AAACW1234A1Z5"
    assert checked_merchant_id("MER-1") == "MER-1"


@pytest.mark.parametrize("value", ["", "x", "x" * 121, "a\nb", "a\x00b"])
def test_a_bad_name_is_refused_with_its_field(value: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        checked_name("displayName", value)
    assert set(refusal.value.details) == {"displayName"}
    assert refusal.value.http_status == 400


@pytest.mark.parametrize(
    "value", ["", "x", "@example.com", "a@b", "a b@example.com", "a@example..com", "a" * 250 + "@b.c"]
)
def test_a_bad_e_mail_address_is_refused(value: str) -> None:
    with pytest.raises(InvalidValue):
        checked_email(value)


def test_a_bad_code_is_refused_with_what_it_should_be() -> None:
    for check, value in ((checked_ifsc, "HDFC1234567"), (checked_identifier, "x y"), (checked_gstin, "AB")):
        with pytest.raises(InvalidValue, match="must be"):
            check(value)


@pytest.mark.parametrize("value", ["", "-MER", "MER 1", "MER:1", "M" * 41])
def test_a_bad_merchant_id_is_refused(value: str) -> None:
    with pytest.raises(InvalidValue):
        checked_merchant_id(value)


@pytest.mark.parametrize(
    "url", ["https://example.com/callback", "http://127.0.0.1:9000/x?a=b", "https://[2001:db8::1]/"]
)
def test_a_callback_address_is_http_with_a_host(url: str) -> None:
    assert checked_callback_url(f" {url} ", https_only=False) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com",
        "https://",
        "https://user:pass@example.com",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com/" + "x" * 2000,
        "javascript:alert(1)",
        "https://[bad/",
    ],
)
def test_a_bad_callback_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidValue, match="callbackUrl"):
        checked_callback_url(url, https_only=False)


def test_production_takes_https_only() -> None:
    with pytest.raises(InvalidValue, match="https address"):
        checked_callback_url("http://example.com/", https_only=True)
