"""Whose address a request comes from, and whether a list lets it in.

Decides how addresses and ranges are read (IPv4, IPv6, CIDR; an IPv4 address in IPv6 clothes is the IPv4 address) and
when `x-forwarded-for` is believed: only as far as configured proxies vouch for it, hop by hop from the nearest.
Must never let an address in that it cannot read, nor take a client's own word for where it is.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

ENTRIES_MAX = 50
_HOPS_MAX = 32
_TEXT_MAX = 64
_MAPPED_PREFIX_BITS = 96


@lru_cache(maxsize=4096)
def read_address(text: str) -> Address | None:
    """Read an address as peers and proxies write it, a port or a zone left off; None when it is none."""
    value = text.strip()
    if len(value) > _TEXT_MAX:
        return None
    try:
        address = ip_address(_without_port(value).partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _without_port(value: str) -> str:
    if value.startswith("["):
        return value[1:].partition("]")[0]
    if value.count(":") == 1:
        return value.partition(":")[0]
    return value


def parse_entry(text: str) -> Network:
    """Read one allowlist entry, an address or a CIDR range; raises ValueError naming the entry."""
    value = text.strip()
    if len(value) > _TEXT_MAX:
        raise ValueError(f"{value[:_TEXT_MAX]!r}… is longer than any address")
    try:
        network = ip_network(value, strict=False)
    except ValueError as error:
        raise ValueError(f"{value!r} is neither an IPv4 or IPv6 address nor a CIDR range") from error
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is not None and network.prefixlen >= _MAPPED_PREFIX_BITS:
        return IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX_BITS))
    return network


def normalise_entries(texts: Iterable[str]) -> tuple[str, ...]:
    """Bring entries into their canonical text, each once, in the order given; raises ValueError."""
    entries = tuple(dict.fromkeys(_entry_text(parse_entry(text)) for text in texts))
    if len(entries) > ENTRIES_MAX:
        raise ValueError(f"an allowlist has at most {ENTRIES_MAX} entries, this one has {len(entries)}")
    return entries


def _entry_text(network: Network) -> str:
    return str(network.network_address) if network.num_addresses == 1 else str(network)


@lru_cache(maxsize=4096)
def _networks(entries: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(parse_entry(entry) for entry in entries)


def contains(entries: tuple[str, ...], address: Address | None) -> bool:
    """Whether one of the entries covers the address; an unreadable address (None) is in no list."""
    return address is not None and any(address in network for network in _networks(entries))


def client_address(peer: str, forwarded_for: str | None, trusted_proxies: tuple[str, ...]) -> Address | None:
    """Give the client's address.

    `peer` is the other end of the connection, `forwarded_for` the `x-forwarded-for` header (several joined by commas).
    From the peer on, each trusted proxy's word for the hop before it is taken; the first address that is no trusted
    proxy is the client. None when that hop cannot be read.
    """
    address = read_address(peer)
    if not forwarded_for or not contains(trusted_proxies, address):
        return address
    for hop in reversed(forwarded_for.split(",")[-_HOPS_MAX:]):
        address = read_address(hop)
        if not contains(trusted_proxies, address):
            return address
    return address
