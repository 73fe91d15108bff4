"""`wisipay listen|trigger|logs|resend`: the developer's commands of wisipay-sdk, handed over to it.

Decides nothing: the commands need a merchant's keys and nothing of the server, so they live in the SDK, which merchants
install without us. There they are called `wisipay-dev`.
"""

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final, NoReturn

from cyclopts import App, Parameter

_PACKAGE: Final = "wisipay_sdk"

Arguments = Annotated[str, Parameter(allow_leading_hyphen=True)]


class DeveloperToolsMissing(Exception):  # noqa: N818 - the name says what is the matter
    """The SDK is not installed; the text says how to."""


def _handing_over(command: str) -> App:
    """Return a command that takes every argument as it is, `--help` too."""
    app = App(name=command, help_flags=[], version_flags=[])

    @app.default
    def run(*arguments: Arguments) -> NoReturn:
        hand_over(command, *arguments)

    return app


listen, trigger, logs, resend = (_handing_over(command) for command in ("listen", "trigger", "logs", "resend"))


def hand_over(*arguments: str) -> NoReturn:
    """Become the SDK's command line. Raises `DeveloperToolsMissing`."""
    beside = _checkout()
    if not beside and find_spec(_PACKAGE) is None:
        raise DeveloperToolsMissing(f"`wisipay {arguments[0]}` is part of wisipay-sdk: pip install wisipay-sdk")
    command = [sys.executable, "-m", _PACKAGE, *arguments]
    os.execve(sys.executable, command, {**os.environ, **beside})  # noqa: S606 - ourselves, without a shell


def _checkout() -> Mapping[str, str]:
    """In a checkout the SDK lies beside us and need not be installed."""
    sources = Path(__file__).parents[3] / "sdk" / "src"
    return {"PYTHONPATH": str(sources)} if (sources / _PACKAGE).is_dir() else {}
