"""The command line: quick help, one line for a known error, a traceback for a bug."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support import system
from wisipay.core.config import Settings
from wisipay.core.errors import NotFound
from wisipay.entrypoints import cli
from wisipay.entrypoints.known_errors import is_known

_HEAVY = ("asyncpg", "litestar", "pymongo", "alembic", "aiohttp", "pydantic", "pyarrow", "redis", "opentelemetry")
_COMMANDS = (
    "api",
    "payment",
    "worker",
    "up",
    "demo",
    "migrate",
    "version",
    "merchant",
    "provider",
    "callbacks",
    "jobs",
)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [([], _COMMANDS), (["ledger"], ("verify", "export", "seal", "heads", "months"))],
    ids=["all", "ledger"],
)
def test_help_names_every_command_and_imports_nothing_heavy(asked: list[str], shown: tuple[str, ...]) -> None:
    script = (
        f"import sys; from wisipay.entrypoints import cli; sys.argv = {['wisipay', *asked, '--help']}\n"
        "try: cli.app()\n"
        "except SystemExit: pass\n"
        f"print('heavy:', [name for name in {_HEAVY} if name in sys.modules])"
    )
    told = system.run(sys.executable, "-c", script).stdout
    assert "heavy: []" in told
    for command in shown:
        assert f" {command} " in told


def test_module_and_program_are_the_same() -> None:
    assert system.run(sys.executable, "-m", "wisipay", "version").stdout.strip() == "0.1.0"


def test_wrong_setting_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("API_PORT", "99999")
    _expect(capsys, monkeypatch, ["api"], "wisipay: API_PORT: got '99999', wants a TCP port, 1 to 65535\n")


def test_wrong_first_port_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arguments = ["up", "--port-base", "80", "--data", str(tmp_path)]
    _expect(capsys, monkeypatch, arguments, "wisipay: --port-base: got 80, wants a number from 1024 to 65527.\n")


def test_instance_without_stores_says_what_it_wants(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("MONGODB_URI", "mongodb://127.0.0.1:1/")
    line = (
        f"wisipay: DATABASE_URL: is not set and no embedded store runs in {tmp_path}; wants the address of a server, "
    )
    _expect(capsys, monkeypatch, ["worker"], line + "or a running `wisipay up` (DATA_DIR names its folder)\n")


def test_interrupt_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_tokens: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130


def test_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_tokens: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_children_of_known_errors_are_known() -> None:
    assert is_known(NotFound())
    assert not is_known(ValueError())


def test_migrate_brings_the_schema_up_to_date(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("MONGODB_URI", "mongodb://127.0.0.1:1/")
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    done = system.run(sys.executable, "-m", "wisipay", "migrate", "pre")
    assert "Traceback" not in done.stderr


def _expect(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], line: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["wisipay", *arguments])
    run: Callable[[], None] = cli.main
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 2
    assert capsys.readouterr().err == line
