"""The engine: carries out what was chosen, keeps book and journal in step, lets time pass and announces what happened.

Knows no wire format (see `provider_<name>.py`) and no HTTP.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random

import msgspec

from wisipay_simulator.behaviour import Behaviour, Chooser
from wisipay_simulator.book import Book, MoveRefusedError
from wisipay_simulator.clock import now_ms
from wisipay_simulator.faults import EXECUTES, TIMEOUTS, Fault, Faults
from wisipay_simulator.journal import (
    Accepted,
    AccountSet,
    Announced,
    Journal,
    MerchantSet,
    Moved,
    Received,
    Record,
    Repeated,
)
from wisipay_simulator.merchant import Receipt
from wisipay_simulator.model import OPEN, PLAIN_WEBHOOK, Kind, Order, Payment, Status
from wisipay_simulator.provider import Webhook, WebhookFormat
from wisipay_simulator.registry import Account, Merchant, Registry
from wisipay_simulator.schedule import Schedule
from wisipay_simulator.tokens import parse_tokens
from wisipay_simulator.webhooks import WebhookSender, announces_truth

_STALE_WEBHOOK_MS = 250


class Options(msgspec.Struct, frozen=True):
    """How the process was started."""

    state_file: Path | None = None
    seed: int | None = None
    max_payments: int = 500_000
    webhook_concurrency: int = 64
    api_key: str | None = None
    webhook_secret: str = "dummy-webhook-secret"  # noqa: S105 - a stand-in's public default, worthless outside tests
    faults: Faults = Faults()


class Created(msgspec.Struct, frozen=True, gc=False):
    """What became of a create request: the payment if one exists, and the fault that the caller meets.

    `latency_ms` is the time to the answer, or for how long a request that times out is held. `early_webhook` is sent
    before the answer.
    """

    payment: Payment | None
    fault: Fault | None
    reject_code: str
    latency_ms: int
    duplicate: bool = False
    early_webhook: Webhook | None = None


class Simulation:
    """One simulated world: accounts, book, faults, time and webhooks.

    `restore_receipt` is called at start for every callback that a merchant's endpoint got before.
    """

    restore_receipt: Callable[[Receipt], None]

    def __init__(self, options: Options) -> None:
        self.options = options
        self.registry = Registry(api_key=options.api_key, webhook_secret=options.webhook_secret)
        self.book = Book(max_payments=options.max_payments, first_number=now_ms() * 1000)
        self.schedule = Schedule()
        self.sender = WebhookSender(
            schedule=self.schedule,
            render=self._render,
            finished=self._webhook_finished,
            concurrency=options.webhook_concurrency,
        )
        self.requests: dict[str, int] = {}
        self.plans: dict[tuple[Kind, int], str] = {}
        self._formats: dict[str, WebhookFormat] = {}
        self._journal = Journal(options.state_file)
        self._random = Random(options.seed)  # noqa: S311 - choices must be replayable, nothing is secret
        self._choosers: dict[str, Chooser] = {"": Chooser(options.faults, self._random)}

    def know(self, formats: Iterable[WebhookFormat]) -> None:
        """Make providers known, before the start."""
        self._formats |= {each.name: each for each in formats}

    def start(self) -> None:
        """Read the journal, take up what was under way, begin to serve. JournalError when the file is unusable."""
        for record in self._journal.read():
            self._replay(record)
        self._journal.open()
        self.sender.start()
        present = now_ms()
        for payment in self.book.payments.values():
            self._plan_steps(payment, present)
            if payment.status is not Status.PENDING and payment.announced is not payment.status:
                self._announce(payment)

    async def stop(self) -> None:
        """Stop the clock and the sender, close the journal, which knows what is left."""
        self.schedule.clear()
        await self.sender.stop()
        self._journal.close()

    def faults(self, account: str = "") -> Faults:
        """Return the faults of an account, by name or id, or those of everybody."""
        return self._chooser(self.registry.account_named(account)).faults

    def set_faults(self, faults: Faults, account: str = "") -> None:
        """Set the faults of everybody, or of one account instead of everybody's."""
        self._choosers[self.registry.account_named(account)] = Chooser(faults, self._random)

    def add_account(self, name: str, account: Account) -> None:
        """Register an API key; TooManyError at the cap."""
        self.registry.add_account(name, account)
        self._journal.write(AccountSet(name, account))

    def add_merchant(self, merchant_id: str, merchant: Merchant) -> None:
        """Register a merchant; TooManyError at the cap."""
        self.registry.add_merchant(merchant_id, merchant)
        self._journal.write(MerchantSet(merchant_id, merchant))

    def write_down(self, receipt: Receipt) -> None:
        """Keep over a restart what a merchant's endpoint got."""
        self._journal.write(Received(receipt))

    def reset(self, *, seed: int | None = None, registry_too: bool = False) -> None:
        """Forget payments, faults and counts, accounts and merchants if asked; start the random choices anew."""
        self.schedule.clear()
        self.sender.clear()
        self.book.clear()
        self.requests.clear()
        self.plans.clear()
        self._journal.clear()
        if registry_too:
            self.registry.clear()
        for name, account in self.registry.accounts.items():
            self._journal.write(AccountSet(name, account))
        for merchant_id, merchant in self.registry.merchants.items():
            self._journal.write(MerchantSet(merchant_id, merchant))
        self._random.seed(self.options.seed if seed is None else seed)
        self._choosers = {"": Chooser(self.options.faults, self._random)}

    def create(self, order: Order) -> Created:
        """Take a create request. BadTokenError before anything happened, BookFullError when there is no room."""
        order = self._as_planned(order)
        chooser = self._chooser(order.account)
        behaviour = chooser.create(order.kind, parse_tokens(order.remarks), order.remarks)
        delay_ms = chooser.faults.timeout_ms if behaviour.fault in TIMEOUTS else behaviour.latency_ms
        if behaviour.fault is not None:
            self._count(f"{order.kind}_{behaviour.fault}")
        if behaviour.fault is not None and behaviour.fault not in EXECUTES:
            return Created(None, behaviour.fault, behaviour.reject_code, delay_ms)
        known = self.book.find(order.account, order.kind, order.reference)
        if known is not None and not behaviour.accept_duplicate:
            self.book.repeat(known)
            self._journal.write(Repeated(known.payment_id))
            return Created(known, behaviour.fault, "", delay_ms, duplicate=True)
        payment = self._accept(order, behaviour)
        early_webhook = _truth(payment) if behaviour.webhook_early else None
        return Created(payment, behaviour.fault, "", delay_ms, early_webhook=early_webhook)

    def check(self, account: str, kind: Kind, reference: str) -> tuple[Payment | None, Fault | None, int]:
        """Look a payment up for a status request: payment, fault, latency in milliseconds."""
        payment = self.book.find(account, kind, reference)
        chooser = self._chooser(account)
        fault, latency_ms = chooser.status()
        if payment is not None and not payment.status_shares:
            fault = Fault(payment.status_fault) if payment.status_fault else None
        if fault is not None:
            self._count(f"status_{fault}")
        return payment, fault, chooser.faults.timeout_ms if fault in TIMEOUTS else latency_ms

    def inquire(self, account: str) -> tuple[Fault | None, int]:
        """Return what a question meets that is about no payment, as status requests do: fault, latency in ms."""
        chooser = self._chooser(account)
        fault, latency_ms = chooser.status()
        if fault is not None:
            self._count(f"inquiry_{fault}")
        return fault, chooser.faults.timeout_ms if fault in TIMEOUTS else latency_ms

    def completes_after_ms(self, account: str) -> int:
        """Return how long something that is begun now takes, in milliseconds."""
        return self._chooser(account).completes_after_ms()

    def move(self, payment: Payment, status: Status, *, message: str = "") -> None:
        """Change a payment's status and announce it; MoveRefusedError when it cannot become that."""
        self._move(payment, status, message=message)
        self._announce(payment)

    def resend(self, payment: Payment) -> None:
        """Send the webhook of the present status again, truthfully."""
        self.sender.send(_truth(payment))

    def _as_planned(self, order: Order) -> Order:
        """Give an order without tokens those planned for its amount, and a webhook address if its account has one."""
        if not self.plans and order.callback_url:
            return order
        account = self.registry.account(order.account)
        url = account.payin_webhook_url if order.kind == "payin" else account.payout_webhook_url
        planned = self.plans.get((order.kind, order.amount_paise), "")
        if "sim:" in order.remarks:
            planned = ""
        remarks = f"{order.remarks} {planned}".strip()
        return msgspec.structs.replace(order, remarks=remarks, callback_url=order.callback_url or url)

    def _chooser(self, account: str) -> Chooser:
        return self._choosers.get(account) or self._choosers[""]

    def _count(self, name: str) -> None:
        self.requests[name] = self.requests.get(name, 0) + 1

    def _accept(self, order: Order, behaviour: Behaviour) -> Payment:
        prefix = self._formats[order.provider].id_prefix(order.kind)
        payment = self.book.accept(
            order, id_prefix=prefix, steps=behaviour.steps, webhook=behaviour.webhook, now_ms=now_ms()
        )
        payment.status_fault = behaviour.status_fault or ""
        payment.status_shares = behaviour.status_shares
        self._journal.write(Accepted(payment))
        if behaviour.webhook.forged:
            forged = _truth(payment)
            self.sender.send(msgspec.structs.replace(forged, status=Status.SUCCESS, signature="wrong"))
        if behaviour.instant or behaviour.webhook_early:
            self._run_steps(payment, announce=not behaviour.webhook_early)
        self._plan_steps(payment, now_ms())
        return payment

    def _run_steps(self, payment: Payment, *, announce: bool) -> None:
        while payment.steps and payment.status in OPEN:
            self._take_step(payment, announce=announce)

    def _plan_steps(self, payment: Payment, present_ms: int) -> None:
        for step in payment.steps:
            due_ms = payment.created_ms + step.after_ms
            self.schedule.after(max(0, due_ms - present_ms), lambda: self._take_step(payment))

    def _take_step(self, payment: Payment, *, announce: bool = True) -> None:
        step, *left = payment.steps
        payment.steps = tuple(left)
        try:
            self._move(payment, step.status, planned=True)
        except MoveRefusedError:
            self._journal.write(Moved(payment.payment_id, planned=True))
        else:
            if announce:
                self._announce(payment)

    def _move(self, payment: Payment, status: Status, *, message: str = "", planned: bool = False) -> None:
        self.book.move(payment, status, message=message, now_ms=now_ms())
        self._journal.write(
            Moved(payment.payment_id, status, payment.utr, payment.message, payment.updated_ms, planned)
        )

    def _announce(self, payment: Payment) -> None:
        plan = payment.webhook
        if plan.missing:
            self.sender.totals["missing_on_purpose"] += 1
            return
        truth = _truth(payment)
        webhook = (
            msgspec.structs.replace(
                truth,
                reference=f"UNKNOWN{truth.reference}"[:40] if plan.unknown_reference else truth.reference,
                amount_paise=truth.amount_paise + 100 * plan.wrong_amount,
                currency="USD" if plan.wrong_currency else truth.currency,
                signature="none" if plan.unsigned else "valid",
                broken=plan.broken,
            )
            if plan != PLAIN_WEBHOOK
            else truth
        )
        for _ in range(plan.copies):
            self.sender.send(webhook, late_ms=plan.late_ms)
        if plan.out_of_order and payment.status not in OPEN:
            stale = msgspec.structs.replace(webhook, status=_before(payment.status))
            self.sender.send(stale, late_ms=plan.late_ms + _STALE_WEBHOOK_MS)

    def _render(self, webhook: Webhook) -> tuple[Mapping[str, str], bytes]:
        order = webhook.payment.order
        return self._formats[order.provider].render(webhook, self.registry.account(order.account), now_ms())

    def _webhook_finished(self, webhook: Webhook) -> None:
        payment = webhook.payment
        if announces_truth(webhook) is not None and payment.announced is not webhook.status:
            payment.announced = webhook.status
            self._journal.write(Announced(payment.payment_id, webhook.status))

    def _replay(self, record: Record) -> None:
        match record:
            case Accepted(payment):
                self.book.restore(payment)
            case Moved(payment_id, status, utr, message, at_ms, planned):
                payment = self.book.payments[payment_id]
                if planned:
                    payment.steps = payment.steps[1:]
                if status is not None:
                    self.book.move(payment, status, utr=utr, message=message, now_ms=at_ms)
            case Repeated(payment_id):
                self.book.repeat(self.book.payments[payment_id])
            case Announced(payment_id, status):
                self.book.payments[payment_id].announced = status
            case AccountSet(name, account):
                self.registry.add_account(name, account)
            case MerchantSet(merchant_id, merchant):
                self.registry.add_merchant(merchant_id, merchant)
            case Received(receipt):
                self.restore_receipt(receipt)


def _truth(payment: Payment) -> Webhook:
    return Webhook(
        payment=payment,
        status=payment.status,
        reference=payment.order.reference,
        amount_paise=payment.order.amount_paise,
    )


def _before(status: Status) -> Status:
    return Status.SUCCESS if status is Status.REVERSED else Status.PENDING
