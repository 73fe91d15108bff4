"""The bodies of the merchant API, as OpenAPI shows them and as answers are written. Shapes only.

Source: spec/merchant-api.md. Field names are the wire's own.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from wisipay.payments.model import Status

_UNIT = "whole rupees (paise, and a hundred times as much, where AMOUNT_UNIT=PAISE)"
# What `validation` refuses anywhere in a text, and letters that must stand at a text's ends, which are trimmed.
_UNSEEN = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
_SEEN = rf"^[^\s{_UNSEEN}]([^{_UNSEEN}]*[^\s{_UNSEEN}])?$"

Amount = Annotated[int, Meta(ge=1, description=_UNIT, examples=[500])]
AskedAmount = Annotated[int, Meta(ge=1, le=100_000_000_000, description=_UNIT, examples=[500])]
OrderId = Annotated[
    str,
    Meta(
        min_length=5,
        max_length=25,
        pattern=r"^[!-~]+$",
        description="yours, unique per merchant: 5 to 25 printable characters without spaces",
        examples=["ORDER-10001"],
    ),
]
Name = Annotated[str, Meta(min_length=3, max_length=100, pattern=_SEEN, examples=["Asha Rao"])]
Phone = Annotated[str, Meta(pattern=r"^[6-9][0-9]{9}$", description="10-digit Indian mobile", examples=["9876543210"])]
TransactionId = Annotated[str, Meta(description="ours, at most 34 characters", examples=["WSP01KAN7M3Q0ZV5T9Y2C4D6F"])]


class PayinBody(msgspec.Struct, rename="camel"):
    """A collection to start."""

    amount: AskedAmount
    order_id: OrderId
    payment_mode: Annotated[Literal["UPI", "QR", "INTENT"], Meta(examples=["UPI"])]
    customer_name: Name
    customer_email: Annotated[
        str,
        Meta(
            max_length=254,
            pattern=rf"^[^@\s{_UNSEEN}]{{1,64}}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
            description="an e-mail address",
            examples=["asha@example.com"],
        ),
    ]
    customer_phone: Phone
    remarks: Annotated[str, Meta(max_length=200, pattern=_SEEN, examples=["invoice 42"])] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    redirect_url: (
        Annotated[
            str,
            Meta(
                max_length=2048,
                pattern=r"^https?://[!\"$-.0->@-~]+[!-~]*$",
                description="http or https: where your customer goes back to",
                examples=["https://shop.example.com/thanks"],
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    currency: Literal["INR"] = "INR"


class PayoutBody(msgspec.Struct, rename="camel"):
    """A disbursement to start; for UPI, `beneficiaryVpa` may stand in for account and IFSC."""

    amount: AskedAmount
    order_id: OrderId
    payment_mode: Annotated[Literal["UPI", "IMPS", "NEFT", "RTGS"], Meta(examples=["IMPS"])]
    beneficiary_name: Name
    beneficiary_account_number: (
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{6,34}$", examples=["000123456789"])] | msgspec.UnsetType
    ) = msgspec.UNSET
    beneficiary_ifsc: (
        Annotated[str, Meta(pattern=r"^[A-Za-z]{4}0[A-Za-z0-9]{6}$", examples=["HDFC0000001"])] | msgspec.UnsetType
    ) = msgspec.UNSET
    beneficiary_bank_name: (
        Annotated[str, Meta(min_length=3, max_length=100, pattern=_SEEN, examples=["HDFC Bank"])] | msgspec.UnsetType
    ) = msgspec.UNSET
    beneficiary_vpa: (
        Annotated[
            str,
            Meta(
                max_length=255,
                pattern=r"^[A-Za-z0-9._-]{2,}@[A-Za-z][A-Za-z0-9]+$",
                description="for UPI only, in place of account number, IFSC and bank name",
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    beneficiary_phone: Phone | msgspec.UnsetType = msgspec.UNSET
    remarks: Annotated[str, Meta(max_length=100, pattern=_SEEN, examples=["salary"])] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    currency: Literal["INR"] = "INR"


class PayinData(msgspec.Struct, rename="camel", omit_defaults=True):
    """A payin as it stands once its provider has answered."""

    order_id: OrderId
    transaction_id: TransactionId
    amount: Amount
    status: Status
    payment_url: (
        Annotated[str, Meta(description="where your customer pays", examples=["https://pay.example.com/pay/x"])] | None
    ) = None
    upi_link: (
        Annotated[
            str,
            Meta(
                description="the same payment as a UPI link, where there is one: for an app, or a QR code of your own",
                examples=["upi://pay?pa=shop@bank&am=500.00&cu=INR&tr=WP01KAN7M3Q0ZV5T9Y2C4D6F"],
            ),
        ]
        | None
    ) = None


class PayoutData(msgspec.Struct, rename="camel"):
    """A payout as it stands once its provider has answered."""

    transaction_id: TransactionId
    order_id: OrderId
    status: Status
    utr: Annotated[str | None, Meta(description="the bank's reference, once there is one")]


class StatusData(msgspec.Struct, rename="camel", omit_defaults=True):
    """A payment's state. Times are ISO 8601 in UTC."""

    order_id: OrderId
    transaction_id: TransactionId
    type: Literal["PAYIN", "PAYOUT"]
    status: Status
    amount: Amount
    created_at: str
    updated_at: str
    utr: str | None = None


class PayinAnswer(msgspec.Struct, kw_only=True):
    """The payin was started."""

    success: Literal[True] = True
    data: PayinData


class PayoutAnswer(msgspec.Struct, kw_only=True):
    """The payout was started."""

    success: Literal[True] = True
    data: PayoutData


class StatusAnswer(msgspec.Struct, kw_only=True):
    """The payment was found."""

    success: Literal[True] = True
    data: StatusData


class CallbackBody(msgspec.Struct, rename="camel"):
    """What your callback URL is told."""

    order_id: OrderId
    transaction_id: TransactionId
    amount: Annotated[int, Meta(description="in the unit of the API; two decimals for odd paise", examples=[500])]
    currency: Literal["INR"]
    status: Literal["SUCCESS", "FAILED", "EXPIRED", "REVERSED"]
    utr: Annotated[str | None, Meta(description="the bank's reference, once there is one")]
    type: Literal["PAYIN", "PAYOUT"]
    timestamp: Annotated[int, Meta(description="when it happened, Unix time in milliseconds", examples=[1770323351204])]
    hash: Annotated[
        str, Meta(description="old scheme: hex HMAC-SHA256 of `amount|currency|orderId|secret`, keyed with the secret")
    ]


class ErrorBody(msgspec.Struct, kw_only=True):
    """A refusal before the payment workflow: security and validation."""

    success: Literal[False] = False
    error: Annotated[str, Meta(description="what is wrong, for people")]
    code: Annotated[str, Meta(description="what is wrong, for programs", examples=["BAD_REQUEST"])]
    details: Annotated[dict[str, Any], Meta(description="each field at fault, or further facts")]


class PayErrorData(msgspec.Struct):
    """What the payment workflow says of a payment that it refused or that failed."""

    code: Annotated[str, Meta(examples=["PAY_1205"])]
    message: str
    description: str
    retryable: bool


class PayErrorBody(msgspec.Struct, kw_only=True):
    """A refusal or failure of the payment workflow."""

    success: Literal[False] = False
    error: PayErrorData
