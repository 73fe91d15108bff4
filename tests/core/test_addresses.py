"""Public addresses, and everything that only looks like one."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisipay.core.addresses import AddressRefused, PublicOnlyResolver, is_public, public_only_socket

NOT_PUBLIC = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254"),
    *("0.0.0.0", "0.1.2.3", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),  # noqa: S104 - nothing is bound
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "100::1"),
    *("", "localhost", "127.1", "2130706433", "0x7f.1", "example.com", "1.2.3.4 ", "1.2.3.4/32"),
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_it_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "13.234.1.1", "2606:4700:4700::1111", "2400:cb00::1", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_it_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_ipv6_counts_as_itself(address: object) -> None:
    assert is_public(f"::ffff:{address}") == is_public(str(address))


@given(
    st.ip_addresses(network="10.0.0.0/8") | st.ip_addresses(network="fc00::/7") | st.ip_addresses(network="127.0.0.0/8")
)
def test_no_private_network_is_public(address: object) -> None:
    assert not is_public(str(address))


def test_no_socket_is_made_for_a_private_address() -> None:
    with pytest.raises(AddressRefused):
        public_only_socket((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 80)))
    public_only_socket((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("8.8.8.8", 80))).close()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "2130706433", "127.1", "::1"])
async def test_a_name_that_leads_inside_is_refused_however_it_is_written(name: str) -> None:
    resolver = PublicOnlyResolver()
    with pytest.raises(OSError, match=r"not public|not known|not supported|unsupported"):
        await resolver.resolve(name, 80, socket.AF_UNSPEC)
    await resolver.close()


async def test_one_private_address_among_public_ones_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [("8.8.8.8", 443), ("10.0.0.1", 443)]

    def getaddrinfo(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolver = PublicOnlyResolver()
    with pytest.raises(AddressRefused):
        await resolver.resolve("mixed.example", 443, socket.AF_UNSPEC)
    found.pop()
    assert [result["host"] for result in await resolver.resolve("mixed.example", 443)] == ["8.8.8.8"]
