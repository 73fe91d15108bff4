"""The entries a payment makes and the ids of its records."""

from __future__ import annotations

from support.payment_world import World
from wisipay.core.ids import id_milliseconds, new_id
from wisipay.core.money import Paise
from wisipay.payments import postings
from wisipay.payments.model import Kind, Status, attempt_reference, may_move, split_reference


def test_derived_ids_are_stable_distinct_and_carry_the_payments_time() -> None:
    transaction_id = new_id("WSP")
    first = postings.derived_id(transaction_id, "hold:1")
    assert first == postings.derived_id(transaction_id, "hold:1")
    assert first != postings.derived_id(transaction_id, "hold:2")
    assert first != postings.derived_id(new_id("WSP"), "hold:1")
    assert first.version == 7
    assert first.variant == "specified in RFC 4122"
    assert first.int >> 80 == id_milliseconds(transaction_id)


def test_payment_without_a_fee_has_two_lines() -> None:
    world = World()
    payin = world.get(world.opened(Kind.PAYIN, fee_paise=Paise(0), tax_paise=Paise(0)))
    assert [line.amount for line in postings.payment_lines(payin)] == [100_000, -100_000]


def test_reference_of_every_attempt_is_read_back() -> None:
    transaction_id = new_id("WSP")
    length = len(transaction_id)
    for attempt in (1, 2, 13):
        assert split_reference(attempt_reference(transaction_id, attempt), length) == (transaction_id, attempt)
    for stranger in (
        "",
        "WSP",
        transaction_id + "A1",
        transaction_id + "B2",
        transaction_id + "A",
        transaction_id + "A²",
    ):
        assert split_reference(stranger, length) is None


def test_final_states_lead_nowhere_but_along_the_table() -> None:
    assert not may_move(Kind.PAYOUT, Status.REVERSED, Status.SUCCESS)
    assert not may_move(Kind.PAYIN, Status.SUCCESS, Status.FAILED)
    assert may_move(Kind.PAYIN, Status.EXPIRED, Status.SUCCESS)
