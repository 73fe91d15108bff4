"""The checkout page as HTML: one template, everything put into it escaped. Pure but for reading its files once.

Decides the words and the links into UPI apps. Must never load anything foreign, run a script that is not a file of
ours, or need a script for more than watching the status.
"""

import html
import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Final

import segno

from wisipay.checkout.view import Payable, State
from wisipay.core.money import Paise, rupees_text

_PAGES: Final = Path(__file__).with_name("pages")
_PAGE: Final = Template((_PAGES / "checkout.html").read_text(encoding="utf-8"))
_NOTICE: Final = Template((_PAGES / "notice.html").read_text(encoding="utf-8"))
ASSETS: Final = {
    "checkout.css": ("text/css", (_PAGES / "checkout.css").read_bytes()),
    "checkout.js": ("text/javascript", (_PAGES / "checkout.js").read_bytes()),
}
"""Content type and bytes of the page's own files, by name."""
_VERSION: Final = sha256(b"".join(content for _, content in ASSETS.values())).hexdigest()[:12]
_IST: Final = timezone(timedelta(hours=5, minutes=30))
_WIDE_AMOUNT: Final = 11
_NO_SCRIPT_REFRESH_SECONDS: Final = 10
_NO_SCRIPT_RETURN_SECONDS: Final = 8
_CODES_KEPT: Final = 512
_APPS: Final = (("Google Pay", "tez://upi/pay?"), ("PhonePe", "phonepe://pay?"), ("Paytm", "paytmmp://pay?"))
_UPI: Final = re.compile(r"upi://pay\?", re.IGNORECASE)
_HEADLINES: Final = {
    State.OPEN: "Pay with any UPI app",
    State.WORKING: "Waiting for your bank",
    State.PAID: "Paid",
    State.FAILED: "The payment failed",
    State.EXPIRED: "The time to pay is over",
    State.RETURNED: "Paid back",
}
_WORDS: Final = {
    State.OPEN: "Waiting for your payment.",
    State.WORKING: "This can take a few minutes. Please do not pay again.",
    State.PAID: "Thank you. The merchant knows of your payment.",
    State.FAILED: "The order is not paid. If money left your account, your bank returns it or the merchant is told.",
    State.EXPIRED: "Please do not pay with this code any more. If money left your account, the merchant is told of it.",
    State.RETURNED: "The amount was returned to the account that it came from.",
}
_SIGNS: Final = {State.PAID: "&#10003;", State.FAILED: "&#215;", State.EXPIRED: "&#33;", State.RETURNED: "&#8634;"}


def page(payable: Payable, now: datetime) -> bytes:
    """Return the page of a payment."""
    amount = indian_text(payable.amount_paise)
    state = payable.state
    return _PAGE.substitute(
        version=_VERSION,
        title=f"{_HEADLINES[state]}: {amount} rupees",
        without_script=_without_script(payable),
        state=state.value,
        test='<p class="test">Test payment: no money moves</p>' if payable.is_test else "",
        headline=_HEADLINES[state],
        merchant=html.escape(payable.merchant),
        amount=amount,
        amount_class="amount long" if len(amount) > _WIDE_AMOUNT else "amount",
        order_id=html.escape(payable.order_id),
        words=_WORDS[state],
        sign=f'<p class="sign" aria-hidden="true">{_SIGNS[state]}</p>' if state in _SIGNS else "",
        body=_ways_to_pay(payable, now) if payable.upi_link and state is State.OPEN else "",
        back=_way_back(payable) if state.is_final else "",
        refresh=""
        if state.is_final
        else '<noscript><p><a class="quiet" href="">Show how it stands now</a></p></noscript>',
    ).encode()


def notice(headline: str, words: str) -> bytes:
    """Return a page that says why there is no payment to show."""
    return _NOTICE.substitute(version=_VERSION, headline=html.escape(headline), words=html.escape(words)).encode()


def indian_text(amount_paise: Paise) -> str:
    """Return an amount as a person in India reads it: 123456700 paise are `12,34,567.00`."""
    whole, _, decimals = rupees_text(amount_paise).partition(".")
    head, groups = whole[:-3], [whole[-3:]]
    while head:
        head, group = head[:-2], head[-2:]
        groups.insert(0, group)
    return f"{','.join(groups)}.{decimals}"


def _ways_to_pay(payable: Payable, now: datetime) -> str:
    link = payable.upi_link or ""
    return f"{_apps(link)}{_code(link)}{_time_left(payable.expires_at, now)}"


def _apps(link: str) -> str:
    """Return links into apps, which the style sheet shows on phones only."""
    rest = _UPI.sub("", link, count=1)
    choices = [("Open a UPI app", link, "button"), *((name, scheme + rest, "app") for name, scheme in _APPS)]
    items = "".join(f'<li><a class="{kind}" href="{html.escape(url)}">{name}</a></li>' for name, url, kind in choices)
    return f'<nav class="apps" aria-label="Pay on this phone"><ul>{items}</ul></nav>'


@lru_cache(maxsize=_CODES_KEPT)
def _code(link: str) -> str:
    """Return the QR code; drawing one takes some 20 ms, and a page without scripts is asked for again and again."""
    try:
        drawn = segno.make_qr(link, error="m").svg_inline(border=4, omitsize=True, dark="#000", light="#fff")
    except segno.DataOverflowError:
        return ""
    return (
        '<figure class="code"><div role="img" aria-label="QR code of this payment, to be scanned with a UPI app">'
        f"{drawn}</div><figcaption>Scan with any UPI app</figcaption></figure>"
    )


def _time_left(expires_at: datetime | None, now: datetime) -> str:
    if expires_at is None:
        return ""
    seconds = max(0, int((expires_at - now).total_seconds()))
    until = expires_at.astimezone(_IST).strftime("%d %b %Y, %H:%M")
    return (
        f'<p class="left">Pay before <time datetime="{expires_at.astimezone(_IST).isoformat(timespec="seconds")}">'
        f'{until} IST</time><span class="timer" role="timer" hidden data-seconds="{seconds}"></span></p>'
    )


def _way_back(payable: Payable) -> str:
    if payable.redirect_url is None:
        return '<p class="quiet">You can close this page.</p>'
    return (
        f'<p><a class="button" data-back href="{html.escape(payable.redirect_url)}">'
        f"Back to <bdi>{html.escape(payable.merchant)}</bdi></a></p>"
    )


def _without_script(payable: Payable) -> str:
    """Return what a browser without scripts does by itself: look again, and go back at the end."""
    if not payable.state.is_final:
        wish = f"{_NO_SCRIPT_REFRESH_SECONDS}"
    elif payable.redirect_url is not None:
        wish = f"{_NO_SCRIPT_RETURN_SECONDS};url={html.escape(payable.redirect_url)}"
    else:
        return ""
    return f'<noscript><meta http-equiv="refresh" content="{wish}"></noscript>'
