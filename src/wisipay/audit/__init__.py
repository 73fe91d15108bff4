"""The audit log: who did what to what, with the state before and after.

The public face of the slice. A record is written in the same transaction as the change it tells of.
"""

from wisipay.audit.record import record, states

__all__ = ["record", "states"]
