"""`wisipay listen|trigger|logs|resend` are the SDK's commands: what was given is handed over as it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from wisipay.entrypoints import cli, cli_developer
from wisipay.entrypoints.known_errors import is_known

Handed = tuple[str, list[str], dict[str, str]]


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[Handed]:
    """Take down what this process would become."""
    calls: list[Handed] = []

    def become(program: str, arguments: list[str], environment: dict[str, str]) -> None:
        calls.append((program, arguments, environment))
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", become)
    return calls


@pytest.mark.parametrize(
    "given",
    [
        ["logs", "tail", "--status", "4xx", "-f"],
        ["listen", "--forward-to", "http://localhost:1/x", "--help"],
        ["trigger", "late-success"],
        ["resend", "01a204f4", "--to", "url"],
    ],
    ids=["logs", "listen", "trigger", "resend"],
)
def test_every_argument_is_handed_over(given: list[str], handed: list[Handed], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["wisipay", *given])
    with pytest.raises(SystemExit):
        cli.main()
    ((program, arguments, environment),) = handed
    assert (program, arguments) == (sys.executable, [sys.executable, "-m", "wisipay_sdk", *given])
    assert (Path(environment["PYTHONPATH"]) / "wisipay_sdk" / "__main__.py").is_file()


def test_without_the_sdk_one_line_says_how_to_have_it(handed: list[Handed], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_developer, "_checkout", dict)
    monkeypatch.setattr(cli_developer, "find_spec", lambda _: None)
    with pytest.raises(cli_developer.DeveloperToolsMissing, match="pip install wisipay-sdk") as missing:
        cli_developer.hand_over("logs", "tail")
    assert is_known(missing.value)
    assert handed == []
