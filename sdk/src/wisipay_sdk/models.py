"""What goes out and comes in. Amounts are in the unit of the server: whole rupees, or paise where it says so."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

PaymentType = Literal["PAYIN", "PAYOUT"]


class Status(StrEnum):
    """Where a payment stands."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    REVERSED = "REVERSED"

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected; should money come late or go back after all, a callback says so."""
        return self not in {Status.PENDING, Status.PROCESSING}


@dataclass(frozen=True, slots=True, kw_only=True)
class PayinOrder:
    """A collection to start. `order_id` is yours: unique, 5 to 25 printable characters without spaces."""

    amount: int
    order_id: str
    payment_mode: Literal["UPI", "QR", "INTENT"]
    customer_name: str
    customer_email: str
    customer_phone: str
    remarks: str | None = None
    redirect_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOrder:
    """A disbursement to start: to a bank account with its IFSC, or for UPI to a `beneficiary_vpa` alone."""

    amount: int
    order_id: str
    payment_mode: Literal["UPI", "IMPS", "NEFT", "RTGS"]
    beneficiary_name: str
    beneficiary_account_number: str | None = None
    beneficiary_ifsc: str | None = None
    beneficiary_bank_name: str | None = None
    beneficiary_vpa: str | None = None
    beneficiary_phone: str | None = None
    remarks: str | None = None


@dataclass(frozen=True, slots=True)
class Payin:
    """A payin that was started. The customer pays at `payment_url`, where there is one."""

    order_id: str
    transaction_id: str
    amount: int
    status: Status
    payment_url: str | None


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout that was started; `utr` is the bank's reference, once there is one."""

    order_id: str
    transaction_id: str
    status: Status
    utr: str | None


@dataclass(frozen=True, slots=True)
class PaymentState:
    """How a payment stands."""

    order_id: str
    transaction_id: str
    type: PaymentType
    status: Status
    amount: int
    utr: str | None
    created_at: datetime
    updated_at: datetime
