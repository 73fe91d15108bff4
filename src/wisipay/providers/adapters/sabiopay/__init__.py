"""SabioPay, one brand of the Omniware family (TraknPay, Basispay, InnoPay): signed forms out, JSON back.

`hashing` has the family's two hashes, `reading` what its answers and webhooks mean, `adapter` what is sent.
"""

from typing import Final

from wisipay.providers.adapters.sabiopay.adapter import SabioPayAdapter, SabioPayCredentials
from wisipay.providers.registration import Registration

REGISTRATIONS: Final = (Registration("sabiopay", SabioPayCredentials, SabioPayAdapter),)
