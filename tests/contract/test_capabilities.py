"""What adapters say that they can do, and which credentials they ask for, is what they do."""

from __future__ import annotations

import msgspec
import pytest

from support.loopback import WireAnswer
from support.provider_bench import REFERENCE, Bench, create, payin_order, payout_order
from support.provider_case import ProviderCase
from wisipay.providers import (
    InvalidCredentials,
    PayinOrder,
    PaymentKind,
    PayoutOrder,
    Rejected,
    capabilities_of,
    check_credentials,
    credentials_schema,
)
from wisipay.providers.rules import refusal_of

URL = "https://provider.example.com"
_SHORT = 6
KINDS: tuple[PaymentKind, ...] = ("payin", "payout")


def test_a_kind_has_modes_exactly_where_it_is_done(case: ProviderCase) -> None:
    capabilities = capabilities_of(case.name, case.credentials(URL))
    assert [kind for kind in KINDS if capabilities.modes(kind)] == list(case.kinds)
    assert [kind for kind in case.kinds if not capabilities.checks(kind)] == list(case.unchecked)
    assert len(REFERENCE) + len("A99") <= capabilities.reference_max_length
    renamed = {kind for kind in case.kinds if case.names(kind, REFERENCE) != REFERENCE}
    assert renamed == capabilities.numeric_kinds
    assert all(case.names(kind, REFERENCE).isdecimal() for kind in renamed)


def test_an_order_that_brings_everything_is_not_refused(case: ProviderCase) -> None:
    capabilities = capabilities_of(case.name, case.credentials(URL))
    orders: dict[PaymentKind, PayinOrder | PayoutOrder] = {
        "payin": payin_order(case.payin_mode, case.amount),
        "payout": payout_order(case.payout_mode, case.amount),
    }
    assert [refusal_of(capabilities, kind, orders[kind]) for kind in case.kinds] == [None] * len(case.kinds)


async def test_a_kind_that_is_not_done_is_refused_unsent(bench: Bench) -> None:
    bench.loopback.will_answer(WireAnswer(200, b"{}"))
    for kind in KINDS:
        if kind not in bench.case.kinds:
            outcome = await create(bench.case, bench.adapter, kind)
            assert isinstance(outcome, Rejected)
            assert not outcome.sent
    assert bench.loopback.received == []


def test_credentials_that_do_not_fit_are_named_and_not_shown(case: ProviderCase) -> None:
    good = dict(case.credentials(URL))
    check_credentials(case.name, good)
    required = [field.encode_name for field in msgspec.structs.fields(credentials_schema(case.name)) if field.required]
    for name in required:
        with pytest.raises(InvalidCredentials) as missing:
            check_credentials(case.name, {key: value for key, value in good.items() if key != name})
        assert name in missing.value.problems
    with pytest.raises(InvalidCredentials) as unknown:
        check_credentials(case.name, {**good, "surprise": "s3cret-value", required[0]: ""})
    assert {"surprise", required[0]} <= unknown.value.problems.keys()
    assert "s3cret-value" not in str(unknown.value)
    shown = repr(msgspec.convert(good, credentials_schema(case.name)))
    assert not any(value in shown for value in good.values() if len(value) > _SHORT)
