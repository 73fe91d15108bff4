"""Cashfree: payment links for payins, Payouts V2 for payouts; JSON, rupees as numbers, keys in headers.

`adapter` has what is sent, `reading` what its answers and webhooks mean.
"""

from typing import Final

from wisipay.providers.adapters.cashfree.adapter import CashfreeAdapter, CashfreeCredentials
from wisipay.providers.registration import Registration

REGISTRATIONS: Final = (Registration("cashfree", CashfreeCredentials, CashfreeAdapter),)
