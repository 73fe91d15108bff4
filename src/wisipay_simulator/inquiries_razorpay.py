"""What Razorpay can be asked beside payments: VPAs, validations of accounts, balances of RazorpayX.

Written from their documentation. A validation of an account is answered as created, and completed as long after it as
payments take; the newest ten thousand are remembered.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec

from wisipay_simulator.bank import Holder, balance_paise, holder_of
from wisipay_simulator.clock import now_ms
from wisipay_simulator.front import Front
from wisipay_simulator.server.http import Answer, Request, Router, json_answer
from wisipay_simulator.simulation import Simulation

_REMEMBERED_MAX = 10_000

Authenticate = Callable[[Request], str | Answer]
Refuse = Callable[[int, str], Answer]


class _VpaQuestion(msgspec.Struct, gc=False):
    vpa: str


class _BankAccount(msgspec.Struct, gc=False):
    name: str
    ifsc: str
    account_number: str


class _FundAccount(msgspec.Struct, gc=False):
    account_type: str
    bank_account: _BankAccount


class _Validation(msgspec.Struct, gc=False):
    source_account_number: str
    fund_account: _FundAccount
    reference_id: str = ""
    validation_type: str = ""


class _Kept(msgspec.Struct, gc=False):
    account: str
    reference: str
    holder: Holder
    done_ms: int


_VALIDATION_TYPES = frozenset({"", "optimized", "pennydrop"})
_vpa_decoder = msgspec.json.Decoder(_VpaQuestion)
_validation_decoder = msgspec.json.Decoder(_Validation)


class RazorpayInquiries:
    """The routes of questions. `authenticate` returns the account, or the answer for whoever has none."""

    def __init__(self, simulation: Simulation, front: Front, authenticate: Authenticate, refuse: Refuse) -> None:
        self._simulation = simulation
        self._front = front
        self._authenticate = authenticate
        self._refuse = refuse
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._number = 0

    def add_routes(self, router: Router) -> None:
        """Add the provider's API of questions."""
        router.add("POST", "/razorpay/v1/payments/validate/vpa", self.validate_vpa)
        router.add("POST", "/razorpay/v1/fund_accounts/validations", self.validate_account)
        router.add("GET", "/razorpay/v1/fund_accounts/validations/{}", self.validation)
        router.add("GET", "/razorpay/v1/banking_balances", self.balances)

    def validate_vpa(self, request: Request) -> Answer:
        """Tell whether a VPA is there and whose it is."""
        account = self._authenticate(request)
        if isinstance(account, Answer):
            return account
        try:
            vpa = _vpa_decoder.decode(request.body).vpa
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            return self._refuse(400, str(problem))
        holder = holder_of(vpa, vpa.partition("@")[0].replace(".", " "))
        told: dict[str, Any] = {"vpa": vpa, "success": holder.exists}
        if holder.exists:
            told["customer_name"] = holder.name
        return self._front.inquiry(account, json_answer(told))

    def validate_account(self, request: Request) -> Answer:
        """Begin to validate an account."""
        account = self._authenticate(request)
        if isinstance(account, Answer):
            return account
        try:
            asked = _validation_decoder.decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            return self._refuse(400, str(problem))
        if not asked.source_account_number or asked.validation_type not in _VALIDATION_TYPES:
            return self._refuse(400, "source_account_number or validation_type is not valid")
        self._number += 1
        name, bank_account = f"fav_{self._number:014}", asked.fund_account.bank_account
        holder = holder_of(bank_account.account_number, bank_account.name)
        done_ms = now_ms() + self._simulation.completes_after_ms(account)
        self._kept[name] = _Kept(account, asked.reference_id, holder, done_ms)
        if len(self._kept) > _REMEMBERED_MAX:
            self._kept.popitem(last=False)
        return self._front.inquiry(account, json_answer(_told(name, self._kept[name], "created")))

    def validation(self, request: Request) -> Answer:
        """Tell how a validation stands."""
        account = self._authenticate(request)
        if isinstance(account, Answer):
            return account
        name = request.arguments[0]
        kept = self._kept.get(name)
        if kept is None or kept.account != account:
            return self._refuse(400, "The id provided does not exist")
        early = json_answer(_told(name, kept, "created"))
        word = "created" if now_ms() < kept.done_ms else "completed"
        return self._front.inquiry(account, json_answer(_told(name, kept, word)), stale=early)

    def balances(self, request: Request) -> Answer:
        """Tell the balance of the one account, whose number is the key's own or the one that all share."""
        account = self._authenticate(request)
        if isinstance(account, Answer):
            return account
        registered = self._simulation.registry.account(account)
        left = balance_paise(registered.float_paise, self._simulation.book.payments.values(), account)
        item = {
            "entity": "banking_balance",
            "currency": "INR",
            "account_number": registered.float_account,
            "account_type": "razorpayx_lite",
            "amount": left,
            "available_amount": left,
            "refreshed_at": now_ms() // 1000,
        }
        return self._front.inquiry(account, json_answer({"entity": "collection", "count": 1, "items": [item]}))


def _told(name: str, kept: _Kept, word: str) -> dict[str, Any]:
    done, holder = word == "completed", kept.holder
    results = {
        "account_status": ("active" if holder.exists else "invalid") if done else None,
        "registered_name": holder.name or None if done else None,
        "details": None,
        "name_match_score": holder.score if done and holder.exists else None,
    }
    return {
        "id": name,
        "entity": "fund_account.validation",
        "status": word,
        "validation_results": results,
        "status_details": {"description": f"Validation request is {word}", "source": "internal", "reason": word},
        "reference_id": kept.reference,
    }
