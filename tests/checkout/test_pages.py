"""The checkout page over HTTP: each state, what it shows and does not show, headers, and addresses that are guessed."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html.parser import HTMLParser

import aiohttp
import pytest

from support.merchants import NOW, FixedClock
from wisipay.checkout import CheckoutLinks, Payable, State
from wisipay.checkout.http import Checkout, build_handlers
from wisipay.checkout.page import ASSETS, indian_text, page
from wisipay.core.config import Settings
from wisipay.core.http_serve import running
from wisipay.core.http_server import create_app
from wisipay.core.money import Paise

LINK = "upi://pay?pa=shop@bank&am=1234.50&tr=X1"
OPEN = Payable(
    merchant="Asha & Sons <script>alert(1)</script>",
    order_id='"><img src=x>',
    amount_paise=Paise(123_450),
    state=State.OPEN,
    upi_link=LINK,
    expires_at=NOW + timedelta(minutes=14, seconds=32),
    redirect_url="https://shop.example.com/thanks?a=1&b='\"",
)
FOREIGN = re.compile(r"(?:src|href)=\"(?:https?:)?//(?!shop\.example\.com)")


@dataclass
class Till:
    """A checkout that serves whatever is in its book."""

    url: str
    links: CheckoutLinks
    session: aiohttp.ClientSession
    book: dict[str, Payable | Exception] = field(default_factory=dict)

    async def find(self, payment_id: str) -> Payable | None:
        """Look a payment up; an exception in its place is raised."""
        found = self.book.get(payment_id)
        if isinstance(found, Exception):
            raise found
        return found

    def at(self, payment_id: str, behind: str = "") -> str:
        """Return the address of a payment's page here."""
        return f"{self.url}/pay/{self.links.url(payment_id).rpartition('/')[2]}{behind}"

    async def get(self, url: str) -> tuple[int, str, aiohttp.ClientResponse]:
        """Return status, text and the rest of an answer."""
        async with self.session.get(url) as answer:
            return answer.status, await answer.text(), answer


@pytest.fixture
async def till(settings: Settings) -> AsyncIterator[Till]:
    """Serve a checkout with one payment of each state."""
    links = CheckoutLinks("https://pay.example.com/", [b"n" * 32, b"o" * 32])
    async with aiohttp.ClientSession() as session:
        till = Till("", links, session)
        handlers = build_handlers(Checkout(links, till.find, FixedClock()))
        app = create_app(route_handlers=handlers, settings=settings, service="test", title="test", ready_checks={})
        async with running(app) as port:
            till.url = f"http://127.0.0.1:{port}"
            for state in State:
                upi_link = LINK if state is State.OPEN else None
                till.book[f"PAYMENT{state.upper()}"] = replace(OPEN, state=state, upi_link=upi_link)
            yield till


class _Elements(HTMLParser):
    """Keeps every element with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


async def test_every_state_has_its_page_and_escapes_what_merchants_wrote(till: Till) -> None:
    for state in State:
        status, text, answer = await till.get(till.at(f"PAYMENT{state.upper()}"))
        assert (status, answer.content_type) == (200, "text/html")
        assert "<script>alert" not in text
        assert "<img" not in text
        assert html.escape(OPEN.merchant) in text
        assert "1,234.50" in text
        assert FOREIGN.search(text) is None
        elements = _Elements(text)
        assert elements.named("main")[0]["data-state"] == state
        assert [len(elements.named(tag)) for tag in ("main", "h1", "title")] == [1, 1, 1]
        assert {"lang": "en"} in elements.named("html")
        assert any(each.get("aria-live") == "polite" for each in elements.named("p"))
        assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]
        assert all(attributes.get("src") for attributes in elements.named("script")), "no inline script"
        assert not elements.named("style")
        assert ("pa=shop@bank" in text) == (state is State.OPEN)
        assert "Test payment" not in text
        told, body, _ = await till.get(till.at(f"PAYMENT{state.upper()}", "/state"))
        assert (told, body) == (200, f'{{"state":"{state}"}}')


async def test_headers_keep_the_page_private_and_alone(till: Till) -> None:
    _, _, answer = await till.get(till.at("PAYMENTOPEN"))
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"


async def test_an_open_payment_can_be_paid_by_code_and_by_app_and_tells_its_time(till: Till) -> None:
    _, text, _ = await till.get(till.at("PAYMENTOPEN"))
    elements = _Elements(text)
    addresses = [each["href"] for each in elements.named("a")]
    assert LINK in addresses
    assert f"tez://upi/pay?{LINK.partition('?')[2]}" in addresses
    assert elements.named("svg")
    assert any(each.get("data-seconds") == "872" for each in elements.named("span"))
    assert "05 Feb 2026, 17:44 IST" in text
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in text


async def test_at_the_end_there_is_a_way_back(till: Till) -> None:
    _, text, _ = await till.get(till.at("PAYMENTPAID"))
    elements = _Elements(text)
    assert [each["href"] for each in elements.named("a") if "data-back" in each] == [OPEN.redirect_url]
    assert [each["content"] for each in elements.named("meta") if each.get("http-equiv") == "refresh"] == [
        f"8;url={OPEN.redirect_url}"
    ]
    till.book["PAYMENTPAID"] = replace(OPEN, state=State.PAID, upi_link=None, redirect_url=None, is_test=True)
    _, text, _ = await till.get(till.at("PAYMENTPAID"))
    assert "You can close this page" in text
    assert "http-equiv" not in text
    assert "Test payment: no money moves" in text


async def test_guessed_and_unknown_addresses_look_the_same(till: Till) -> None:
    real = till.at("PAYMENTOPEN")
    forged = real[:-1] + ("A" if real[-1] != "A" else "B")
    other = CheckoutLinks("", [b"x" * 32]).url("PAYMENTOPEN").removeprefix("/pay/")
    texts = set()
    for url in (
        forged,
        till.at("PAYMENTNOBODY"),
        f"{till.url}/pay/{other}",
        f"{till.url}/pay/x",
        f"{till.url}/pay/%00",
    ):
        status, text, answer = await till.get(url)
        assert (status, answer.content_type) == (404, "text/html"), url
        texts.add(text)
        told, _, answer = await till.get(url + "/state")
        assert (told, answer.content_type) == (404, "application/json")
    assert len(texts) == 1


async def test_an_address_made_with_an_older_key_stays_good(till: Till) -> None:
    old = CheckoutLinks("", [b"o" * 32]).url("PAYMENTOPEN").removeprefix("/pay/")
    assert (await till.get(f"{till.url}/pay/{old}"))[0] == 200


async def test_while_the_store_is_away_the_payer_is_told_in_words(till: Till) -> None:
    till.book["PAYMENTOPEN"] = ConnectionRefusedError("no")
    status, text, answer = await till.get(till.at("PAYMENTOPEN"))
    assert (status, answer.content_type, answer.headers["retry-after"]) == (503, "text/html", "2")
    assert "Nothing is lost" in text
    assert (await till.get(till.at("PAYMENTOPEN", "/state")))[0] == 503


async def test_its_own_files_are_served_and_no_others(till: Till) -> None:
    for name, (kind, content) in ASSETS.items():
        status, text, answer = await till.get(f"{till.url}/pay/assets/{name}")
        assert (status, answer.content_type, text.encode()) == (200, kind, content)
        assert "immutable" in answer.headers["cache-control"]
    assert (await till.get(f"{till.url}/pay/assets/checkout.html"))[0] == 404


async def test_a_slash_behind_the_address_changes_nothing(till: Till) -> None:
    assert (await till.get(till.at("PAYMENTOPEN", "/")))[0] == 200
    assert (await till.get(till.at("PAYMENTOPEN", "/state/")))[0] == 200
    assert (await till.get(f"{till.url}/pay/assets/checkout.css/"))[0] == 200


def test_a_link_too_long_for_a_code_and_a_payment_without_an_end_are_shown_without() -> None:
    payable = replace(OPEN, upi_link=LINK + "&tn=" + "x" * 4000, expires_at=None)
    text = page(payable, NOW).decode()
    assert "<svg" not in text
    assert "Open a UPI app" in text
    assert "Pay before" not in text


@pytest.mark.parametrize(
    ("paise", "text"),
    [(100, "1.00"), (99_999, "999.99"), (12_345_678_900, "12,34,56,789.00"), (10_000_000, "1,00,000.00")],
)
def test_amounts_are_written_as_people_in_india_read_them(paise: int, text: str) -> None:
    assert indian_text(Paise(paise)) == text


def test_contrast_of_the_words_is_enough_in_both_schemes() -> None:
    style = ASSETS["checkout.css"][1].decode()
    schemes = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", block)) for block in style.split("@media", 2)[:2]]
    for colours in schemes:
        for words, ground in (("text", "card"), ("quiet", "card"), ("accent-text", "accent"), ("wait", "card")):
            assert _contrast(colours[words], colours[ground]) >= 4.5, (words, ground, colours)


def _contrast(first: str, second: str) -> float:
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
