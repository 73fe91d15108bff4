"""The log of what merchants asked of the API and were answered, for their own developers; without secrets, for a month.

The public face of the slice; `jobs` is mounted by entrypoints. A log, not money: it may lose entries, and it must never
make a request wait or fail.
"""

from wisipay.apilog.entry import ApiRequest
from wisipay.apilog.recorder import ApiLog
from wisipay.apilog.store import PAGE_MAX, Page, RequestFilter, find, last

__all__ = ["PAGE_MAX", "ApiLog", "ApiRequest", "Page", "RequestFilter", "find", "last"]
