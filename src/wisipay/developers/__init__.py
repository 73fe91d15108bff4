"""The developer's API of a merchant: what was asked and answered, what was called back, and sending it again.

Beyond the contract; what the SDK's command line is made of. The public face of the slice; `http` is mounted by
entrypoints.
"""

from wisipay.developers.events import Events

__all__ = ["Events"]
