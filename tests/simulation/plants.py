"""Bugs planted in the product, one at a time, each of which the simulation must find.

A plant replaces one piece of a source file, which occurs there exactly once, by another. Kept as pairs of text rather
than as patches, so that a change of the lines around them breaks none.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plant:
    """A bug: `file` is below src/wisipay."""

    name: str
    file: str
    before: str
    after: str

    @property
    def module(self) -> str:
        """The module that the file is."""
        return "wisipay." + self.file.removesuffix(".py").replace("/", ".")


_MACHINE, _SETTLING, _OPENING = "payments/machine.py", "payments/settling.py", "payments/opening.py"
_BOOK, _LEDGER, _SERVICE = "payments/book.py", "ledger/machine.py", "payments/service.py"
_EXPRESS = "payments/express.py"

PLANTS = (
    Plant(
        "a failed payment stays in its limits",
        _SETTLING,
        "        return False\n    book.release_use(transaction)\n",
        "        return False\n",
    ),
    Plant(
        "an expired payin stays in its limits",
        _SETTLING,
        "    book.release_use(transaction)\n    transaction.due_at, transaction.polls =",
        "    transaction.due_at, transaction.polls =",
    ),
    Plant("a late success does not count in the limits", _SETTLING, "        book.use(transaction)\n", ""),
    Plant(
        "a repeated success settles once more",
        _MACHINE,
        "    if not may_move(transaction.kind, transaction.status, target):\n        if target",
        "    if target is not Status.SUCCESS:\n        if target",
    ),
    Plant("a fee bears no tax", "merchants/fees.py", "tax_paise=share_ppm(fee, charge.tax_ppm)", "tax_paise=Paise(0)"),
    Plant(
        "fees are rounded down",
        "core/money.py",
        "(parts + _HALF_PPM) // PPM if parts",
        "parts // PPM if parts",
    ),
    Plant(
        "whoever has any lease moves the schedule on",
        _MACHINE,
        "command.lease_token is not None and command.lease_token == transaction.lease_token",
        "command.lease_token is not None",
    ),
    Plant(
        "a word about an older attempt is heard as one about the present",
        _MACHINE,
        "    if word.attempt is not None and word.attempt != transaction.attempt:\n        return _hear",
        "    if word.attempt == 0:\n        return _hear",
    ),
    Plant(
        "any channel may speak of any payment",
        _MACHINE,
        "word.channel_ids is None or channel_id in word.channel_ids",
        "True or channel_id in word.channel_ids",
    ),
    Plant(
        "a hint is taken for a proof", "payments/words.py", "        if not word.authentic:\n", "        if False:\n"
    ),
    Plant(
        "an unknown payout fails at once",
        _MACHINE,
        '        book.move(transaction, Status.PROCESSING, now, Source.API, f"answer unknown: {unknown.reason}")\n',
        '        settling.fail(book, transaction, now, Source.API, "UNKNOWN", unknown.reason)\n',
    ),
    Plant(
        "an unknown payout goes on to the next channel",
        _MACHINE,
        "    if transaction.kind is Kind.PAYOUT:\n        book.move(transaction, Status.PROCESSING, now, Source.API, f",
        "    if transaction.kind is None:\n        book.move(transaction, Status.PROCESSING, now, Source.API, f",
    ),
    Plant(
        "no callback tells of an expiry",
        _BOOK,
        "        if after in FINAL:\n",
        "        if after in FINAL and source is not Source.AUTO_EXPIRE:\n",
    ),
    Plant(
        "what is held may be spent once more",
        _LEDGER,
        "account.available + inflow < (account.min_balance or 0)",
        "account.balance + inflow < (account.min_balance or 0)",
    ),
    Plant(
        "a posted hold is not given back",
        _LEDGER,
        "        self._end(hold, command.entry_id, EntryKind.POST)\n",
        "        hold.resolved_by, hold.resolved_kind = command.entry_id, EntryKind.POST\n",
    ),
    Plant(
        "linked commands leave the counters as they were when one fails",
        _LEDGER,
        "            self._accounts[account_id].restore(state)\n",
        "            self._accounts[account_id].state()\n",
    ),
    Plant(
        "a payout that is not found yet has never arrived",
        _MACHINE,
        "        and transaction.not_found >= rules.not_found_looks\n"
        "        and age_seconds >= rules.not_found_after_seconds\n",
        "        and age_seconds >= 0\n",
    ),
    Plant(
        "an order is sent however late",
        _SERVICE,
        "if age_seconds > self._rules.send_window_seconds:",
        "if age_seconds > 1e9:",
    ),
    Plant(
        "a payout lapses when its provider says EXPIRED",
        _MACHINE,
        "        return Status.PROCESSING  # a payout does not lapse",
        "        return Status.FAILED  # a payout does not lapse",
    ),
    Plant(
        "a payin expires at its first look",
        _MACHINE,
        "    elif transaction.expires_at is not None and now >= transaction.expires_at:\n",
        "    elif transaction.expires_at is not None:\n",
    ),
    Plant(
        "another amount settles too",
        _MACHINE,
        "word.amount_paise is not None and word.amount_paise != transaction.amount_paise",
        "word.amount_paise is None and word.amount_paise != transaction.amount_paise",
    ),
    Plant(
        "a success of a channel left behind is booked on the present one",
        _MACHINE,
        "        attempt=attempt.number,\n        channel_id=attempt.channel_id,\n",
        "        attempt=attempt.number,\n",
    ),
    Plant(
        "limits do not move along to the next channel",
        _MACHINE,
        "        book.release_use(transaction)\n        book.use(moved)\n",
        "        book.release_use(transaction)\n        book.use(transaction)\n",
    ),
    Plant(
        "an opened payment that has ended is sent all the same",
        _OPENING,
        "if transaction.is_open and transaction.attempt == 1 and candidate",
        "if candidate",
    ),
    Plant(
        "nobody looks at a payout that is under way",
        _MACHINE,
        "            transaction.due_at = now + timedelta(seconds=first)\n",
        "            transaction.due_at = None if first else now\n",
    ),
    Plant(
        "the monthly limit is not looked at",
        _OPENING,
        "    if exceeds(book.used(month_key(subject, day)), amount_paise, monthly_limit_paise):\n",
        "    if exceeds(book.used(month_key(subject, day)), amount_paise, None):\n",
    ),
    Plant(
        "a success that comes after its return is booked",
        _MACHINE,
        "    if target is Status.SUCCESS and transaction.error_code == RETURNED:\n",
        "    if target is Status.SUCCESS and transaction.error_code is RETURNED and not word:\n",
    ),
    Plant(
        "a failed payout keeps its hold",
        _SETTLING,
        "not _write(book, transaction, postings.void_hold(transaction), now, source)",
        "transaction.attempt > 8",
    ),
    Plant(
        "a reversal forgets the money",
        _SETTLING,
        "    if not _write(book, transaction, postings.reversal(transaction), now, source):\n",
        "    if transaction.attempt < 0:\n",
    ),
    Plant(
        "a refused settlement counts as done",
        _SETTLING,
        "    if not _write(book, transaction, entry, now, source):\n        return False\n",
        "    _write(book, transaction, entry, now, source)\n",
    ),
    Plant(
        "a payment set by hand keeps the hold",
        "payments/manual.py",
        '    return settling.fail(book, transaction, now, _SOURCE, "FAILED_BY_HAND", message)\n',
        "    book.release_use(transaction)\n    return book.move(transaction, target, now, _SOURCE, message) is None\n",
    ),
    Plant(
        "the lease of a callback that is born leased never ends",
        "callbacks/enqueue.py",
        "        int(lease.seconds),\n",
        "        int(lease.seconds) << 24,\n",
    ),
    Plant(
        "callbacks of a transaction that was rolled back are sent",
        "callbacks/handover.py",
        "            writing.give_up()\n",
        "            writing.hand_over()\n",
    ),
    Plant(
        "a callback that others wait for is sent by who wrote it",
        "callbacks/handover.py",
        "for event in self._reserved if event.event_id in leased]\n",
        "for event in self._reserved]\n",
    ),
    Plant(
        "the express counter believes what others have changed",
        _EXPRESS,
        "{row.id: version for row, version in found})",
        "{})",
    ),
    Plant(
        "what the express counter has decided stays as it was known",
        _EXPRESS,
        "self._known.pop(each, None) for each",
        "self._known.get(each) for each",
    ),
    Plant(
        "limits are not asked for at the express counter",
        _EXPRESS,
        "command.kind is Kind.PAYIN and not usage_needs([(command, None)], {}, now)",
        "command.kind is Kind.PAYIN",
    ),
    Plant(
        "a paused channel is routed to",
        "payments/routing/places.py",
        "    if channel.is_paused:\n",
        "    if channel.is_paused and book.rules:\n",
    ),
    Plant(
        "a rule to keep away from a channel is passed over",
        "payments/routing/matching.py",
        "                avoided = avoided.union(rule.channels)\n",
        "                avoided = avoided.union(rule.banks)\n",
    ),
    Plant(
        "routing takes the provider's fee without its tax",
        "payments/routing/router.py",
        "provider_tax_paise=fee.tax_paise if fee else Paise(0)",
        "provider_tax_paise=Paise(0)",
    ),
    Plant(
        "a beneficiary that cannot be right is paid",
        "payments/beneficiary_check.py",
        "    if finding.faults:\n",
        "    if len(finding.faults) > 1:\n",
    ),
    Plant(
        "the provider's share of a payin leaves out the fee",
        "payments/postings.py",
        "(net, -transaction.net_paise))\n",
        "(net, transaction.fee_paise - transaction.amount_paise))\n",
    ),
)
