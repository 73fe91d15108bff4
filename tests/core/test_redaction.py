"""Redaction: planted secrets never come out, wherever they were hidden."""

import json
import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisipay.core.redaction import REDACTED, TEXT_LENGTH_MAX, is_sensitive, redact, redact_field

SECRETS = {
    "e-mail": "ravi.kumar+pay@example.co.in",
    "VPA": "ravi.kumar@okhdfcbank",
    "phone": "9876543210",
    "phone with code": "+91 98765-43210",
    "account": "50100123456789",
    "short account": "123456789",
    "IFSC": "HDFC0001234",
    "IFSC in lower case": "hdfc0001234",
    "hex signature": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "secret": "vASfoVmonKXXDrZ_9UFA0KOnNcZ_PukMmA16fD8Oi60",
    "base64 secret": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
}
KEYS = [
    *(
        "password",
        "apiKey",
        "api_key",
        "X-Api-Key",
        "x-client-id",
        "Authorization",
        "x-signature",
        "saltKey",
        "salt",
        "hash",
    ),
    *("accountNumber", "account_number", "beneficiaryAccountNumber", "ifsc", "beneficiaryIfsc", "customerEmail"),
    *("customerPhone", "mobile", "vpa", "beneficiaryVpa", "upiId", "jwt_secret", "set-cookie", "otp", "clientSecret"),
    *("payee_vpa", "Key", "merchantKey", "PIN", "access_token", "customerName", "beneficiaryName", "checksum"),
]

names = st.sampled_from(["a", "note", "data", "x-y", "Order", "message"])
words = st.text(string.ascii_letters + " ", max_size=12)


def as_wire(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    """Return the value as it is, as JSON, as bytes, and as JSON that was cut off."""
    text = json.dumps(value)
    return [value, text, text.encode(), text + "...", json.dumps(text)]


def bury(value: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - any JSON value
    """Return the value inside mappings, lists and JSON texts, up to a few levels."""
    return st.recursive(
        st.just(value),
        lambda inner: st.one_of(
            st.builds(lambda name, item: {name: item}, names, inner),
            st.builds(lambda before, item: [before, item], words, inner),
            inner.map(lambda item: json.dumps(item) if isinstance(item, (dict, list)) else item),
        ),
        max_leaves=4,
    )


@given(st.data(), st.sampled_from(sorted(SECRETS.values())))
def test_a_planted_value_never_survives(data: st.DataObject, secret: str) -> None:
    text = data.draw(words) + " " + secret + data.draw(st.sampled_from(["", " ", ", ", ";", "\n", ")"]))
    for form in as_wire(data.draw(bury(text))):
        assert secret not in repr(redact(form))


@given(st.data(), st.sampled_from(KEYS), st.text(string.ascii_letters + string.digits, min_size=4, max_size=12))
def test_a_value_under_a_telling_name_never_survives(data: st.DataObject, key: str, value: str) -> None:
    planted = f"Q{value}Z"
    for form in as_wire(data.draw(bury({key: planted}))):
        assert planted not in repr(redact(form))
    for form in as_wire(data.draw(bury({key: {"inner": [planted]}}))):
        assert planted not in repr(redact(form))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "form",
    [
        "https://provider.example/pay?a=1&{key}=Qsecret&b=2",
        "{key}=Qsecret&amount=100.00",
        'broken {{"a": 1, "{key}": "Qsecret", ',
        "{key}: Qsecret",
        "got {{'{key}': 'Qsecret'}}",
        "<{key}>Qsecret</{key}>",
        'cut off: {{"{key}": ["Qsecret", "Qsecret"]}}',
        'answer="{{\\"{key}\\":\\"Qsecret\\"}}"',
    ],
)
def test_pairs_in_texts_are_seen(key: str, form: str) -> None:
    shown = redact(form.format(key=key))
    assert "Qsecret" not in shown
    assert REDACTED in shown


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_values_are_seen_inside_urls(secret: str) -> None:
    assert quote(secret) not in redact(f"GET https://x.example/{quote(secret)}/status?q={quote(secret)} 200")


@pytest.mark.parametrize(
    "text",
    [
        "Bearer abcdef123456",
        "authorization: Basic dXNlcjpwYXNz",
        "Digest abcdef==",
        "postgresql://user:Qpass@db:5432/x",
    ],
)
def test_credentials_of_requests_and_addresses_are_seen(text: str) -> None:
    shown = redact(text)
    for secret in ("abcdef", "dXNlcjpwYXNz", "Qpass"):
        assert secret not in shown


@pytest.mark.parametrize(
    "text",
    [
        *("http.request", "POST", "/api/payment/payin/status/ORD-123", "WP01M811HN5SJS2D7SNKN49P", "MER-1", "PAY_1205"),
        *("2026-11-22", "2026-11-22 07:19:15", "01a20218-d4ba-7e53-a7d6-efb2e52f461d", "1234.50", "10.1.2.3", "key"),
        *("connection refused", "100.00 INR", "status=SUCCESS", "attempt 3 of 5", "a", "", "12345678"),
    ],
)
def test_harmless_texts_stay(text: str) -> None:
    assert redact(text) == text


def test_the_address_of_a_payers_page_keeps_the_payment_and_loses_the_proof() -> None:
    for proof in ("abcdefghijklmnopqrstuv", "-_AZ09-_AZ09-_AZ09-_AZ"):
        for end in ("", "/state", "?x=1"):
            shown = redact_field("path", f"/pay/UAT_PAYIN_01KAN7M3Q0ZV5T9Y2C4D6F.{proof}{end}")
            assert shown == f"/pay/UAT_PAYIN_01KAN7M3Q0ZV5T9Y2C4D6F.{REDACTED}{end}"
    assert redact("/pay/assets/checkout.js") == "/pay/assets/checkout.js"


def test_fields_a_log_line_is_found_by_stay() -> None:
    for name in ("orderId", "order_id", "transactionId", "utr", "timestamp", "amount_paise"):
        assert redact_field(name, "412345678901") == "412345678901"
        assert redact_field(name, 412345678901) == 412345678901


def test_what_says_whether_a_secret_is_there_stays() -> None:
    value = {"password": None, "secretEnabled": True, "token": "", "secret": 0}
    assert redact(value) == {"password": None, "secretEnabled": True, "token": "", "secret": REDACTED}


def test_names_that_only_sound_like_secrets_are_harmless() -> None:
    assert not any(map(is_sensitive, ["idempotencyKey", "status", "monkey_business", "amount", "event", "route_key"]))


def test_whole_numbers_the_size_of_accounts_are_hidden_and_others_stay() -> None:
    assert redact([99_999_999, 100_000_000, -5, 1.5, 10**30]) == [99_999_999, REDACTED, -5, 1.5, REDACTED]


def test_the_given_value_is_not_changed() -> None:
    value = {"a": [{"password": "x"}]}
    redact(value)
    assert value == {"a": [{"password": "x"}]}


def test_bounds_hold_for_size_and_depth() -> None:
    assert len(redact("a " * TEXT_LENGTH_MAX)) <= TEXT_LENGTH_MAX + 20
    assert len(redact(list(range(5_000)))) == 1_000
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    assert REDACTED in repr(redact(deep))
    assert isinstance(redact("[" * 20_000), str)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_it_never_raises_and_leaves_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    json.dumps(redact(value))


@given(st.text(alphabet="ab@.=:&{}[]<>/\"'\\0123456789-_ ", max_size=200))
def test_any_jumble_of_separators_gives_a_text(text: str) -> None:
    assert isinstance(redact(redact(text)), str)


def test_an_object_is_shown_as_its_text_without_secrets() -> None:
    assert redact(ValueError("no such vpa: a.b@upi")) == f"no such vpa: {REDACTED}"


@pytest.mark.timeout(5)
@pytest.mark.parametrize("piece", ["a", "a.", "1 ", "a=", '"a":', "<a>", "eyJ", "A-", "+", "http://", '\\"', "a@"])
def test_no_text_makes_it_slow(piece: str) -> None:
    redact(piece * (TEXT_LENGTH_MAX // len(piece)))
