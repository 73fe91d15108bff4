"""The credentials with which each adapter talks to the simulator: for the demo, development installations and tests.

Decides values only; none of them is worth anything outside the simulator. Must know every adapter: a test says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from wisipay.core.signing import sha256_hex

_KEY_CHARACTERS: Final = 32
_SALT_CHARACTERS: Final = 16
_UUID_CHARACTERS: Final = 36


@dataclass(frozen=True, slots=True)
class Simulated:
    """A channel's credentials, and what the simulator must be told of it: `PUT /control/accounts/{channel}`."""

    credentials: Mapping[str, str]
    api_key: str
    webhook_secret: str


def simulated(adapter: str, simulator_url: str, channel_id: str) -> Simulated:
    """Return what a channel of this adapter has at the simulator. Raises KeyError for an adapter it does not play."""
    return _SIMULATED[adapter](simulator_url, channel_id)


def played_adapters() -> tuple[str, ...]:
    """Return the adapters that the simulator plays, sorted."""
    return tuple(sorted(_SIMULATED))


def _dummy(url: str, channel_id: str) -> Simulated:
    api_key, secret = f"api-key-of-{channel_id}", f"webhook-secret-of-{channel_id}"
    return Simulated({"baseUrl": url, "apiKey": api_key, "webhookSecret": secret}, api_key, secret)


def _white_label(name: str, url: str, channel_id: str) -> Simulated:
    hashed = sha256_hex(channel_id.encode())
    key, salt = f"k{hashed}"[:_KEY_CHARACTERS], f"s{hashed}"[:_SALT_CHARACTERS]
    return Simulated({"baseUrl": f"{url}/{name}/api/v1", "apiKey": key, "apiSalt": salt}, key, salt)


def _easemyneeds(url: str, channel_id: str) -> Simulated:
    return _white_label("easemyneeds", url, channel_id)


def _alphapay(url: str, channel_id: str) -> Simulated:
    return _white_label("alphapay", url, channel_id)


def _payprime(url: str, channel_id: str) -> Simulated:
    token = f"token-of-{channel_id}"
    return Simulated({"baseUrl": f"{url}/payprime/api/payout", "apiToken": token}, token, token)


def _paysix(url: str, channel_id: str) -> Simulated:
    merchant, secret = f"MER-{channel_id}", f"secret-of-{channel_id}"
    return Simulated({"baseUrl": f"{url}/paysix", "merchantId": merchant, "apiSecret": secret}, merchant, secret)


def _tpipay(url: str, channel_id: str) -> Simulated:
    token = f"token-of-{channel_id}"
    addresses = {"baseUrl": f"{url}/tpipay/api/upi-collection", "payoutBaseUrl": f"{url}/tpipay/api/payout/v1"}
    return Simulated({**addresses, "apiToken": token}, token, token)


def _tpipay_v2(url: str, channel_id: str) -> Simulated:
    first = _tpipay(url, channel_id)
    sender = {"payoutEmail": "desk@example.com", "payoutMobile": "9000000001"}
    addresses = {"payoutBaseUrl": f"{url}/tpipay/api/payout/v2"}
    return Simulated({**first.credentials, **sender, **addresses}, first.api_key, first.webhook_secret)


def _sabiopay(url: str, channel_id: str) -> Simulated:
    key = f"k{sha256_hex(channel_id.encode())}"[:_UUID_CHARACTERS]
    salt = f"salt-of-{channel_id}"
    return Simulated({"baseUrl": f"{url}/sabiopay", "apiKey": key, "apiSalt": salt}, key, salt)


def _razorpay(url: str, channel_id: str) -> Simulated:
    key = f"rzp_test_{sha256_hex(channel_id.encode())[:14]}"
    secret = f"secret-of-{channel_id}"
    credentials = {"baseUrl": f"{url}/razorpay/v1", "keyId": key, "keySecret": secret, "webhookSecret": secret}
    return Simulated({**credentials, "accountNumber": "7878780080316316"}, key, secret)


def _cashfree(url: str, channel_id: str) -> Simulated:
    client, secret = f"CF{sha256_hex(channel_id.encode())[:14]}", f"secret-of-{channel_id}"
    return Simulated({"baseUrl": f"{url}/cashfree", "clientId": client, "clientSecret": secret}, client, secret)


_SIMULATED: Final[Mapping[str, Callable[[str, str], Simulated]]] = {
    "alphapay": _alphapay,
    "cashfree": _cashfree,
    "dummy": _dummy,
    "easemyneeds": _easemyneeds,
    "payprime": _payprime,
    "paysix": _paysix,
    "razorpay": _razorpay,
    "sabiopay": _sabiopay,
    "tpipay": _tpipay,
    "tpipayv2": _tpipay_v2,
}
