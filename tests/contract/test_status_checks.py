"""What every adapter makes of the answers to its questions."""

from __future__ import annotations

import msgspec

from support.loopback import WireAnswer, refused_url
from support.provider_bench import REFERENCE, Bench, bench_adapter, meaningless_answers, silences
from wisipay.providers import NotFound, PaymentKind, StatusOutcome, StatusReport, Unknown


async def ask(bench: Bench, kind: PaymentKind, answer: WireAnswer) -> StatusOutcome:
    bench.loopback.will_answer(answer)
    return await bench.adapter.check_status(kind, REFERENCE, "their-reference")


def good_answer(bench: Bench, kind: PaymentKind, reference: str = REFERENCE) -> WireAnswer:
    word = next(iter(bench.case.status_words(kind)))
    amount = next(iter(bench.case.amounts().values()), msgspec.Raw(b'"100.10"'))
    return bench.case.status(kind, reference, word, amount)


async def test_every_status_word_of_the_provider_is_understood(bench: Bench, kind: PaymentKind) -> None:
    amount = next(iter(bench.case.amounts().values()))
    for word, status in bench.case.status_words(kind).items():
        outcome = await ask(bench, kind, bench.case.status(kind, REFERENCE, word, amount))
        assert isinstance(outcome, StatusReport), word
        assert outcome.status == status, word


async def test_amounts_are_exact_however_they_are_written(bench: Bench, kind: PaymentKind) -> None:
    word = next(iter(bench.case.status_words(kind)))
    for form, amount in bench.case.amounts().items():
        outcome = await ask(bench, kind, bench.case.status(kind, REFERENCE, word, amount))
        assert isinstance(outcome, StatusReport), form
        assert outcome.amount == bench.case.amount, form


async def test_an_amount_that_cannot_be_read_makes_the_answer_unknown(bench: Bench, kind: PaymentKind) -> None:
    word = next(iter(bench.case.status_words(kind)))
    for amount in bench.case.broken_amounts():
        assert isinstance(await ask(bench, kind, bench.case.status(kind, REFERENCE, word, amount)), Unknown), amount


async def test_an_unknown_payment_is_not_found(bench: Bench, kind: PaymentKind) -> None:
    answer = bench.case.not_found(kind)
    if answer is not None:
        assert isinstance(await ask(bench, kind, answer), NotFound)


async def test_a_question_that_fails_leaves_the_payment_unknown(bench: Bench, kind: PaymentKind) -> None:
    for told, answer in meaningless_answers(good_answer(bench, kind)).items():
        assert isinstance(await ask(bench, kind, answer), Unknown), told


async def test_a_question_that_is_never_answered_leaves_the_payment_unknown(bench: Bench, kind: PaymentKind) -> None:
    for told, answer in silences(good_answer(bench, kind)).items():
        assert isinstance(await ask(bench.impatient(), kind, answer), Unknown), told


async def test_a_refused_question_leaves_the_payment_unknown(bench: Bench, kind: PaymentKind) -> None:
    for status in (400, 401, 403, 404, 429, 500, 503):
        assert isinstance(await ask(bench, kind, WireAnswer(status, b'{"message":"no"}')), Unknown), status


async def test_an_answer_about_another_payment_is_unknown(bench: Bench, kind: PaymentKind) -> None:
    if bench.case.echoes_reference:
        assert isinstance(await ask(bench, kind, good_answer(bench, kind, "WPANOTHER")), Unknown)


async def test_a_question_that_was_never_sent_leaves_the_payment_unknown(bench: Bench, kind: PaymentKind) -> None:
    adapter = bench_adapter(bench.case, bench.client, await refused_url())
    assert isinstance(await adapter.check_status(kind, REFERENCE, None), Unknown)


async def test_a_reference_cannot_change_the_path_of_the_question(bench: Bench, kind: PaymentKind) -> None:
    bench.loopback.will_answer(good_answer(bench, kind))
    await bench.adapter.check_status(kind, "../../secrets?x=1#", None)
    request = bench.loopback.received[-1]
    assert "/../" not in request.path
    assert "?x=1" not in request.path
