"""The requests that the load generator sends: bodies as merchants write them, signed when they are sent.

Decides amounts, parties and order ids. A request is signed with the time of its sending, as the API demands, so none
can be prepared beforehand.
"""

import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Literal

Kind = Literal["payin", "payout"]

_PARTIES = {
    "payin": b'"customerName":"Asha Rao","customerEmail":"asha.rao@example.com","customerPhone":"9876543210"',
    "payout": (
        b'"beneficiaryName":"Asha Rao","beneficiaryAccountNumber":"000123456789","beneficiaryIfsc":"HDFC0000001",'
        b'"beneficiaryBankName":"HDFC Bank"'
    ),
}
_MODES = {"payin": b"UPI", "payout": b"IMPS"}
_AMOUNTS_RUPEES = (100, 250, 499, 999, 1500, 2750)


@dataclass(frozen=True, slots=True)
class Sender:
    """A merchant whose requests are sent."""

    id: str
    secret: str


def requests_of(kind: Kind, run: str, senders: Sequence[Sender]) -> Callable[[], bytes]:
    """Return a maker of whole HTTP requests; the senders take turns; `run` (up to 16 letters) is in each order id."""
    head = (
        f"POST /api/payment/{kind}/initiate HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n".encode()
    )
    turns = cycle([(sender.secret.encode(), sender.id.encode()) for sender in senders])
    amounts = cycle(_AMOUNTS_RUPEES)
    party, mode, prefix = _PARTIES[kind], _MODES[kind], run.encode()
    number = 0

    def make() -> bytes:
        nonlocal number
        number += 1
        secret, merchant_id = next(turns)
        body = b'{"orderId":"%b%08d","amount":%d,"currency":"INR","paymentMode":"%b",%b}' % (
            *(prefix, number, next(amounts), mode, party),
        )
        timestamp = b"%d" % (time.time_ns() // 1_000_000)
        signature = hmac.digest(secret, b"%b|%b" % (body, timestamp), "sha256").hex().encode()
        return b"%bx-merchant-id: %b\r\nx-timestamp: %b\r\nx-signature: %b\r\ncontent-length: %d\r\n\r\n%b" % (
            *(head, merchant_id, timestamp, signature, len(body), body),
        )

    return make
