"""Payments: collect (payin) and disburse (payout) through providers, on a pure machine driven in batches."""

from wisipay.payments.model import Kind, Status, WordResult

__all__ = ["Kind", "Status", "WordResult"]
