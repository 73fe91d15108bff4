"""Reading providers' texts: exact amounts, and nothing taken from what is broken."""

from decimal import Decimal

import pytest

from wisipay.providers.wire import Fields, Unreadable, header, read_object, read_objects


@pytest.mark.parametrize(
    ("value", "paise"),
    [
        ("100.00", 10_000),
        ("100", 10_000),
        (" 0.5 ", 50),
        ("100.5000", 10_050),
        (100, 10_000),
        (Decimal("100.10"), 10_010),
        (Decimal("0.29"), 29),
        (Decimal("70368744177664.01"), 7_036_874_417_766_401),
    ],
)
def test_an_amount_in_rupees_is_read_exactly(value: object, paise: int) -> None:
    assert Fields({"amount": value}).rupees("amount") == paise


def test_a_json_number_never_becomes_a_binary_fraction() -> None:
    fields = read_object(b'{"amount": 4503599627370497.55}')
    assert fields.members["amount"] == Decimal("4503599627370497.55")
    assert fields.rupees("amount") == 450_359_962_737_049_755


@pytest.mark.parametrize(
    "value",
    ["100.001", "1e3", "-1", "1,000.00", "abc", "Rs 5", ".", True, [], {}, Decimal("1E+400"), Decimal("0.001"), 10**30],
)
def test_an_amount_that_is_not_exact_makes_the_answer_unreadable(value: object) -> None:
    with pytest.raises(Unreadable, match="amount"):
        Fields({"amount": value}).rupees("amount")


@pytest.mark.parametrize("value", [None, ""])
def test_an_absent_amount_is_none_and_the_next_name_is_tried(value: object) -> None:
    assert Fields({"amount": value}).rupees("amount") is None
    assert Fields({"amount": value, "requested_amount": "2.00"}).rupees("amount", "requested_amount") == 200


@pytest.mark.parametrize(("value", "paise"), [(150, 150), ("150", 150), (0, 0)])
def test_whole_paise_are_read(value: object, paise: int) -> None:
    assert Fields({"amount": value}).paise("amount") == paise


@pytest.mark.parametrize("value", [Decimal("1.50"), "1.5", "-1", -1, True, "1" * 19, "²", []])
def test_paise_are_whole_and_bounded(value: object) -> None:
    with pytest.raises(Unreadable, match="paise"):
        Fields({"amount": value}).paise("amount")


def test_absent_paise_are_none() -> None:
    assert Fields({"amount": None, "other": ""}).paise("amount", "other", "third") is None


def test_the_first_name_that_holds_something_wins() -> None:
    fields = Fields({"a": "", "b": None, "c": True, "d": {}, "e": 207517810965, "f": "later"})
    assert fields.text("a", "b", "c", "d", "e", "f") == "207517810965"
    assert fields.text("a", "missing") is None


def test_a_text_with_control_characters_is_unreadable() -> None:
    # A NUL would be refused by PostgreSQL and take the whole batch with it.
    with pytest.raises(Unreadable, match="utr"):
        Fields({"utr": "12\x0034"}).text("utr")


def test_a_text_beyond_its_bound_is_unreadable() -> None:
    assert Fields({"utr": "x" * 1_000}).text("utr") == "x" * 1_000
    with pytest.raises(Unreadable, match="too long"):
        Fields({"utr": "x" * 1_001}).text("utr")


def test_a_required_text_that_is_missing_is_unreadable() -> None:
    assert Fields({"id": "7"}).required("id") == "7"
    with pytest.raises(Unreadable, match="id or ref is missing"):
        Fields({}).required("id", "ref")


def test_a_message_is_cut_and_cleaned_rather_than_refused() -> None:
    assert Fields({"message": " no\x00funds\n" + "x" * 400}).message("error", "message") == "no funds " + "x" * 291
    assert Fields({"message": 7, "error": " "}).message("message", "error") is None


def test_flags_and_nested_objects_are_taken_only_as_such() -> None:
    fields = Fields({"yes": True, "no": "true", "data": {"id": "1"}, "list": []})
    assert fields.flag("yes") is True
    assert fields.flag("no") is None
    assert fields.nested("data") == Fields({"id": "1"})
    assert fields.nested("list") is None


def test_arrays_give_their_objects_and_are_bounded() -> None:
    fields = read_object(
        b'{"data":[{"id":"1"},2,{"id":"3"}],"one":{"id":"4"},"many":[' + b",".join([b"{}"] * 101) + b"]}"
    )
    assert fields.objects("data") == (Fields({"id": "1"}), Fields({"id": "3"}))
    assert fields.objects("one") == fields.objects("many") == fields.objects("none") == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"<html><body>502</body></html>",
        b'{"a":1',
        b'{"a":1}{"b":2}',
        b'{"a":NaN}',
        b'{"a":1e99999999999999999999}',
        b'{"a":' + b"9" * 5_000 + b"}",
        b'{"a":"\xff"}',
        b"[" * 100_000,
        b"[1]",
        b'"text"',
        b"null",
    ],
)
def test_whatever_is_not_one_json_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_object(body)


@pytest.mark.parametrize(
    ("body", "hint"), [(b" <p>", "look like a page"), (b"{oops", "broken or cut off"), (b"", "are blank")]
)
def test_the_reason_tells_what_the_body_looked_like(body: bytes, hint: str) -> None:
    with pytest.raises(Unreadable, match=hint):
        read_object(body)


def test_a_webhook_body_may_be_an_object_an_array_or_a_form() -> None:
    assert read_objects(b' {"id":"1"}') == (Fields({"id": "1"}),)
    assert read_objects(b'[{"id":"1"},{"id":"2"}]') == (Fields({"id": "1"}), Fields({"id": "2"}))
    assert read_objects(b"id=1&amount=100.50&note=a%20b&empty=") == (
        Fields({"id": "1", "amount": "100.50", "note": "a b", "empty": ""}),
    )


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"[1]",
        b'[{"id":1},[]]',
        b"[" + b"{}," * 100 + b"{}]",
        b"",
        b"hello",
        b"a=%ff",
        b"&".join(b"a%d=1" % number for number in range(201)),
        b"status=SUCCESS&status=FAILED",
        b'{"a":',
    ],
)
def test_any_other_webhook_body_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_objects(body)


def test_a_header_is_found_whatever_its_case() -> None:
    assert header({"X-Dummy-Signature": "s"}, "x-dummy-signature") == "s"
    assert header({}, "x-dummy-signature") is None
