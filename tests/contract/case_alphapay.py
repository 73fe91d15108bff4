"""AlphaPay's wire format: that of EaseMyNeeds, with payouts of whole rupees only."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from support.case_white_label import WhiteLabelCase
from wisipay.core.money import Paise


class Case(WhiteLabelCase):
    name = "alphapay"
    amount = Paise(10_000)

    def amounts(self) -> Mapping[str, msgspec.Raw]:
        forms = {"text": b'"100.00"', "short text": b'"100"', "number": b"100", "float": b"100.0"}
        return {form: msgspec.Raw(text) for form, text in forms.items()}
