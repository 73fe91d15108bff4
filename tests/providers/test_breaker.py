"""The breaker's pure machine."""

from wisipay.providers.breaker import CLOSED, BreakerPolicy, Circuit, admit, report

POLICY = BreakerPolicy(failures_to_open=3, open_seconds=30, trial_seconds=60)


def failed(circuit: Circuit, times: int, now_ms: int = 0) -> Circuit:
    for _ in range(times):
        circuit = report(circuit, circuit.generation, success=False, now_ms=now_ms, policy=POLICY)
    return circuit


def test_a_closed_circuit_lets_calls_through() -> None:
    circuit, admission = admit(CLOSED, 0, POLICY)
    assert admission.allowed
    assert circuit == CLOSED


def test_failures_in_a_row_open_it() -> None:
    almost = failed(CLOSED, 2)
    assert admit(almost, 0, POLICY)[1].allowed
    admission = admit(failed(almost, 1), 10_000, POLICY)[1]
    assert not admission.allowed
    assert admission.retry_after_ms == 20_000


def test_a_success_in_between_starts_the_count_again() -> None:
    circuit = report(failed(CLOSED, 2), 0, success=True, now_ms=0, policy=POLICY)
    assert admit(failed(circuit, 2), 0, POLICY)[1].allowed


def test_after_its_time_exactly_one_trial_goes_out() -> None:
    circuit, first = admit(failed(CLOSED, 3), 30_000, POLICY)
    assert first.allowed
    assert not admit(circuit, 30_000, POLICY)[1].allowed


def test_a_trial_that_succeeds_closes_it() -> None:
    circuit, trial = admit(failed(CLOSED, 3), 30_000, POLICY)
    closed = report(circuit, trial.generation, success=True, now_ms=30_500, policy=POLICY)
    assert admit(closed, 30_500, POLICY)[1].allowed
    assert closed.failures == 0


def test_a_trial_that_fails_opens_it_for_another_full_time() -> None:
    circuit, trial = admit(failed(CLOSED, 3), 30_000, POLICY)
    reopened = report(circuit, trial.generation, success=False, now_ms=31_000, policy=POLICY)
    assert not admit(reopened, 60_999, POLICY)[1].allowed
    assert admit(reopened, 61_000, POLICY)[1].allowed


def test_a_trial_that_never_reports_makes_way_for_another() -> None:
    circuit, lost = admit(failed(CLOSED, 3), 30_000, POLICY)
    assert not admit(circuit, 89_999, POLICY)[1].allowed
    circuit, second = admit(circuit, 90_000, POLICY)
    assert second.allowed
    assert report(circuit, lost.generation, success=True, now_ms=90_000, policy=POLICY) == circuit


def test_late_answers_of_calls_sent_before_it_opened_change_nothing() -> None:
    opened = failed(CLOSED, 3)
    assert report(opened, CLOSED.generation, success=True, now_ms=1, policy=POLICY) == opened
    assert report(opened, CLOSED.generation, success=False, now_ms=1, policy=POLICY) == opened
