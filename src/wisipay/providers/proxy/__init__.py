"""One request of an operator to a provider, from our address: read, checked, audited, sent once."""

from wisipay.providers.proxy.forwarding import ProviderProxy, ProxyAnswer, ProxyPolicy
from wisipay.providers.proxy.hosts import known_hosts
from wisipay.providers.proxy.reading import ProxyRefused, ProxyRequest, read_request

__all__ = [
    "ProviderProxy",
    "ProxyAnswer",
    "ProxyPolicy",
    "ProxyRefused",
    "ProxyRequest",
    "known_hosts",
    "read_request",
]
