"""The developer's command line, piece by piece: keys, patience, forwarding, bookmarks, the table of outcomes."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from wisipay.payments import Kind
from wisipay.sandbox.outcomes import OUTCOMES as SANDBOX
from wisipay.sandbox.outcomes import callbacks_of
from wisipay_sdk import Event, InvalidAnswer, NoAnswer, Page, Refused
from wisipay_sdk.cli import profile
from wisipay_sdk.cli.following import following
from wisipay_sdk.cli.forwarding import Forwarder
from wisipay_sdk.cli.listen import Bookmark, line
from wisipay_sdk.cli.main import main
from wisipay_sdk.cli.outcomes import OUTCOMES
from wisipay_sdk.cli.profile import Profile, ProfileError
from wisipay_sdk.cli.saying import say
from wisipay_sdk.signing import standard_signature

KEYS = {"WISIPAY_URL": "http://x", "WISIPAY_MERCHANT": "MER-1", "WISIPAY_SECRET": "s"}
WHSEC = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
EVENT = Event(
    event_id="E-1",
    cursor="7",
    environment="UAT",
    order_id="ORDER-1",
    transaction_id="UAT_1",
    type="PAYIN",
    status="SUCCESS",
    occurred_at=datetime(2026, 2, 5, tzinfo=UTC),
    delivery_state="WAITING",
    attempts=0,
    last_error=None,
    endpoints=(),
    headers={"webhook-id": "E-1", "webhook-timestamp": "170", "webhook-signature": "v1,x", "x-signature": "00"},
    body=b'{"a":1}',
)


def test_every_outcome_of_the_sandbox_can_be_triggered_and_is_waited_for() -> None:
    assert set(OUTCOMES) == {outcome.name for outcome in SANDBOX}
    for theirs in SANDBOX:
        ours = OUTCOMES[theirs.name]
        kind = Kind.PAYIN if ours.kind == "payin" else Kind.PAYOUT
        callbacks = callbacks_of(theirs, kind)
        ends = [step.after_seconds for step in theirs.steps(kind) or ()] + [seconds for _, seconds in callbacks]
        assert theirs.steps(kind) is not None, theirs.name
        assert (ours.rupees, ours.ends_seconds) == (theirs.rupees, max(ends, default=0)), theirs.name
        assert ours.callbacks == len(callbacks), theirs.name


def test_keys_come_from_the_environment_or_a_file_that_only_the_owner_reads(tmp_path: Path) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert profile.load("default", KEYS) == Profile("http://x", "MER-1", "s")
    with pytest.raises(ProfileError, match="WISIPAY_SECRET not set, and no profile 'default'"):
        profile.load("default", home | {"WISIPAY_URL": "http://x", "WISIPAY_MERCHANT": "MER-1"})
    path = profile.save("shop", Profile("http://y", "MER-2", "t", paise=True), home)
    assert path.stat().st_mode & 0o777 == 0o600
    assert profile.load("shop", home) == Profile("http://y", "MER-2", "t", paise=True)
    assert profile.load("shop", home | {"WISIPAY_URL": "http://z"}).url == "http://z"
    assert "hidden" not in repr(Profile("u", "m", "hidden"))
    path.chmod(0o644)
    with pytest.raises(ProfileError, match="chmod 600"):
        profile.load("shop", home)
    assert profile.save("shop", Profile("http://y", "MER-2", "t"), home).stat().st_mode & 0o777 == 0o600
    path.write_text("no json")
    with pytest.raises(ProfileError, match="cannot be read"):
        profile.load("shop", home)
    with pytest.raises(ProfileError, match="letters"):
        profile.load("../x", home)


def test_configure_asks_for_keys_and_a_command_without_any_says_how_to_give_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["logs", "tail"])
    assert ended.value.code == 2
    assert "wisipay-dev configure" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", io.StringIO("http://x\nMER-1\ns\n"))
    main(["configure"])
    assert profile.load("default", {"XDG_CONFIG_HOME": str(tmp_path)}) == Profile("http://x", "MER-1", "s")
    monkeypatch.setattr(sys, "stdin", io.StringIO("http://x\n\n\n"))
    with pytest.raises(SystemExit):
        main(["configure"])
    with pytest.raises(SystemExit):
        main(["resend", "E-1", "--forward-to", "localhost"])
    assert "--forward-to wants an address" in capsys.readouterr().err


def refused(status: int, retry_after_seconds: float | None = None) -> Refused:
    return Refused(
        "no",
        http_status=status,
        code="X",
        details={},
        request_id=None,
        retry_after_seconds=retry_after_seconds,
    )


def test_it_goes_on_behind_the_cursor_and_bears_what_may_pass(capsys: pytest.CaptureFixture[str]) -> None:
    script: list[Page[str] | Exception] = [
        Page(["a"], "1", has_more=False),
        Page([], "2", has_more=False),
        NoAnswer("gone", idempotency_key=None),
        refused(429, 7.0),
        InvalidAnswer("odd", http_status=502, request_id=None),
        Page(["b"], "3", has_more=False),
        refused(403),
    ]
    asked: list[str] = []
    pauses: list[float] = []

    def fetch(cursor: str) -> Page[str]:
        asked.append(cursor)
        told = script.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    pages = following(fetch, "0", pauses.append)
    assert [next(pages).items, next(pages).items] == [["a"], ["b"]]
    with pytest.raises(Refused):
        next(pages)
    assert asked == ["0", "1", "2", "2", "2", "2", "3"]
    assert pauses == [1.0, 7.0, 5.0]
    assert "again in 7 s" in capsys.readouterr().err


def forwarder(answer: Callable[[httpx.Request], httpx.Response], secret: str | None = None) -> Forwarder:
    return Forwarder("http://local/cb", secret, transport=httpx.MockTransport(answer), sleep=lambda _: None)


def test_the_exact_callback_is_forwarded_and_a_server_that_starts_is_waited_for() -> None:
    seen: list[httpx.Request] = []

    def starting(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if len(seen) < 3:
            raise httpx.ConnectError("refused")
        return httpx.Response(201, text="taken\n")

    with forwarder(starting) as starts:
        forwarded = starts.forward(EVENT)
    assert (forwarded.http_status, seen[2].content, seen[2].headers["webhook-signature"]) == (201, EVENT.body, "v1,x")
    assert line(EVENT, forwarded).endswith("taken")
    assert "-> 201 in" in line(EVENT, forwarded)

    def taken(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    with forwarder(taken, WHSEC) as own:
        own.forward(EVENT)
    expected = standard_signature(secret=WHSEC, event_id="E-1", timestamp="170", body=EVENT.body)
    assert seen[-1].headers["webhook-signature"] == expected


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")], ids=["away", "slow"])
def test_a_server_that_says_nothing_is_told_of(error: httpx.HTTPError) -> None:
    def away(_request: httpx.Request) -> httpx.Response:
        raise error

    with forwarder(away) as asked:
        forwarded = asked.forward(EVENT)
    assert forwarded.http_status is None
    assert "no answer" in line(EVENT, forwarded)


def test_a_bookmark_is_of_one_account_and_address(tmp_path: Path) -> None:
    home = {"XDG_STATE_HOME": str(tmp_path)}
    mark = Bookmark.of(home, "http://x", "MER-1", "False", "http://local")
    assert mark.read() is None
    mark.write("41")
    mark.write("42")
    assert Bookmark.of(home, "http://x", "MER-1", "False", "http://local").read() == "42"
    assert Bookmark.of(home, "http://x", "MER-2", "False", "http://local").read() is None
    mark.path.write_text("[]")
    assert mark.read() is None


def test_what_a_stranger_wrote_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b[2Jb\r\nc")
    assert capsys.readouterr().out == "a\\x1b[2Jb\\r\\nc\n"
