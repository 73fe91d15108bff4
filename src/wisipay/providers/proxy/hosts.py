"""Which hosts the proxy may speak to: those of our adapters, and those that an operator listed.

Decides by host and port, never by the text of an address: a user part, a backslash or a dot at the end changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from wisipay.core.http_target import read_target
from wisipay.providers.proxy.reading import ProxyRefused
from wisipay.providers.registry import adapter_names, credentials_schema

_HTTPS: Final = 443


def known_hosts() -> frozenset[str]:
    """Return the hosts of all adapters' own addresses: `api.razorpay.com`, with a port where it is not 443."""
    addresses = (
        field.default
        for name in adapter_names()
        for field in msgspec.structs.fields(credentials_schema(name))
        if isinstance(field.default, str) and field.default.startswith("https://")
    )
    return frozenset(_name(*_place(address)) for address in addresses)


def check_place(url: str, allowed: Iterable[str], *, https_only: bool) -> str:
    """Return the host (and port, where it is not 443) that an address leads to. Raises ProxyRefused."""
    try:
        target = read_target(url)
    except ValueError as error:
        raise ProxyRefused(str(error)) from None
    if https_only and not target.is_tls:
        raise ProxyRefused("the address is not https")
    if target.authorization is not None:
        raise ProxyRefused("a name and password stand in a header, not in the address")
    place = _name(target.host.lower().rstrip("."), target.port)
    if place not in {each.lower() for each in allowed}:
        raise ProxyRefused(f"{place} is not a provider's host; PROVIDER_PROXY_HOSTS lists further ones")
    return place


def _place(url: str) -> tuple[str, int]:
    target = read_target(url)
    return target.host.lower(), target.port


def _name(host: str, port: int) -> str:
    return host if port == _HTTPS else f"{host}:{port}"
