"""What every adapter makes of the answers to its orders; above all, that an unknown outcome stays unknown."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from support.loopback import WireAnswer, refused_url
from support.provider_bench import (
    REFERENCE,
    Bench,
    bench_adapter,
    create,
    meaningless_answers,
    silences,
)
from wisipay.providers import Accepted, PaymentKind, Rejected, Unknown


def good_answer(bench: Bench, kind: PaymentKind, reference: str = REFERENCE) -> WireAnswer:
    word = next(iter(bench.case.create_words(kind)))
    amount = next(iter(bench.case.amounts().values()), msgspec.Raw(b'"100.10"'))
    return bench.case.created(kind, reference, word, amount)


async def test_every_status_word_of_the_provider_is_understood(bench: Bench, kind: PaymentKind) -> None:
    amount = next(iter(bench.case.amounts().values()))
    for word, status in bench.case.create_words(kind).items():
        outcome = await bench.create(kind, bench.case.created(kind, REFERENCE, word, amount))
        assert isinstance(outcome, Accepted), word
        assert outcome.status == status, word


async def test_an_accepted_order_carries_the_providers_reference(bench: Bench, kind: PaymentKind) -> None:
    outcome = await bench.create(kind, good_answer(bench, kind))
    assert isinstance(outcome, Accepted)
    assert bool(outcome.provider_reference) == bench.case.gives_reference(kind)
    assert (outcome.payment_url is not None) == (kind == "payin")


async def test_amounts_are_exact_however_they_are_written(bench: Bench, kind: PaymentKind) -> None:
    word = next(iter(bench.case.create_words(kind)))
    for form, amount in bench.case.amounts().items():
        outcome = await bench.create(kind, bench.case.created(kind, REFERENCE, word, amount))
        assert isinstance(outcome, Accepted), form
        assert outcome.amount == bench.case.amount, form


async def test_an_amount_that_cannot_be_read_makes_the_outcome_unknown(bench: Bench, kind: PaymentKind) -> None:
    word = next(iter(bench.case.create_words(kind)))
    for amount in bench.case.broken_amounts():
        outcome = await bench.create(kind, bench.case.created(kind, REFERENCE, word, amount))
        assert isinstance(outcome, Unknown), bytes(amount)


async def test_a_certain_rejection_is_one(bench: Bench, kind: PaymentKind) -> None:
    for answer in bench.case.rejections(kind):
        outcome = await bench.create(kind, answer)
        assert isinstance(outcome, Rejected), answer
        assert outcome.sent
        assert outcome.code


async def test_a_rejection_under_a_server_error_is_no_rejection(bench: Bench, kind: PaymentKind) -> None:
    for answer in bench.case.rejections(kind):
        for status in (500, 502, 504):
            assert isinstance(await bench.create(kind, replace(answer, status=status)), Unknown), answer


async def test_a_rejection_that_is_cut_off_is_no_rejection(bench: Bench, kind: PaymentKind) -> None:
    for answer in bench.case.rejections(kind):
        assert isinstance(await bench.create(kind, replace(answer, body=answer.body[:-2])), Unknown), answer


async def test_a_duplicate_reference_is_the_first_order(bench: Bench, kind: PaymentKind) -> None:
    for word, status in bench.case.create_words(kind).items():
        answer = bench.case.duplicate(kind, REFERENCE, word)
        if answer is None:
            continue
        outcome = await bench.create(kind, answer)
        if isinstance(outcome, Unknown):
            continue  # a provider that says no more than "used before" has to be asked how the first order stands
        assert isinstance(outcome, Accepted), word
        assert outcome.status == status, word


async def test_an_answer_without_meaning_leaves_the_outcome_unknown(bench: Bench, kind: PaymentKind) -> None:
    for told, answer in meaningless_answers(good_answer(bench, kind)).items():
        outcome = await bench.create(kind, answer)
        assert isinstance(outcome, Unknown), told
        assert outcome.reason, told


async def test_an_answer_that_never_ends_leaves_the_outcome_unknown(bench: Bench, kind: PaymentKind) -> None:
    for told, answer in silences(good_answer(bench, kind)).items():
        bench.loopback.received.clear()
        assert isinstance(await bench.impatient().create(kind, answer), Unknown), told
        assert len(bench.loopback.received) == 1, told


async def test_an_order_is_sent_exactly_once_whatever_comes_back(bench: Bench, kind: PaymentKind) -> None:
    for told, answer in meaningless_answers(good_answer(bench, kind)).items():
        bench.loopback.received.clear()
        await bench.create(kind, answer)
        assert len(bench.loopback.received) == 1, told


async def test_a_wrong_content_type_does_not_matter(bench: Bench, kind: PaymentKind) -> None:
    for content_type in ("text/html", "text/plain; charset=iso-8859-1", "application/octet-stream"):
        outcome = await bench.create(kind, replace(good_answer(bench, kind), content_type=content_type))
        assert isinstance(outcome, Accepted), content_type


async def test_an_answer_about_another_payment_is_unknown(bench: Bench, kind: PaymentKind) -> None:
    if bench.case.echoes_reference:
        assert isinstance(await bench.create(kind, good_answer(bench, kind, "WPANOTHER")), Unknown)


async def test_nobody_listening_means_certainly_not_executed(bench: Bench, kind: PaymentKind) -> None:
    adapter = bench_adapter(bench.case, bench.client, await refused_url())
    outcome = await create(bench.case, adapter, kind)
    assert isinstance(outcome, Rejected)
    assert not outcome.sent


async def test_the_order_names_our_reference(bench: Bench, kind: PaymentKind) -> None:
    await bench.create(kind, good_answer(bench, kind))
    assert bench.case.names(kind, REFERENCE).encode() in bench.case.in_clear(bench.loopback.received[-1])


@pytest.mark.parametrize("status", [200, 201, 400, 402, 404, 409, 422, 429, 500, 503])
async def test_foreign_json_never_becomes_a_word_about_money(bench: Bench, kind: PaymentKind, status: int) -> None:
    for body in (b'{"ok":true}', b'{"data":null}', b'{"error":"no"}', b'{"data":[],"error":{}}', b'{"status":500}'):
        outcome = await bench.create(kind, WireAnswer(status, body))
        assert isinstance(outcome, Unknown), (status, body)
