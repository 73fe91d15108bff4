"""What somebody needs to go on by hand: addresses, keys, and one line that signs and sends a payin.

The line is for any POSIX shell with openssl and curl. Must never be shown outside a development installation: it holds
a secret.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Final

from wisipay.core.config import Settings
from wisipay.entrypoints.stack import Stack

_PATH: Final = "/api/payment/payin/initiate"
_BEFORE: Final = '{"amount":250,"orderId":"HAND-'
_AFTER: Final = (
    '","paymentMode":"UPI","customerName":"Asha Rao","customerEmail":"asha@example.com",'
    '"customerPhone":"9876543210","remarks":"sim:pending"}'
)


def curl_line(merchant_id: str, secret: str, base_url: str) -> str:
    """Return one shell line that signs a payin (v2), sends it and shows the answer with its checkout page."""
    return (
        f"M={shlex.quote(merchant_id)} S={shlex.quote(secret)} U={shlex.quote(base_url)} P={_PATH}; "
        f"""T=$(date +%s)000; B='{_BEFORE}'${{T%000}}'{_AFTER}'; """
        """H=$(printf %s "$B" | openssl dgst -sha256 -r | cut -c1-64); """
        """X=$(printf '%s\\nPOST\\n%s\\n%s' "$T" "$P" "$H" | openssl dgst -sha256 -hmac "$S" -r | cut -c1-64); """
        """curl -sS "$U$P" -H "x-merchant-id: $M" -H "x-timestamp: $T" -H "x-signature: v2=$X" """
        """-H 'content-type: application/json' --data-binary "$B"; echo"""
    )


def by_hand(stack: Stack) -> list[str]:
    """Return the lines that tell where everything is and how to go on."""
    return [*_places(stack.settings), *_merchants(stack.merchants), *_next_steps(stack)]


def _places(settings: Settings) -> list[str]:
    api = f"http://{settings.bind_host}:{settings.payment_port}"
    return [
        "",
        "Everything stays up until Ctrl-C.",
        f"  merchant API  {api}   contract: {api}/schema/openapi.json",
        f"  panel API     http://{settings.bind_host}:{settings.api_port}",
        f"  simulator     {settings.simulator_url}   its book: {settings.simulator_url}/control/book",
        f"  PostgreSQL    {settings.database_url}",
        f"  logs          {settings.data_dir}/log",
        "",
    ]


def _merchants(merchants: Any) -> list[str]:  # noqa: ANN401 - as the ready file has them
    return [f"  merchant {merchant['id']}  secret {merchant['secret']}" for merchant in merchants]


def _next_steps(stack: Stack) -> list[str]:
    first: Mapping[str, Any] = stack.merchants[0]
    base_url = f"http://{stack.settings.bind_host}:{stack.settings.payment_port}"
    return [
        "",
        "Send a signed payin, then open the paymentUrl of its answer in a browser and pay:",
        "",
        curl_line(str(first["id"]), str(first["secret"]), base_url),
        "",
    ]
