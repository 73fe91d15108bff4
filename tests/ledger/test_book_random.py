"""Random histories: the book against a naive ledger, and the invariants after every step."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from support.books import ENTRY_IDS, NOW, SPECS, NaiveLedger, commands, new_book
from wisipay import ledger
from wisipay.ledger import AccountStatus, Command, Rejection


class BookAgainstNaive(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.book = new_book()
        self.naive = NaiveLedger()
        self.now = NOW

    @rule(command=commands)
    def apply(self, command: Command) -> None:
        assert _answer(self.book.apply(command, self.now)) == self.naive.apply(command, self.now)

    @rule(linked=st.lists(commands, max_size=4))
    def apply_linked(self, linked: Sequence[Command]) -> None:
        results = self.book.apply_linked(linked, self.now)
        assert [_answer(result) for result in results] == self.naive.apply_linked(linked, self.now)

    @rule(spec=st.sampled_from(SPECS), status=st.sampled_from([AccountStatus.ACTIVE, *AccountStatus]))
    def set_status(self, spec: ledger.AccountSpec, status: AccountStatus) -> None:
        account = self.book.account(spec.id)
        assert account is not None
        account.status = status
        self.naive.statuses[spec.id] = status

    @rule(minutes=st.integers(-2, 5))
    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @invariant()
    def counters_equal_the_sum_of_lines(self) -> None:
        for spec in SPECS:
            account = self.book.account(spec.id)
            assert account is not None
            counters = (
                account.debits_posted,
                account.credits_posted,
                account.debits_pending,
                account.credits_pending,
            )
            assert counters == self.naive.counters(spec.id)
            assert account.available == self.naive.available(spec.id)

    @invariant()
    def every_entry_balances_and_lines_follow_each_other(self) -> None:
        last = {spec.id: (0, 0, NOW - timedelta(days=1)) for spec in SPECS}
        for entry in self.book.added:
            assert sum(line.amount for line in entry.lines) == 0
            for account, amount, balance_after, number in entry.movements:
                previous_number, previous_balance, previous_moment = last[account.id]
                moved = 0 if entry.kind is ledger.EntryKind.PENDING else amount
                assert (number, balance_after) == (previous_number + 1, previous_balance + moved)
                assert entry.posted_at >= previous_moment
                last[account.id] = (number, balance_after, entry.posted_at)

    @invariant()
    def entries_are_the_accepted_commands(self) -> None:
        assert [entry.command for entry in self.book.added] == self.naive.history
        known = {each.entry_id for each in self.naive.history}
        assert {entry_id for entry_id in ENTRY_IDS if self.book.entry(entry_id) is not None} == known


def _answer(result: ledger.Result) -> Rejection | UUID:
    return result.reason if isinstance(result, ledger.Rejected) else result.entry_id


TestBookAgainstNaive = BookAgainstNaive.TestCase
TestBookAgainstNaive.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
