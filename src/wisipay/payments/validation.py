"""From the raw body of an initiate call to a `Request`, or one error that names every field at fault.

Texts are trimmed, IFSC is raised to upper case, unknown fields are passed over (merchants of the previous system send
some). Pure. Source: spec/merchant-api.md "Payin initiate", "Payout initiate".
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, Literal

from wisipay.core.errors import BadRequest
from wisipay.core.money import Paise
from wisipay.payments.bodies import read_object
from wisipay.payments.model import Kind
from wisipay.payments.service import Request

AmountUnit = Literal["RUPEES", "PAISE"]

PAISE_PER_RUPEE: Final = 100
LARGEST_AMOUNT_PAISE: Final = 10**13
PAYIN_MODES: Final = ("UPI", "QR", "INTENT")
PAYOUT_MODES: Final = ("UPI", "IMPS", "NEFT", "RTGS")

_ORDER_ID = re.compile(r"[!-~]{5,25}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)
_PHONE = re.compile(r"[6-9][0-9]{9}", re.ASCII)
_URL = re.compile(r"https?://[^\s/?#]+[^\s]*", re.ASCII)
_ACCOUNT = re.compile(r"[A-Za-z0-9]{6,34}", re.ASCII)
_IFSC = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}", re.ASCII)
_VPA = re.compile(r"[A-Za-z0-9._-]{2,}@[A-Za-z][A-Za-z0-9]+", re.ASCII)
_ANY = re.compile(r".*", re.DOTALL)
# Controls, and what turns the direction of the text around it: people must be able to read what they are shown.
# The joiners of Indian scripts stay.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


class _Fields:
    """Reads fields one by one and remembers what is wrong with them."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self.faults: dict[str, str] = {}

    def text(
        self,
        name: str,
        *,
        wants: str,
        form: re.Pattern[str] = _ANY,
        least: int = 1,
        most: int = 255,
        needed: bool = True,
        upper: bool = False,
    ) -> str:
        """Return a trimmed text, empty when it is missing or wrong (which is then a fault, or allowed)."""
        value = self._body.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if needed:
                self.faults[name] = f"is missing: {wants}"
            return ""
        text = value.strip() if isinstance(value, str) else ""
        text = text.upper() if upper else text
        unseen = _UNSEEN.search(text)
        if unseen is not None:
            self.faults[name] = f"has a control character (character {unseen.start() + 1})"
            return ""
        if not (least <= len(text) <= most and form.fullmatch(text)):
            self.faults[name] = f"must be {wants}"
            return ""
        return text

    def choice(self, name: str, allowed: tuple[str, ...], *, default: str | None = None) -> str:
        """Return one of the allowed words."""
        value = self._body.get(name, default)
        if isinstance(value, str) and value.strip() in allowed:
            return value.strip()
        self.faults[name] = f"must be one of {', '.join(allowed)}"
        return ""

    def amount(self, unit: AmountUnit) -> Paise:
        """Return the amount in paise; it comes as a whole number of at least 1."""
        value = self._body.get("amount")
        factor = PAISE_PER_RUPEE if unit == "RUPEES" else 1
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            in_range = 1 <= value <= LARGEST_AMOUNT_PAISE // factor
            if in_range and value == int(value):
                return Paise(int(value) * factor)
        self.faults["amount"] = f"must be a whole number of {unit.lower()}, at least 1"
        return Paise(0)

    def checked(self) -> None:
        """Raise `BadRequest` when anything was wrong."""
        if self.faults:
            first = next(iter(self.faults.items()))
            raise BadRequest(f"{first[0]} {first[1]}", details=self.faults)


def payin_request(body: bytes, unit: AmountUnit) -> Request:
    """Read the body of a payin initiate call. Raises `BadRequest` naming each field at fault."""
    fields = _Fields(read_object(body))
    party = {
        "name": fields.text("customerName", wants="a name of 3 to 100 characters", least=3, most=100),
        "email": fields.text("customerEmail", wants="an e-mail address", form=_EMAIL, most=254),
        "phone": fields.text("customerPhone", wants="a 10-digit Indian mobile number", form=_PHONE),
    }
    redirect_url = fields.text("redirectUrl", wants="an http or https address", form=_URL, most=2048, needed=False)
    return _request(fields, Kind.PAYIN, unit, PAYIN_MODES, party, remarks_most=200, redirect_url=redirect_url)


def payout_request(body: bytes, unit: AmountUnit) -> Request:
    """Read the body of a payout initiate call. Raises `BadRequest` naming each field at fault."""
    fields = _Fields(read_object(body))
    vpa = fields.text("beneficiaryVpa", wants="a VPA such as name@bank", form=_VPA, needed=False)
    by_account = not vpa
    party = {
        "name": fields.text("beneficiaryName", wants="a name of 3 to 100 characters", least=3, most=100),
        "accountNumber": fields.text(
            "beneficiaryAccountNumber", wants="6 to 34 letters and digits", form=_ACCOUNT, needed=by_account
        ),
        "ifsc": fields.text(
            "beneficiaryIfsc",
            wants="4 letters, 0, 6 letters or digits",
            form=_IFSC,
            needed=by_account,
            upper=True,
        ),
        "bankName": fields.text(
            "beneficiaryBankName", wants="a name of 3 to 100 characters", least=3, most=100, needed=by_account
        ),
        "vpa": vpa,
        "phone": fields.text("beneficiaryPhone", wants="a 10-digit Indian mobile number", form=_PHONE, needed=False),
    }
    request = _request(fields, Kind.PAYOUT, unit, PAYOUT_MODES, party, remarks_most=100)
    if vpa and request.mode != "UPI":
        raise BadRequest("beneficiaryVpa is for UPI only", details={"beneficiaryVpa": "is for paymentMode UPI only"})
    return request


def _request(
    fields: _Fields,
    kind: Kind,
    unit: AmountUnit,
    modes: tuple[str, ...],
    party: dict[str, str],
    *,
    remarks_most: int,
    redirect_url: str = "",
) -> Request:
    request = Request(
        kind=kind,
        order_id=fields.text(
            "orderId", wants="5 to 25 printable characters without spaces", form=_ORDER_ID, least=5, most=25
        ),
        amount_paise=fields.amount(unit),
        mode=fields.choice("paymentMode", modes),
        party={name: value for name, value in party.items() if value},
        currency=fields.choice("currency", ("INR",), default="INR"),
        remarks=fields.text("remarks", wants=f"at most {remarks_most} characters", most=remarks_most, needed=False)
        or None,
        redirect_url=redirect_url or None,
    )
    fields.checked()
    return request
