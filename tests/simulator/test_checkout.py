"""The page on which a person pays: what it shows, what it loads, what its buttons do."""

import re
import xml.etree.ElementTree as ET

import pytest

from support.simulator import Simulator


async def test_the_page_shows_the_payment_and_a_code(simulator: Simulator) -> None:
    page = await simulator.call("GET", await _path(simulator, amount="1234567.50"))
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for text in ("12,34,567.50", "Asha Rao", "PY1", "Test payment", "Scan to pay"):
        assert text in page.text
    svg = re.search(r"<svg.*</svg>", page.text, re.DOTALL)
    assert svg is not None
    assert ET.fromstring(svg[0]).find(".//path") is not None  # noqa: S314 - our own page


async def test_the_page_loads_nothing_foreign_and_runs_no_script(simulator: Simulator) -> None:
    page = await simulator.call("GET", await _path(simulator))
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert "<script" not in page.text
    assert " style=" not in page.text
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded == ["/checkout/style.css"]
    style = await simulator.call("GET", "/checkout/style.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "url(" not in style.text
    assert "@import" not in style.text


@pytest.mark.parametrize(
    ("button", "status", "headline"), [("pay", "SUCCESS", "Paid"), ("decline", "FAILED", "Payment declined")]
)
async def test_a_button_decides_and_leads_back_to_the_page(
    simulator: Simulator, button: str, status: str, headline: str
) -> None:
    path = await _path(simulator)
    pressed = await simulator.call("POST", f"{path}/{button}")
    assert (pressed.status, pressed.headers["location"]) == (303, path)
    assert await simulator.status("payin", "PY1") == status
    page = await simulator.call("GET", path)
    assert headline in page.text
    assert 'href="https://shop.example.com/back"' in page.text
    assert "<button" not in page.text


async def test_a_second_press_changes_nothing(simulator: Simulator) -> None:
    path = await _path(simulator)
    await simulator.call("POST", f"{path}/pay")
    assert (await simulator.call("POST", f"{path}/decline")).status == 303
    assert await simulator.status("payin", "PY1") == "SUCCESS"
    assert (await simulator.summary())["executed_payins"] == 1


@pytest.mark.parametrize(("action", "headline"), [("expire", "expired"), ("process", "working on it")])
async def test_every_status_has_a_page(simulator: Simulator, action: str, headline: str) -> None:
    path = await _path(simulator)
    await simulator.call("POST", f"/control/payments/{path.rsplit('/', 1)[1]}/{action}")
    assert headline in (await simulator.call("GET", path)).text


async def test_what_a_merchant_sent_is_shown_as_text_only(simulator: Simulator) -> None:
    customer = {"name": '<script>alert("x")</script>', "email": None, "phone": None}
    path = await _path(simulator, customer=customer, redirect_url='https://shop.example.com/?a="><b>')
    page = await simulator.call("GET", path)
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    await simulator.call("POST", f"{path}/pay")
    assert '"><b>' not in (await simulator.call("GET", path)).text


async def test_a_payout_and_an_unknown_payment_have_no_page(simulator: Simulator) -> None:
    payout = (await simulator.payout("PO1")).body["data"]["payment_id"]
    assert (await simulator.call("GET", f"/checkout/{payout}")).status == 404
    assert (await simulator.call("GET", "/checkout/NONE")).status == 404
    assert (await simulator.call("POST", "/checkout/NONE/pay")).status == 404


async def _path(simulator: Simulator, **fields: object) -> str:
    heard = await simulator.payin("PY1", "sim:pending", fields=fields)
    link = str(heard.body["data"]["payment_link"])
    return link.removeprefix(simulator.url)
