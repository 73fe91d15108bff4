"""The instance `wisipay payment`: the merchant API and the providers' webhooks.

Composition only. Draining: stop accepting, finish the requests and the payments they began, then close the stores.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from litestar import Litestar
from litestar.types import ASGIApp

from wisipay.apilog import ApiLog
from wisipay.checkout import CheckoutLinks, Payable, payable_of, payment_link
from wisipay.checkout.http import Checkout
from wisipay.checkout.http import build_handlers as checkout_handlers
from wisipay.core.admission import Admission, AdmissionGuard
from wisipay.core.config import Settings
from wisipay.core.crypto import SecretBox
from wisipay.core.http_server import create_app, serve_built
from wisipay.core.http_waits import LongPolls
from wisipay.core.logging import configure_logging
from wisipay.developers import Events
from wisipay.developers.http import DeveloperApi
from wisipay.developers.http import build_handlers as developer_handlers
from wisipay.entrypoints.engine import Engine, engine
from wisipay.entrypoints.metrics_port import metrics_port
from wisipay.payments import IdempotencyKeys, Kind
from wisipay.payments.http import OPENAPI_EXTRA, MerchantApi
from wisipay.payments.http import build_handlers as payment_handlers
from wisipay.reference.http import build_handlers as reference_handlers
from wisipay.sandbox import SANDBOX_MARK, SandboxEvents, SandboxPayments, SandboxStore
from wisipay.webhooks import Captures, Receiving
from wisipay.webhooks.http import WebhookDependencies, build_debug_handlers
from wisipay.webhooks.http import build_handlers as webhook_handlers


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[ASGIApp]:
    """Wire the instance, and take it apart after the last request."""
    async with engine(settings, "payment") as parts:
        receiving = Receiving(parts.pool, parts.directory, parts.gateway, parts.clock)
        log = ApiLog(parts.pool, parts.clock, partial(_is_merchant, parts), trusted_proxies=settings.trusted_proxies)
        await log.start()
        with metrics_port(settings, settings.payment_metrics_port):
            try:
                app = _app(parts, receiving, log)
                yield AdmissionGuard(app, Admission(settings.admission_target_milliseconds / 1000))
            finally:
                await receiving.drain()
                await log.stop()


async def _is_merchant(parts: Engine, merchant_id: str) -> bool:
    return await parts.directory.merchant(merchant_id) is not None


def _app(parts: Engine, receiving: Receiving, log: ApiLog) -> Litestar:
    settings = parts.settings
    links = CheckoutLinks.from_settings(settings)
    store = SandboxStore(parts.redis)
    sandbox = SandboxPayments(store, parts.clock, parts.payments.doubts)
    checkout = Checkout(links, partial(_payable, parts, sandbox), parts.clock)
    api = MerchantApi(
        gate=parts.gate,
        payments=parts.payments,
        keys=IdempotencyKeys(parts.pool, parts.clock),
        amount_unit=settings.amount_unit,
        payment_link=partial(payment_link, links),
    )
    uat = replace(api, payments=sandbox, is_sandbox=True)
    return create_app(
        route_handlers=[
            *payment_handlers(api),
            *payment_handlers(uat),
            *developer_handlers(_developer_api(parts, store)),
            *checkout_handlers(checkout),
            *reference_handlers(),
            *webhook_handlers(WebhookDependencies(receiving)),
            *(build_debug_handlers(Captures(parts.redis, parts.clock)) if settings.webhook_debug_enabled else ()),
        ],
        settings=settings,
        service="payment",
        title=f"{settings.app_brand_name} merchant API",
        ready_checks={"postgres": parts.check_postgres},
        optional_checks={"redis": parts.check_redis},
        openapi_extra=OPENAPI_EXTRA,
        observe=log.observe if settings.api_log_days else None,
    )


def _developer_api(parts: Engine, store: SandboxStore) -> DeveloperApi:
    return DeveloperApi(
        gate=parts.gate,
        pool=parts.pool,
        events=Events(parts.pool, SandboxEvents(store), parts.clock),
        clock=parts.clock,
        unit=parts.settings.amount_unit,
        polls=LongPolls(),
        box=SecretBox.from_settings(parts.settings),
        https_only=parts.settings.is_production,
    )


async def _payable(parts: Engine, sandbox: SandboxPayments, payment_id: str) -> Payable | None:
    """Return a collection as its payer sees it; None unless it is paid on our page."""
    is_test = payment_id.startswith(SANDBOX_MARK)
    found = await (sandbox if is_test else parts.asker).by_id(payment_id)
    if found is None or found.kind is not Kind.PAYIN or found.upi_link is None:
        return None
    payable = payable_of(found, await parts.directory.merchant(found.merchant_id), parts.clock.now())
    return replace(payable, is_test=is_test)


def run(settings: Settings) -> None:
    """Serve until SIGTERM, then finish what is in flight."""
    configure_logging(settings, "payment")
    serve_built(lambda: build(settings), settings.bind_host, settings.payment_port)
