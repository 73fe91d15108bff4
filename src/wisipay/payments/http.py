"""The merchant API's payment endpoints: admit, read, do, answer.

Decides paths, answers and the use of `Idempotency-Key`; everything else is done by the gate, the validation and the
payment service. Source: spec/merchant-api.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from wisipay.core.batch import BatchLost
from wisipay.core.errors import AppError, NotFound, ServiceUnavailable, TooManyRequests
from wisipay.core.http_lane import in_fast_lane
from wisipay.core.http_wire import Reply, WireRequest, litestar_response, wire_request
from wisipay.core.logging import get_logger
from wisipay.merchants import Merchant, MerchantGate, ServiceKind, SignedRequest
from wisipay.payments.answers import PaymentLink, payin_answer, payout_answer, status_answer
from wisipay.payments.contract import PayinAnswer, PayoutAnswer, StatusAnswer
from wisipay.payments.errors import PaymentError
from wisipay.payments.idempotency import Claim, IdempotencyKeys, KeptAnswer
from wisipay.payments.model import Kind, Transaction
from wisipay.payments.openapi import (
    PAYIN_ANSWERS,
    PAYOUT_ANSWERS,
    STATUS_ANSWERS,
    PayinOperation,
    PayoutOperation,
    SignedOperation,
    callbacks,
)
from wisipay.payments.service import Request as PaymentRequest
from wisipay.payments.validation import AmountUnit, payin_request, payout_request

_log = get_logger("payments.http")

_PATH = "/api/payment"

OPENAPI_EXTRA = {
    "description": "Collect (payin) and disburse (payout) money in India. Every request is signed; see docs/integrate.",
    "webhooks": callbacks(),
}
"""What the OpenAPI document says besides its paths."""

HttpRequest = Request[Any, Any, State]


class Payments(Protocol):
    """What the endpoints drive: the payment service, or the sandbox's."""

    async def initiate(self, merchant: Merchant, request: PaymentRequest) -> Transaction:
        """Start a payment."""
        ...

    async def find(self, merchant_id: str, order_id: str, kind: Kind | None = None) -> Transaction | None:
        """Return the merchant's payment of that order id."""
        ...

    async def refresh(self, transaction: Transaction) -> Transaction:
        """Return the payment as its provider sees it now."""
        ...


@dataclass(frozen=True, slots=True)
class MerchantApi:
    """What the handlers need. `is_sandbox`: the twins below /uat, with the sandbox's rate."""

    gate: MerchantGate
    payments: Payments
    keys: IdempotencyKeys
    amount_unit: AmountUnit
    payment_link: PaymentLink
    is_sandbox: bool = False

    @property
    def path(self) -> str:
        """Where the endpoints are."""
        return f"{_PATH}/uat" if self.is_sandbox else _PATH

    @property
    def tags(self) -> list[str] | None:
        """Under what the sandbox's endpoints are described; the others have tags of their own."""
        return ["sandbox"] if self.is_sandbox else None


def build_handlers(api: MerchantApi) -> list[HTTPRouteHandler]:
    """Build the five payment endpoints."""

    async def start_payin(request: WireRequest) -> Reply:
        return await _initiate(api, request, "payin")

    async def start_payout(request: WireRequest) -> Reply:
        return await _initiate(api, request, "payout")

    @post(
        f"{api.path}/payin/initiate",
        status_code=200,
        operation_class=PayinOperation,
        responses=PAYIN_ANSWERS,
        tags=api.tags or ["payin"],
        summary="Start a collection",
        opt=in_fast_lane(start_payin, observed=True),
    )
    async def initiate_payin(request: HttpRequest) -> Response[PayinAnswer]:
        return litestar_response(await start_payin(await wire_request(request)))

    @post(
        f"{api.path}/payout/initiate",
        status_code=200,
        operation_class=PayoutOperation,
        responses=PAYOUT_ANSWERS,
        tags=api.tags or ["payout"],
        summary="Start a disbursement",
        opt=in_fast_lane(start_payout, observed=True),
    )
    async def initiate_payout(request: HttpRequest) -> Response[PayoutAnswer]:
        return litestar_response(await start_payout(await wire_request(request)))

    return [
        initiate_payin,
        initiate_payout,
        _status_handler(api, "", "Status of a payment, whichever type", None),
        _status_handler(api, "/payin/status", "Status of a payin; asks the provider when still open", "payin"),
        _status_handler(api, "/payout/status", "Status of a payout; asks the provider when still open", "payout"),
    ]


def _status_handler(api: MerchantApi, path: str, summary: str, service: ServiceKind | None) -> HTTPRouteHandler:
    async def state(request: WireRequest) -> Reply:
        return await _state(api, request, service)

    @get(
        f"{api.path}{path}/{{order_id:str}}",
        operation_class=SignedOperation,
        responses=STATUS_ANSWERS,
        tags=api.tags or ["status"],
        summary=summary,
        opt=in_fast_lane(state, observed=True),
    )
    async def status(request: HttpRequest, order_id: FromPath[str]) -> Response[StatusAnswer]:
        del order_id  # in the path, where the fast lane reads it
        return litestar_response(await state(await wire_request(request)))

    return status


async def _state(api: MerchantApi, request: WireRequest, service: ServiceKind | None) -> Reply:
    merchant = await _admit(api, request, service, tps=service is not None)
    found = await _found(api, merchant, request.parameters["order_id"], None if service is None else _kind(service))
    fresh = found if service is None else await api.payments.refresh(found)
    return Reply(200, msgspec.json.encode(status_answer(fresh, api.amount_unit)))


async def _initiate(api: MerchantApi, request: WireRequest, service: ServiceKind) -> Reply:
    merchant = await _admit(api, request, service, tps=True)
    read = payin_request if service == "payin" else payout_request
    order = read(request.body, api.amount_unit)
    key = request.headers.get("idempotency-key")
    if key is None:
        transaction = await api.payments.initiate(merchant, order)
        return Reply(200, msgspec.json.encode(_started(api, transaction)))
    owner = f"{merchant.id} uat" if api.is_sandbox else merchant.id
    claim = await api.keys.claim(owner, key.strip(), service.encode() + b"\n" + request.body)
    kept = claim if isinstance(claim, KeptAnswer) else await _carry_out(api, merchant, order, claim)
    return Reply(kept.status, kept.body)


async def _carry_out(api: MerchantApi, merchant: Merchant, order: PaymentRequest, claim: Claim) -> KeptAnswer:
    """Do what the key was claimed for and keep the answer.

    A key is given back only when it is certain that nothing was begun; otherwise it is held until somebody may take it
    over, who then finds what was made.
    """
    try:
        transaction = await _begun_before(api, merchant, order, claim) or await api.payments.initiate(merchant, order)
        kept = KeptAnswer(200, msgspec.json.encode(_started(api, transaction)))
    except BatchLost:
        raise
    except AppError as error:
        if isinstance(error, PaymentError):
            _tell(error)
        if _may_come_again(error):
            if await api.payments.find(merchant.id, order.order_id) is None:
                await api.keys.release(claim)
                raise
            if not isinstance(error, PaymentError):
                raise
        kept = KeptAnswer(error.http_status, msgspec.json.encode(error.body(), enc_hook=str))
    await api.keys.keep(claim, kept)
    return kept


def _may_come_again(error: AppError) -> bool:
    """Whether the merchant was told that the same request may do better later."""
    if isinstance(error, PaymentError):
        return error.entry.retryable
    return isinstance(error, ServiceUnavailable | TooManyRequests)


async def _begun_before(
    api: MerchantApi, merchant: Merchant, order: PaymentRequest, claim: Claim
) -> Transaction | None:
    """Return the payment that the first request made, when its process died before it could answer."""
    return await api.payments.find(merchant.id, order.order_id, order.kind) if claim.taken_over else None


async def _admit(api: MerchantApi, request: WireRequest, service: ServiceKind | None, *, tps: bool) -> Merchant:
    signed = SignedRequest(
        method=request.method,
        path_and_query=request.path_and_query,
        headers=request.headers,
        body=request.body,
        peer_address=request.peer_address,
    )
    return await api.gate.admit(signed, service, tps=tps, sandbox=api.is_sandbox)


async def _found(api: MerchantApi, merchant: Merchant, order_id: str, kind: Kind | None) -> Transaction:
    # What cannot be an order id, such as one with a NUL, is not asked for: PostgreSQL has no text for it.
    transaction = await api.payments.find(merchant.id, order_id, kind) if order_id.isprintable() else None
    if transaction is None:
        raise NotFound("You have no such order", details={"orderId": order_id[:64]})
    return transaction


def _started(api: MerchantApi, transaction: Transaction) -> PayinAnswer | PayoutAnswer:
    if transaction.kind is Kind.PAYIN:
        return payin_answer(transaction, api.amount_unit, api.payment_link)
    return payout_answer(transaction)


def _kind(service: ServiceKind) -> Kind:
    return Kind.PAYIN if service == "payin" else Kind.PAYOUT


def _tell(error: PaymentError) -> None:
    _log.info("payment.workflow.refused", code=error.pay_code.value, reason=error.internal)
