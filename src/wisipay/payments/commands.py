"""The commands of the payment machine and what each of them can answer.

A command carries all that deciding needs and the stored rows don't tell: times and answers come in as data.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

import msgspec

from wisipay.core.money import Paise
from wisipay.payments.model import Candidate, Kind, Source, Status, Transaction, WordResult
from wisipay.providers import CreateOutcome, ProviderStatus, StatusOutcome


class Refusal(StrEnum):
    """Why a payment was not opened."""

    DUPLICATE_ORDER = "DUPLICATE_ORDER"
    DAILY_LIMIT = "DAILY_LIMIT"
    MONTHLY_LIMIT = "MONTHLY_LIMIT"
    NO_CHANNEL = "NO_CHANNEL"
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    LEDGER_REFUSED = "LEDGER_REFUSED"


class Open(msgspec.Struct, frozen=True):
    """Store a payment before its provider is called; a payout also reserves its money.

    `candidates` come in routing order; the first one within its limits is taken. Limits are paise, None means none.
    `routing` is why they stand in that order, `beneficiary` what was found of him, for the payment's timeline.
    """

    transaction_id: str
    merchant_id: str
    order_id: str
    kind: Kind
    amount_paise: Paise
    fee_paise: Paise
    tax_paise: Paise
    currency: str
    mode: str
    party: dict[str, Any]
    remarks: str | None
    redirect_url: str | None
    daily_limit_paise: Paise | None
    monthly_limit_paise: Paise | None
    candidates: tuple[Candidate, ...]
    routing: Mapping[str, Any] = msgspec.field(default_factory=dict)
    beneficiary: Mapping[str, Any] = msgspec.field(default_factory=dict)


class CreateAnswered(msgspec.Struct, frozen=True):
    """What came of calling a provider for one attempt; `remaining` are the channels still to try, in order."""

    transaction_id: str
    attempt: int
    provider_id: str
    outcome: CreateOutcome
    poll_immediately: bool = False
    remaining: tuple[Candidate, ...] = ()


class Looked(msgspec.Struct, frozen=True):
    """What came of asking a provider for a status.

    `lease_token` is the poller's lease, None when somebody else asked (a status call, a hint): only the holder of
    the lease moves the schedule on. `not_found_is_definite` is the provider's capability.
    """

    transaction_id: str
    attempt: int
    provider_id: str
    outcome: StatusOutcome
    source: Source
    lease_token: UUID | None = None
    not_found_is_definite: bool = False


class ProviderWord(msgspec.Struct, frozen=True):
    """An authenticated word of a provider about one payment.

    Named by our `transaction_id` and `attempt`, or else by `provider_id` and `provider_reference`. `channel_ids` are
    where the word came from: it is not heard about another channel's payment; None is our own asking.
    """

    transaction_id: str | None
    attempt: int | None
    provider_id: str
    provider_reference: str | None
    source: Source
    status: ProviderStatus
    amount_paise: Paise | None = None
    currency: str | None = None
    utr: str | None = None
    message: str = ""
    kind: Kind | None = None
    channel_ids: frozenset[str] | None = None


class SetStatus(msgspec.Struct, frozen=True):
    """An operator's decision on a payment: SUCCESS or FAILED, by whom and why."""

    transaction_id: str
    status: Literal[Status.SUCCESS, Status.FAILED]
    actor: str
    reason: str
    utr: str | None = None


Command = Open | CreateAnswered | Looked | ProviderWord | SetStatus


class Opened(msgspec.Struct, frozen=True):
    """The payment is stored; call `candidate` next, with the transaction's reference."""

    transaction: Transaction
    candidate: Candidate


class Refused(msgspec.Struct, frozen=True):
    """The payment was not opened; `transaction` is set when a failed one was kept."""

    reason: Refusal
    transaction: Transaction | None = None


class Answered(msgspec.Struct, frozen=True):
    """The answer is stored; `retry_on` is the next channel to call, when there is one."""

    transaction: Transaction
    retry_on: Candidate | None = None


class Heard(msgspec.Struct, frozen=True):
    """What a word changed; `transaction` is None only when no such payment exists."""

    result: WordResult
    transaction: Transaction | None
    before: Status | None = None


Result = Opened | Refused | Answered | Heard
