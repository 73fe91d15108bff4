"""What every adapter makes of webhooks, honest and hostile ones."""

from __future__ import annotations

import contextlib
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.provider_bench import OTHER_KIND, REFERENCE, Bench
from support.provider_case import ProviderCase, WireWebhook
from wisipay.providers import PaymentKind, WebhookRoute, WebhookUnreadable, WebhookWord


def one_webhook(case: ProviderCase, kind: PaymentKind) -> WireWebhook:
    return case.webhook(kind, REFERENCE, *first_news(case, kind))


def first_news(case: ProviderCase, kind: PaymentKind) -> tuple[str, msgspec.Raw]:
    return next(iter(case.webhook_words(kind))), next(iter(case.amounts().values()))


def read(bench: Bench, route: WebhookRoute, webhook: WireWebhook) -> tuple[WebhookWord, ...]:
    return bench.adapter.parse_webhook(route, webhook.headers, webhook.body)


def test_every_status_word_of_the_provider_is_understood(bench: Bench, kind: PaymentKind) -> None:
    amount = next(iter(bench.case.amounts().values()))
    for word, status in bench.case.webhook_words(kind).items():
        (news,) = read(bench, bench.case.route(kind), bench.case.webhook(kind, REFERENCE, word, amount))
        assert (news.kind, news.status, news.amount) == (kind, status, bench.case.amount), word
        assert news.reference == REFERENCE or news.provider_reference
        assert news.authentic == bench.adapter.capabilities.signs_webhooks


def test_amounts_are_exact_however_they_are_written(bench: Bench, kind: PaymentKind) -> None:
    word = first_news(bench.case, kind)[0]
    for form, amount in bench.case.amounts().items():
        (news,) = read(bench, bench.case.route(kind), bench.case.webhook(kind, REFERENCE, word, amount))
        assert news.amount == bench.case.amount, form


def test_an_amount_that_cannot_be_read_makes_the_webhook_unreadable(bench: Bench, kind: PaymentKind) -> None:
    word = first_news(bench.case, kind)[0]
    for amount in bench.case.broken_amounts():
        with pytest.raises(WebhookUnreadable):
            read(bench, bench.case.route(kind), bench.case.webhook(kind, REFERENCE, word, amount))


def test_other_shapes_bring_the_same_news(bench: Bench, kind: PaymentKind) -> None:
    word, status = next(iter(bench.case.webhook_words(kind).items()))
    for webhook in bench.case.other_shapes(kind, REFERENCE, word):
        (news,) = read(bench, bench.case.route(kind), webhook)
        assert (news.kind, news.status) == (kind, status)


def test_a_replayed_webhook_says_the_same_again(bench: Bench, kind: PaymentKind) -> None:
    webhook, route = one_webhook(bench.case, kind), bench.case.route(kind)
    assert read(bench, route, webhook) == read(bench, route, webhook)


def test_news_replayed_to_another_route_is_never_about_the_other_kind(bench: Bench, kind: PaymentKind) -> None:
    for route in (OTHER_KIND[kind], "common"):
        with contextlib.suppress(WebhookUnreadable):
            for news in read(bench, route, one_webhook(bench.case, kind)):
                assert news.kind == kind or not news.authentic


def test_a_forged_webhook_is_at_most_a_hint(bench: Bench, kind: PaymentKind) -> None:
    for forged in bench.case.forged(one_webhook(bench.case, kind)):
        with contextlib.suppress(WebhookUnreadable):
            assert not any(news.authentic for news in read(bench, bench.case.route(kind), forged)), forged


def test_header_names_may_come_in_any_case(bench: Bench, kind: PaymentKind) -> None:
    webhook, route = one_webhook(bench.case, kind), bench.case.route(kind)
    lower = WireWebhook({name.lower(): value for name, value in webhook.headers.items()}, webhook.body)
    upper = WireWebhook({name.upper(): value for name, value in webhook.headers.items()}, webhook.body)
    assert read(bench, route, lower) == read(bench, route, upper) == read(bench, route, webhook)


def test_a_broken_body_is_unreadable(bench: Bench, kind: PaymentKind) -> None:
    webhook = one_webhook(bench.case, kind)
    page = b"<html><body>hello</body></html>"
    for body in (b"", b" ", page, b"{}", b"[]", b"[1]", b"null", b"\xff\xfe", webhook.body[:-1], b"[" * 50_000):
        for route in get_args(WebhookRoute):
            with pytest.raises(WebhookUnreadable):
                read(bench, route, WireWebhook(webhook.headers, body))


def test_no_body_whatever_makes_it_fail_or_believe(case: ProviderCase, bench: Bench) -> None:
    kind = case.kinds[0]
    headers = one_webhook(case, kind).headers

    @given(body=st.binary(max_size=200) | json_documents().map(msgspec.json.encode))
    def holds(body: bytes) -> None:
        with contextlib.suppress(WebhookUnreadable):
            assert not any(news.authentic for news in read(bench, case.route(kind), WireWebhook(headers, body)))

    holds()


def json_documents() -> st.SearchStrategy[object]:
    names = st.sampled_from(["payment_id", "ref_id", "status", "amount", "data", "utr", "order_id", "payload", "x"])
    leaves = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(max_size=20) | st.just("SUCCESS")
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5), max_leaves=12
    )


def test_the_reply_is_a_success(bench: Bench) -> None:
    status, content_type, body = bench.adapter.webhook_reply()
    assert 200 <= status < 300
    assert content_type
    assert isinstance(body, bytes)
