"""Callback URLs that are gone, or take nothing for days: switched off, told once, and switched on again."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest

from support.callback_events import attempt, event
from support.endpoints import author, write
from support.parties import Merchants
from wisipay.callbacks import AttemptOutcome, ClaimedCallback, Patience, switch_on_url, switched_off_urls
from wisipay.callbacks.attempts import failure_reason
from wisipay.callbacks.jobs import add_handlers
from wisipay.callbacks.store import claim, record
from wisipay.callbacks.switching import SWITCHED_OFF_MAIL, SwitchedOff
from wisipay.core import jobs
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.core.job_worker import Handler, JobWorker
from wisipay.core.jobs import Job
from wisipay.mail import Mail

GONE = (AttemptOutcome.SWITCHED_OFF, 410)


async def _claim(pool: Pool) -> list[ClaimedCallback]:
    claimed = await claim(pool, {"MER-1": 100}, uuid4(), 60)
    return sorted(claimed, key=lambda each: each.event.transaction_id)


async def _states(pool: Pool) -> list[str]:
    return [row["state"] for row in await pool.fetch("SELECT state FROM callbacks_outbox ORDER BY position")]


async def _mails(pool: Pool) -> list[SwitchedOff]:
    rows = await pool.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = $1", SWITCHED_OFF_MAIL)
    return [msgspec.convert(jobs.payload_of(row["payload"]), SwitchedOff) for row in rows]


async def test_a_url_that_is_gone_is_told_once_and_goes_on_with_what_was_on_its_way(database: Pool) -> None:
    waiting = [event(), event()]
    await write(database, *waiting)
    claimed = await _claim(database)
    outcome, status = GONE
    await record(database, [attempt(each, outcome, status=status) for each in claimed])
    (told,) = await _mails(database)
    assert (told.merchant_id, told.endpoint_id, told.url) == ("MER-1", "PAYIN", waiting[0].url)
    assert told.reason.startswith("answered 410 to ")
    await write(database, event())
    assert await _states(database) == ["SWITCHED_OFF"] * 3
    async with database.acquire() as conn:
        (off,) = await switched_off_urls(conn, "MER-1")
        assert (off.type, off.url) == ("PAYIN", waiting[0].url)
        assert off.switched_off_at <= datetime.now(UTC) + timedelta(minutes=1)
        switched = await switch_on_url(conn, author(), "MER-1", "PAYIN")
        assert (list(switched.urls), switched.resumed) == ([waiting[0].url], 2)
        assert (await switch_on_url(conn, author(), "MER-1", "PAYIN")).resumed == 0
    assert await _states(database) == ["WAITING", "WAITING", "SWITCHED_OFF"]
    assert {each.event for each in await _claim(database)} == set(waiting)
    actions = await database.fetch("SELECT action FROM audit_log ORDER BY happened_at")
    assert [row["action"] for row in actions] == ["callbacks.switch_off", "callbacks.switch_on"]


async def test_a_url_that_takes_nothing_for_days_is_switched_off(database: Pool) -> None:
    await write(database, *(event() for _ in range(3)))
    first, second, third = await _claim(database)
    patience = Patience(span=timedelta(days=3), failures_min=2)
    await record(database, [attempt(first, AttemptOutcome.RETRY, gap_seconds=60, status=500)], patience)
    assert await _states(database) == ["WAITING"] * 3
    await database.execute("UPDATE callbacks_failing SET failing_since = now() - interval '3 days'")
    await record(database, [attempt(second, AttemptOutcome.RETRY, gap_seconds=60, status=500)], patience)
    assert await _states(database) == ["SWITCHED_OFF", "SWITCHED_OFF", "WAITING"]
    (told,) = await _mails(database)
    assert told.reason.startswith("took nothing since ")
    await record(database, [attempt(third)], patience)
    assert await database.fetchval("SELECT count(*) FROM callbacks_failing") == 0


async def test_one_success_is_enough_to_be_given_more_time(database: Pool) -> None:
    await write(database, event(), event(), event())
    first, second, third = await _claim(database)
    patience = Patience(span=timedelta(), failures_min=2)
    for each, outcome in (
        (first, AttemptOutcome.RETRY),
        (second, AttemptOutcome.DELIVERED),
        (third, AttemptOutcome.RETRY),
    ):
        await record(database, [attempt(each, outcome, status=500)], patience)
    assert await _mails(database) == []


def test_patience_is_a_setting() -> None:
    assert Patience.from_settings(Settings(callback_switch_off_hours=5)).span == timedelta(hours=5)


class _Jobs(JobWorker):
    """Keeps the handlers it is given, to run them by hand."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}

    def handle(self, name: str, handler: Handler, *, timeout_seconds: float = 600, attempts: int = 7) -> None:
        del timeout_seconds, attempts
        self.handlers[name] = handler


class _Mailer:
    """Keeps what it is to send."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.sent.append(mail)


@pytest.mark.parametrize(("endpoint_id", "said"), [("PAYOUT", "the callback URL of your payouts"), ("CEP1", "CEP1")])
async def test_the_mail_says_what_is_off_and_why_to_the_address_the_merchant_has_now(
    endpoint_id: str, said: str
) -> None:
    worker, mailer = _Jobs(), _Mailer()
    add_handlers(worker, Merchants(), mailer, "Wisi")
    told = SwitchedOff("MER-1", endpoint_id, "https://shop.example/cb", "answered 410")
    await worker.handlers[SWITCHED_OFF_MAIL](Job(7, SWITCHED_OFF_MAIL, msgspec.to_builtins(told), 1))
    (mail,) = mailer.sent
    assert (mail.to, mail.subject.partition(":")[0], mail.id) == ("merchant@example.com", "Wisi", "callbacks-7")
    assert all(word in mail.text for word in (said, told.url, told.reason, "MER-1"))
    add_handlers(nobody := _Jobs(), Merchants(strict=True), mailer, "Wisi")
    await nobody.handlers[SWITCHED_OFF_MAIL](Job(8, SWITCHED_OFF_MAIL, msgspec.to_builtins(told), 1))
    assert len(mailer.sent) == 1


@pytest.mark.parametrize(
    ("status", "sent", "reason"),
    [
        (None, False, "not_sent"),
        (None, True, "no_answer"),
        (410, True, "gone"),
        (429, True, "slow_down"),
        (302, True, "redirect"),
        (404, True, "refused"),
        (500, True, "broken"),
        (999, True, "odd"),
    ],
)
def test_why_an_attempt_failed_is_one_of_few_words(status: int | None, sent: bool, reason: str) -> None:  # noqa: FBT001 - a case
    failed = attempt(ClaimedCallback(event(), 0, uuid4()), AttemptOutcome.RETRY)
    failed = msgspec.structs.replace(failed, http_status=status, body_sha256=b"s" * 32 if sent else None)
    assert failure_reason(failed) == reason
    assert failed.started_at <= datetime.now(UTC)
