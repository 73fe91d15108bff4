"""Razorpay: payment links for payins, RazorpayX payouts with their idempotency key; JSON, whole paise, HTTP Basic.

`adapter` has what is sent, `reading` what its answers and webhooks mean.
"""

from typing import Final

from wisipay.providers.adapters.razorpay.adapter import RazorpayAdapter, RazorpayCredentials
from wisipay.providers.registration import Registration

REGISTRATIONS: Final = (Registration("razorpay", RazorpayCredentials, RazorpayAdapter),)
