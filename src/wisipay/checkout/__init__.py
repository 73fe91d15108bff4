"""The hosted checkout page: where a person pays a collection whose provider gives only a UPI link.

The public face of the slice; `http` is mounted by entrypoints. It reads payments and changes none.
"""

from wisipay.checkout.links import CheckoutLinks, payment_link
from wisipay.checkout.view import Payable, State, payable_of

__all__ = ["CheckoutLinks", "Payable", "State", "payable_of", "payment_link"]
