"""The page on which a person pays or declines a collection. Works without JavaScript, loads nothing foreign."""

import html
from pathlib import Path
from string import Template
from urllib.parse import urlencode

import segno

from wisipay_simulator.amounts import indian_text, rupees_text
from wisipay_simulator.book import MoveRefusedError
from wisipay_simulator.model import OPEN, Payment, Status
from wisipay_simulator.server.http import Answer, ProblemError, Request, Router
from wisipay_simulator.simulation import Simulation

_PAGES = Path(__file__).with_name("pages")
_PAGE = Template((_PAGES / "checkout.html").read_text(encoding="utf-8"))
_STYLE = (_PAGES / "checkout.css").read_bytes()
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_SECURITY = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_WIDE_AMOUNT = 11
_HEADLINES = {
    Status.PENDING: "Scan to pay",
    Status.PROCESSING: "Your bank is working on it",
    Status.SUCCESS: "Paid",
    Status.FAILED: "Payment declined",
    Status.EXPIRED: "This payment has expired",
    Status.REVERSED: "Paid back",
}
_SIGNS = {Status.SUCCESS: "&#10003;", Status.FAILED: "&#10005;", Status.EXPIRED: "&#8987;", Status.REVERSED: "&#8634;"}


class Checkout:
    """Serves the page and takes the person's decision."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def add_routes(self, router: Router) -> None:
        """Add the page, its style sheet and its two buttons."""
        router.add("GET", "/checkout/style.css", self.style)
        router.add("GET", "/checkout/{}", self.show)
        router.add("POST", "/checkout/{}/pay", self.pay)
        router.add("POST", "/checkout/{}/decline", self.decline)

    def style(self, request: Request) -> Answer:
        """Serve the style sheet."""
        del request
        return Answer(body=_STYLE, content_type="text/css; charset=utf-8", headers=_SECURITY)

    def show(self, request: Request) -> Answer:
        """Show the payment and, while it is open, the QR code and the buttons."""
        page = _page(self._payin(request))
        return Answer(body=page.encode(), content_type="text/html; charset=utf-8", headers=_SECURITY)

    def pay(self, request: Request) -> Answer:
        """Complete the payment as the person asks."""
        return self._decide(request, Status.SUCCESS, "paid on the checkout page")

    def decline(self, request: Request) -> Answer:
        """Fail the payment as the person asks."""
        return self._decide(request, Status.FAILED, "declined on the checkout page")

    def _decide(self, request: Request, status: Status, message: str) -> Answer:
        payment = self._payin(request)
        if payment.status in OPEN:
            try:
                self._simulation.move(payment, status, message=message)
            except MoveRefusedError as problem:
                raise ProblemError(409, "MOVE_REFUSED", str(problem)) from problem
        location = f"/checkout/{payment.payment_id}".encode()
        return Answer(status=303, headers=((b"location", location), *_SECURITY), content_type="text/plain")

    def _payin(self, request: Request) -> Payment:
        payment = self._simulation.book.payments.get(request.arguments[0])
        if payment is None or payment.order.kind != "payin":
            raise ProblemError(404, "NOT_FOUND", "there is no such payment")
        return payment


def _page(payment: Payment) -> str:
    order = payment.order
    is_open = payment.status in OPEN
    amount = indian_text(order.amount_paise)
    return _PAGE.substitute(
        title=f"{_HEADLINES[payment.status]} - {amount} rupees",
        refresh='<meta http-equiv="refresh" content="4">' if is_open else "",
        state=payment.status.lower(),
        headline=_HEADLINES[payment.status],
        amount=amount,
        amount_class="amount long" if len(amount) > _WIDE_AMOUNT else "amount",
        party=html.escape(order.party),
        reference=html.escape(order.reference),
        payment_id=html.escape(payment.payment_id),
        mode=html.escape(order.mode),
        body=_open_part(payment) if is_open else _closed_part(payment),
    )


def _open_part(payment: Payment) -> str:
    order = payment.order
    link = "upi://pay?" + urlencode(
        {
            "pa": "simulator@invalid",
            "pn": "Wisipay simulator",
            "am": rupees_text(order.amount_paise),
            "cu": "INR",
            "tr": payment.payment_id,
        }
    )
    code = segno.make(link, error="m").svg_inline(scale=4, border=2, omitsize=True, dark="#14213d", light="#ffffff")
    action = f"/checkout/{html.escape(payment.payment_id)}"
    return (
        f'<div class="code" role="img" aria-label="UPI QR code for this payment">{code}</div>'
        f'<div class="buttons"><form method="post" action="{action}/pay"><button class="pay">Pay</button></form>'
        f'<form method="post" action="{action}/decline"><button class="decline">Decline</button></form></div>'
    )


def _closed_part(payment: Payment) -> str:
    parts = [f'<div class="sign" aria-hidden="true">{_SIGNS[payment.status]}</div>']
    if payment.utr:
        parts.append(f'<p class="utr">UTR <span>{html.escape(payment.utr)}</span></p>')
    if payment.order.redirect_url:
        parts.append(f'<a class="back" href="{html.escape(payment.order.redirect_url)}">Back to the merchant</a>')
    return "".join(parts)
