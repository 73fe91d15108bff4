"""What Cashfree can be asked beside payments: accounts and VPAs, and in its older API the balance for payouts.

Written from their documentation. A token of the older API is of the account that asked for it, and is not forgotten.
"""

from collections.abc import Callable

import msgspec

from wisipay_simulator.amounts import rupees_text
from wisipay_simulator.bank import balance_paise, holder_of
from wisipay_simulator.front import Front
from wisipay_simulator.server.http import Answer, Request, Router, json_answer
from wisipay_simulator.simulation import Simulation

Authenticate = Callable[[Request], str | Answer]
Refuse = Callable[[int, str], Answer]

_TOKEN = "token-of-"  # noqa: S105 - what a stand-in's tokens begin with


class _Account(msgspec.Struct, gc=False):
    bank_account: str
    ifsc: str
    name: str = ""


class _Vpa(msgspec.Struct, gc=False):
    verification_id: str
    vpa: str
    name: str = ""


_account_decoder = msgspec.json.Decoder(_Account)
_vpa_decoder = msgspec.json.Decoder(_Vpa)


class CashfreeInquiries:
    """The routes of questions. `authenticate` returns the account, or the answer for whoever has none."""

    def __init__(self, simulation: Simulation, front: Front, authenticate: Authenticate, refuse: Refuse) -> None:
        self._simulation = simulation
        self._front = front
        self._authenticate = authenticate
        self._refuse = refuse

    def add_routes(self, router: Router) -> None:
        """Add the provider's API of questions."""
        router.add("POST", "/cashfree/verification/bank-account/sync", self.verify_account)
        router.add("POST", "/cashfree/verification/upi", self.verify_vpa)
        router.add("POST", "/cashfree/payout/v1/authorize", self.authorize)
        router.add("GET", "/cashfree/payout/v1/getBalance", self.balance)

    def verify_account(self, request: Request) -> Answer:
        """Tell whether an account is there and whose it is."""
        account = self._authenticate(request)
        if isinstance(account, Answer):
            return account
        try:
            asked = _account_decoder.decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._refuse(400, "request_invalid")
        holder = holder_of(asked.bank_account, asked.name)
        told = {
            "reference_id": 1,
            "name_at_bank": holder.name or None,
            "name_match_score": f"{holder.score}.00" if holder.exists else None,
            "account_status": "VALID" if holder.exists else "INVALID",
            "account_status_code": "ACCOUNT_IS_VALID" if holder.exists else "INVALID_BANK_ACCOUNT_NUMBER",
        }
        return self._front.inquiry(account, json_answer(told))

    def verify_vpa(self, request: Request) -> Answer:
        """Tell whether a VPA is there and whose it is."""
        account = self._authenticate(request)
        if isinstance(account, Answer):
            return account
        try:
            asked = _vpa_decoder.decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._refuse(400, "request_invalid")
        holder = holder_of(asked.vpa, asked.name)
        told = {
            "reference_id": 1,
            "verification_id": asked.verification_id,
            "vpa": asked.vpa,
            "status": "VALID" if holder.exists else "INVALID",
            "name_at_bank": holder.name or None,
            "name_match_score": f"{holder.score}.00" if holder.exists else None,
        }
        return self._front.inquiry(account, json_answer(told))

    def authorize(self, request: Request) -> Answer:
        """Give a token for the older API."""
        account = self._authenticate(request)
        if isinstance(account, Answer):
            return _older("ERROR", "401", "Invalid clientId and clientSecret combination")
        return self._front.inquiry(account, _older("SUCCESS", "200", "Token generated", token=f"{_TOKEN}{account}"))

    def balance(self, request: Request) -> Answer:
        """Tell what is left for payouts to whoever has a token."""
        account = request.header("authorization").partition(f"Bearer {_TOKEN}")[2]
        if not account:
            return _older("ERROR", "403", "Token is not valid")
        float_paise = self._simulation.registry.account(account).float_paise
        left = balance_paise(float_paise, self._simulation.book.payments.values(), account)
        told = rupees_text(left) if left >= 0 else f"-{rupees_text(-left)}"
        answer = _older("SUCCESS", "200", "Ledger balance for the account", balance=told, availableBalance=told)
        return self._front.inquiry(account, answer)


def _older(status: str, code: str, message: str, **data: str) -> Answer:
    return json_answer({"status": status, "subCode": code, "message": message, "data": data})
