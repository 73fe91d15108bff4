"""The end of a history: faults stop, everything that was begun goes on to its end, and the books are compared.

Providers bring their orders to an end and write until they are heard; operators open what they froze, settle what asks
for a person, and replay what was laid aside. Then nothing may be left open, and all books must agree.
"""

from __future__ import annotations

from datetime import timedelta

from simulation.acts import Acts
from simulation.broken import Broken
from simulation.provider import Order
from wisipay.callbacks import CallbackState
from wisipay.ledger import AccountStatus
from wisipay.payments import Flag, Kind, Status, Transaction
from wisipay.providers import ProviderStatus

ROUNDS_MAX = 150
_PATIENCE_ROUNDS = 20
"""After so many rounds an operator ends what no provider can ever speak of."""


def come_to_rest(acts: Acts) -> None:
    """Let everything end, and check that it did and that the books agree. Raises `Broken`."""
    world = acts.world
    if world.trace is not None:
        world.say("faults stop")
    world.choices.begin_rest()
    _mend(acts)
    _drain(acts)
    _end_orders(acts)
    for number in range(ROUNDS_MAX):
        _drain(acts)
        _replay(acts)
        if not _operate(acts, hopeless=number >= _PATIENCE_ROUNDS) and _is_at_rest(acts):
            break
        if not acts.stage.outbound and not any(kit.process.has_commands for kit in acts.stage.kits):
            _go_on(acts)
    else:
        raise Broken("rest", f"does not come to rest: {[_told(each) for each in _open(acts)]}")
    _check_all(acts)


def _mend(acts: Acts) -> None:
    for account_id in acts.world.ledger.accounts:
        acts.world.ledger.set_account_status(account_id, AccountStatus.ACTIVE)
    acts.world.people.mend()
    acts.stage.ready.clear()
    for kit in acts.stage.kits:
        kit.process.go_on()


def _drain(acts: Acts) -> None:
    """Do all that can be done without letting time pass."""
    busy = True
    while busy:
        busy = acts.flush() or acts.answer() or acts.record() or acts.mail() or acts.send() or acts.stray()
        if not busy:
            busy = acts.take_inbox() or acts.take_outbox()
    acts.poll()


def _end_orders(acts: Acts) -> None:
    """Bring every order to its end, and have each provider write of it once more."""
    world = acts.world
    for order in world.provider.orders.values():
        lapsed = order.status is ProviderStatus.EXPIRED and order.kind is Kind.PAYOUT
        if order.is_going or lapsed:
            failed = world.choices.chance(300)
            order.status = ProviderStatus.FAILED if failed else ProviderStatus.SUCCESS
        world.post.write(order)


def _replay(acts: Acts) -> None:
    world = acts.world
    aside = list(world.outbox.laid_aside)
    if aside and not acts.stage.outbound:
        for merchant_id in world.people.merchants:
            for kind in Kind:
                world.outbox.switch_on(merchant_id, kind.value)
        world.outbox.replay(aside, world.now)


def _operate(acts: Acts, *, hopeless: bool) -> bool:
    """Settle by hand what waits for a person; returns whether anything did."""
    busy = False
    for transaction in list(acts.world.payments.transactions.values()):
        is_held, is_open = transaction.is_held_for_operator, transaction.is_open
        if not is_held and not (is_open and hopeless):
            continue
        truth = _truth(acts, transaction)
        right = truth is not None and truth.status in {ProviderStatus.SUCCESS, ProviderStatus.REVERSED}
        waits = is_held and (is_open or (right and not _has_moved(transaction)))
        unheard = is_open and truth is None and transaction.kind is Kind.PAYOUT and hopeless
        if waits or unheard:
            acts.by_hand(transaction, Status.SUCCESS if right else Status.FAILED)
            busy = True
    return busy


def _has_moved(transaction: Transaction) -> bool:
    return transaction.status in {Status.SUCCESS, Status.REVERSED}


def _is_at_rest(acts: Acts) -> bool:
    world = acts.world
    return (
        not _open(acts)
        and not acts.stage.outbound
        and not any(kit.process.has_commands or kit.process.records for kit in acts.stage.kits)
        and not world.inbox.waiting
        and not world.outbox.waiting
        and all(row.state is CallbackState.DELIVERED for row in world.outbox.rows.values())
        and all(each.due_at is None for each in world.payments.transactions.values())
    )


def _open(acts: Acts) -> list[Transaction]:
    return [each for each in acts.world.payments.transactions.values() if each.is_open]


def _go_on(acts: Acts) -> None:
    """Go to the next moment at which something falls due."""
    now = acts.world.now
    later = [moment for moment in acts.next_moments() if moment > now]
    acts.pass_until(min(later, default=now) + timedelta(seconds=3))


def _truth(acts: Acts, transaction: Transaction) -> Order | None:
    """Return the order that the payment's outcome follows from: the one whose money moved, else any."""
    orders = acts.world.provider.of_payment.get(transaction.id, [])
    paid = [order for order in orders if order.status is ProviderStatus.SUCCESS]
    returned = [order for order in orders if order.status is ProviderStatus.REVERSED]
    best = paid or returned or orders
    return best[-1] if best else None


def _check_all(acts: Acts) -> None:
    world = acts.world
    if forgotten := world.payments.wake_forgotten(world.now):
        raise Broken("due", f"the sweep found {forgotten}")
    for account in world.ledger.accounts.values():
        world.checks.shadow.compare(account)
    accounts = world.ledger.accounts.values()
    if sum(each.debits_posted - each.credits_posted for each in accounts):
        raise Broken("balanced", "debits and credits of all accounts differ")
    if any(each.debits_pending or each.credits_pending for each in accounts):
        raise Broken("held", "money is held and no payout is open")
    for transaction in world.payments.transactions.values():
        world.checks.transaction(transaction)
        _agrees(acts, transaction)
    world.checks.counters()
    if any(kit.process.sender.reserved for kit in acts.stage.kits):
        raise Broken("places", "places are kept for callbacks that are no longer to be sent")
    undelivered = [str(each) for each in world.outbox.rows if str(each) not in acts.stage.delivered]
    if undelivered:
        raise Broken("callbacks", f"{len(undelivered)} were never delivered")


def _agrees(acts: Acts, transaction: Transaction) -> None:
    """Compare one payment with its provider's books."""
    truth = _truth(acts, transaction)
    is_settled_by_hand = transaction.id in acts.world.by_hand or Flag.MANUAL_REVIEW in transaction.flags
    if truth is None or is_settled_by_hand:
        return
    status = transaction.status
    if truth.status is ProviderStatus.SUCCESS:
        agrees = status is Status.SUCCESS
    elif truth.status is ProviderStatus.REVERSED:
        agrees = status in {Status.REVERSED, Status.FAILED, Status.EXPIRED}
    else:
        agrees = status in {Status.FAILED, Status.EXPIRED}
    if not agrees:
        raise Broken("books agree", f"{_told(transaction)}, and its provider says {truth.status} of {truth.reference}")


def _told(transaction: Transaction) -> str:
    flags = ",".join(sorted(transaction.flags))
    return f"{transaction.kind} {transaction.id} {transaction.status} due {transaction.due_at} {flags}"
