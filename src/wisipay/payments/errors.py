"""The payment workflow's errors: every PAY code, its HTTP status, and whether the merchant may see it.

The table is the contract of spec/merchant-api.md; docs and OpenAPI are generated from it. A masked code goes to logs
and panel only: the merchant is told PAY_1901 under the masked code's own HTTP status.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wisipay.core.errors import AppError


class PayCode(StrEnum):
    """The codes of the payment workflow."""

    INVALID_AMOUNT = "PAY_1001"
    INVALID_CUSTOMER = "PAY_1002"
    INVALID_PAYMENT_MODE = "PAY_1003"
    INVALID_BENEFICIARY = "PAY_1004"
    DUPLICATE_ORDER = "PAY_1005"
    INVALID_ORDER_ID = "PAY_1006"
    SERVICE_DISABLED = "PAY_1101"
    ROUTING_MISSING = "PAY_1102"
    CHANNEL_NOT_FOUND = "PAY_1103"
    CHANNEL_INACTIVE = "PAY_1104"
    FEE_CONFIG_MISSING = "PAY_1105"
    PROVIDER_CONFIG_MISSING = "PAY_1106"
    BELOW_MINIMUM = "PAY_1201"
    ABOVE_MAXIMUM = "PAY_1202"
    DAILY_LIMIT = "PAY_1203"
    MONTHLY_LIMIT = "PAY_1204"
    INSUFFICIENT_BALANCE = "PAY_1205"
    PROVIDER_UNAVAILABLE = "PAY_1301"
    PROVIDER_TIMEOUT = "PAY_1302"
    PROVIDER_REJECTED = "PAY_1303"
    PROVIDER_INVALID_RESPONSE = "PAY_1304"
    PROVIDER_MAINTENANCE = "PAY_1305"
    LEDGER_HOLD_FAILED = "PAY_1401"
    LEDGER_COMMIT_FAILED = "PAY_1402"
    LEDGER_ROLLBACK_FAILED = "PAY_1403"
    LEDGER_UNAVAILABLE = "PAY_1404"
    DATABASE_WRITE_FAILED = "PAY_1501"
    DATABASE_READ_FAILED = "PAY_1502"
    DUPLICATE_TRANSACTION = "PAY_1503"
    DATABASE_CONNECTION_FAILED = "PAY_1504"
    WORKFLOW_VALIDATION = "PAY_1601"
    WORKFLOW_EXECUTION = "PAY_1602"
    INVALID_STATE = "PAY_1603"
    INTERNAL_ERROR = "PAY_1901"
    UNKNOWN_ERROR = "PAY_1999"


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """One row of the table; `remedy` is what the merchant's developer can do about it."""

    meaning: str
    http_status: int
    remedy: str
    retryable: bool = False
    masked: bool = False


_OURS = "Nothing to change on your side: our operators are alerted. Ask support with the request id."
_LATER = "Try again later with a new order id, or ask for the status of this one first."

TABLE: dict[PayCode, CodeEntry] = {
    PayCode.INVALID_AMOUNT: CodeEntry("Invalid amount", 400, "Send a whole number of at least 1."),
    PayCode.INVALID_CUSTOMER: CodeEntry(
        "Invalid customer", 400, "Send a name of at least 3 characters, an e-mail and a 10-digit Indian mobile."
    ),
    PayCode.INVALID_PAYMENT_MODE: CodeEntry(
        "Invalid payment mode", 400, "Payin takes UPI, QR, INTENT; payout takes UPI, IMPS, NEFT, RTGS."
    ),
    PayCode.INVALID_BENEFICIARY: CodeEntry(
        "Invalid beneficiary", 400, "Send account number, IFSC, name and bank, or for UPI a VPA."
    ),
    PayCode.DUPLICATE_ORDER: CodeEntry(
        "Duplicate order id", 409, "Use a new order id, or ask for the status of this one."
    ),
    PayCode.INVALID_ORDER_ID: CodeEntry(
        "Invalid order id format", 400, "Send 5 to 25 printable characters without spaces."
    ),
    PayCode.SERVICE_DISABLED: CodeEntry("Service disabled", 403, "Ask support to switch the service on."),
    PayCode.ROUTING_MISSING: CodeEntry("Routing not configured", 500, _OURS, masked=True),
    PayCode.CHANNEL_NOT_FOUND: CodeEntry("Channel not found", 500, _OURS, masked=True),
    PayCode.CHANNEL_INACTIVE: CodeEntry("Channel inactive", 503, _LATER, retryable=True),
    PayCode.FEE_CONFIG_MISSING: CodeEntry("Fee configuration missing", 500, _OURS, masked=True),
    PayCode.PROVIDER_CONFIG_MISSING: CodeEntry("Provider configuration missing", 500, _OURS, masked=True),
    PayCode.BELOW_MINIMUM: CodeEntry("Amount below minimum", 400, "Send a larger amount."),
    PayCode.ABOVE_MAXIMUM: CodeEntry("Amount above maximum", 400, "Send a smaller amount."),
    PayCode.DAILY_LIMIT: CodeEntry(
        "Daily limit exceeded", 429, "Wait for the next IST day, or ask support for a higher limit."
    ),
    PayCode.MONTHLY_LIMIT: CodeEntry(
        "Monthly limit exceeded", 429, "Wait for the next IST month, or ask support for a higher limit."
    ),
    PayCode.INSUFFICIENT_BALANCE: CodeEntry(
        "Insufficient balance", 402, "Add funds to the payout balance, then send a new order id."
    ),
    PayCode.PROVIDER_UNAVAILABLE: CodeEntry("Provider unavailable", 503, _LATER, retryable=True),
    PayCode.PROVIDER_TIMEOUT: CodeEntry(
        "Provider timeout", 504, "Ask for the status before you try again.", retryable=True
    ),
    PayCode.PROVIDER_REJECTED: CodeEntry(
        "Provider rejected the payment", 400, "Read the description, correct the request, use a new order id."
    ),
    PayCode.PROVIDER_INVALID_RESPONSE: CodeEntry(
        "Provider gave an invalid response", 502, _LATER, retryable=True, masked=True
    ),
    PayCode.PROVIDER_MAINTENANCE: CodeEntry("Provider under maintenance", 503, _LATER, retryable=True),
    PayCode.LEDGER_HOLD_FAILED: CodeEntry("Ledger hold failed", 500, _OURS, masked=True),
    PayCode.LEDGER_COMMIT_FAILED: CodeEntry("Ledger commit failed", 500, _OURS, retryable=True, masked=True),
    PayCode.LEDGER_ROLLBACK_FAILED: CodeEntry("Ledger rollback failed", 500, _OURS, masked=True),
    PayCode.LEDGER_UNAVAILABLE: CodeEntry("Ledger unavailable", 503, _LATER, retryable=True, masked=True),
    PayCode.DATABASE_WRITE_FAILED: CodeEntry("Database write failed", 500, _LATER, retryable=True, masked=True),
    PayCode.DATABASE_READ_FAILED: CodeEntry("Database read failed", 500, _LATER, retryable=True, masked=True),
    PayCode.DUPLICATE_TRANSACTION: CodeEntry(
        "Duplicate transaction", 409, "Ask for the status of the order before you try again."
    ),
    PayCode.DATABASE_CONNECTION_FAILED: CodeEntry(
        "Database connection failed", 503, _LATER, retryable=True, masked=True
    ),
    PayCode.WORKFLOW_VALIDATION: CodeEntry("Workflow validation failed", 400, _OURS, masked=True),
    PayCode.WORKFLOW_EXECUTION: CodeEntry("Workflow execution failed", 500, _LATER, retryable=True, masked=True),
    PayCode.INVALID_STATE: CodeEntry("Invalid state", 409, _OURS, masked=True),
    PayCode.INTERNAL_ERROR: CodeEntry("Unable to process payment", 500, _LATER, retryable=True),
    PayCode.UNKNOWN_ERROR: CodeEntry("Unknown error", 500, _OURS),
}


class PaymentError(AppError):
    """A payment that was refused or failed, by code.

    `description` tells the merchant more, unless the code is masked; `internal` is for the log only.
    """

    def __init__(self, pay_code: PayCode, description: str = "", *, internal: str = "") -> None:
        entry = TABLE[pay_code]
        super().__init__(entry.meaning, code=pay_code.value)
        self.pay_code = pay_code
        self.entry = entry
        self.description = description or entry.remedy
        self.internal = internal
        self.http_status = entry.http_status

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the payment workflow's errors, a masked code hidden behind PAY_1901."""
        shown = TABLE[PayCode.INTERNAL_ERROR] if self.entry.masked else self.entry
        code = PayCode.INTERNAL_ERROR if self.entry.masked else self.pay_code
        error = {
            "code": code.value,
            "message": shown.meaning,
            "description": shown.remedy if self.entry.masked else self.description,
            "retryable": self.entry.retryable,
        }
        return {"success": False, "error": error}
