"""Addresses and allowlists: IPv4, IPv6, CIDR, mapped addresses, and whose word is taken for where a client is."""

from ipaddress import ip_address

import pytest

from wisipay.access import client_address, contains, normalise_entries
from wisipay.access.allowlist import read_address

PROXIES = ("10.0.0.0/8", "2001:db8::1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7:4711 ", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_addresses_are_read_as_peers_and_proxies_write_them(text: str, expected: str) -> None:
    assert read_address(text) == ip_address(expected)


@pytest.mark.parametrize("text", ["", "unknown", "203.0.113.300", "203.0.113.7/24", "1" * 65, "[]:80"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert read_address(text) is None


@pytest.mark.parametrize(
    ("entry", "address", "expected"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.0/24", "203.0.113.255", True),
        ("203.0.113.0/24", "203.0.114.0", False),
        ("203.0.113.0/24", "::ffff:203.0.113.9", True),
        ("::ffff:203.0.113.0/120", "203.0.113.9", True),
        ("2001:db8::/32", "2001:db8:1::5", True),
        ("2001:db8::/32", "2001:db9::5", False),
        ("2001:db8::/32", "203.0.113.7", False),
        ("0.0.0.0/0", "2001:db8::5", False),
    ],
)
def test_a_list_covers_addresses_and_ranges(entry: str, address: str, *, expected: bool) -> None:
    assert contains((entry,), read_address(address)) is expected


def test_an_unreadable_address_is_in_no_list() -> None:
    assert not contains(("0.0.0.0/0", "::/0"), None)


def test_an_empty_list_lets_nobody_in() -> None:
    assert not contains((), read_address("203.0.113.7"))


def test_entries_are_brought_into_one_form_and_each_is_kept_once() -> None:
    assert normalise_entries([" 203.0.113.7/32", "203.0.113.7", "203.0.113.9/24", "2001:DB8:0::1"]) == (
        "203.0.113.7",
        "203.0.113.0/24",
        "2001:db8::1",
    )


@pytest.mark.parametrize("entry", ["", "localhost", "203.0.113.7/33", "1" * 65])
def test_an_entry_that_is_no_address_is_refused_by_name(entry: str) -> None:
    with pytest.raises(ValueError, match="address"):
        normalise_entries([entry])


def test_a_list_is_bounded() -> None:
    with pytest.raises(ValueError, match="at most 50"):
        normalise_entries([f"10.0.0.{number}" for number in range(51)])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "expected"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2, 2001:db8::1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.1, garbage", None),
        ("10.0.0.1", "198.51.100.1, garbage, 10.0.0.2", None),
        ("10.0.0.1", "198.51.100.1,", None),
        ("", "198.51.100.1", None),
    ],
)
def test_each_trusted_proxy_is_believed_about_the_hop_before_it(
    peer: str, forwarded_for: str | None, expected: str | None
) -> None:
    assert client_address(peer, forwarded_for, PROXIES) == (None if expected is None else ip_address(expected))


def test_a_header_of_very_many_hops_is_read_from_its_near_end_only() -> None:
    header = ", ".join(["198.51.100.1"] + ["10.0.0.2"] * 5000)
    assert client_address("10.0.0.1", header, PROXIES) == ip_address("10.0.0.2")
