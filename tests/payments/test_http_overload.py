"""An `Idempotency-Key` whose request met an overloaded or unreachable store: free only if nothing was begun."""

from __future__ import annotations

from collections.abc import AsyncIterator
from operator import attrgetter

import pytest

from support.shop import Shop, open_shop
from wisipay.core.batch import BatchLost, Overloaded
from wisipay.core.errors import AppError
from wisipay.core.http_serve import running
from wisipay.core.http_server import create_app
from wisipay.entrypoints.engine import Engine
from wisipay.entrypoints.seed import seed
from wisipay.merchants import Merchant
from wisipay.payments import IdempotencyKeys, PaymentService, Request, Rules, Transaction
from wisipay.payments.errors import PayCode, PaymentError
from wisipay.payments.http import MerchantApi, build_handlers


class Troubled(PaymentService):
    """A payment service that fails as a test tells it to, before or after it has begun the payment."""

    error: AppError | None = None
    begins: bool = False

    async def initiate(self, merchant: Merchant, request: Request) -> Transaction:
        error, self.error = self.error, None
        begun = await super().initiate(merchant, request) if self.begins or error is None else None
        if error is not None:
            raise error
        assert begun is not None
        return begun


@pytest.fixture
def payments(parts: Engine) -> Troubled:
    return Troubled(
        desk=parts.desk,
        gateway=parts.gateway,
        directory=parts.directory,
        asker=parts.asker,
        clock=parts.clock,
        rules=Rules(),
        id_prefix="WP",
        webhook_base_url=parts.settings.app_base_url,
    )


@pytest.fixture
async def troubled(parts: Engine, payments: Troubled) -> AsyncIterator[Shop]:
    keys = IdempotencyKeys(parts.pool, parts.clock)
    api = MerchantApi(
        gate=parts.gate, payments=payments, keys=keys, amount_unit="RUPEES", payment_link=attrgetter("payment_url")
    )
    app = create_app(
        route_handlers=build_handlers(api), settings=parts.settings, service="payment", title="test", ready_checks={}
    )
    merchant = (await seed(parts.settings))[0]
    async with (
        running(app) as port,
        open_shop(f"http://127.0.0.1:{port}", merchant["id"], merchant["secret"]) as shop,
    ):
        yield shop


async def _later(parts: Engine) -> None:
    """Let so much time pass that a key may be taken over."""
    await parts.pool.execute("UPDATE payments_idempotency SET started_at = started_at - interval '61 seconds'")


async def test_a_request_that_overload_turned_away_may_come_again_under_its_key(
    troubled: Shop, payments: Troubled
) -> None:
    payments.error = Overloaded(retry_after_seconds=1)
    assert (await troubled.payout("ORDER-1", "sim:pending", key="K1")).status == 503
    assert (await troubled.payout("ORDER-1", "sim:pending", key="K1")).status == 200


@pytest.mark.parametrize("pay_code", [PayCode.CHANNEL_INACTIVE, PayCode.PROVIDER_UNAVAILABLE])
async def test_a_refusal_that_may_pass_is_not_kept_when_nothing_was_begun(
    troubled: Shop, payments: Troubled, pay_code: PayCode
) -> None:
    payments.error = PaymentError(pay_code)
    refused = await troubled.payout("ORDER-1", "sim:pending", key="K1")
    assert (refused.code, refused.body["error"]["retryable"]) == (pay_code.value, True)
    assert (await troubled.payout("ORDER-1", "sim:pending", key="K1")).status == 200


async def test_a_refusal_that_may_pass_is_kept_once_a_payment_has_begun(troubled: Shop, payments: Troubled) -> None:
    payments.error, payments.begins = PaymentError(PayCode.PROVIDER_UNAVAILABLE), True
    refused = await troubled.payout("ORDER-1", "sim:pending", key="K1")
    assert (await troubled.payout("ORDER-1", "sim:pending", key="K1")).body == refused.body


async def test_a_payment_that_overload_interrupted_is_answered_once_its_key_is_taken_over(
    troubled: Shop, payments: Troubled, parts: Engine
) -> None:
    payments.error, payments.begins = Overloaded(retry_after_seconds=1), True
    assert (await troubled.payout("ORDER-1", "sim:pending", key="K1")).status == 503
    assert (await troubled.payout("ORDER-1", "sim:pending", key="K1")).status == 409
    await _later(parts)
    made = await parts.asker.by_order("MER-1", "ORDER-1")
    assert made is not None
    assert (await troubled.payout("ORDER-1", "sim:pending", key="K1")).data["transactionId"] == made.id


async def test_a_request_of_unknown_fate_holds_its_key_until_it_is_taken_over(
    troubled: Shop, payments: Troubled, parts: Engine
) -> None:
    payments.error = BatchLost(retry_after_seconds=1)
    assert (await troubled.payout("ORDER-1", "sim:pending", key="K1")).status == 503
    assert (await troubled.payout("ORDER-1", "sim:pending", key="K1")).status == 409
    await _later(parts)
    assert (await troubled.payout("ORDER-1", "sim:pending", key="K1")).status == 200
