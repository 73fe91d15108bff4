"""Which network addresses we may connect to on somebody else's word (callback URLs, provider addresses).

Decides "public". The check sits where the socket is made, so the address checked is the address connected to, whether
it came from DNS or stood in the URL, and whatever DNS says a moment later. Must never be replaced by a check of the
URL's text: `2130706433`, `127.1` and a rebinding name all pass those.
"""

import ipaddress
import socket
from typing import Final

from aiohttp import AddrInfoType, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

ADDRESSES_MAX: Final = 16
"""Addresses of one name that are looked at; more is not a service, it is an attack on our time."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(OSError):  # noqa: N818 - says what happened, as the plain words do
    """The address is private, loopback, link-local, multicast or otherwise not a public one."""


def is_public(text: str) -> bool:
    """Tell whether an IP address is reachable on the public internet; addresses that embed IPv4 count as that one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return _is_public(address)


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        embedded = _embedded(address)
        if embedded is not None:
            return _is_public(embedded)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


class PublicOnlyResolver(AbstractResolver):
    """Resolves names, and refuses a name of which a single address is not public."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Raises AddressRefused, or OSError where the name is unknown."""
        results = await self._resolver.resolve(host, port, family)
        if not all(is_public(result["host"]) for result in results):
            raise AddressRefused("the name leads to an address that is not public")
        return results[:ADDRESSES_MAX]

    async def close(self) -> None:
        """Release nothing: the threads belong to the event loop."""
        await self._resolver.close()


def public_only_socket(address_info: AddrInfoType) -> socket.socket:
    """Make the socket for a connection, or raise AddressRefused; this is the check that nothing gets around."""
    family, kind, protocol, _, address = address_info
    if not is_public(str(address[0])):
        raise AddressRefused("the address is not public")
    return socket.socket(family, kind, protocol)
