"""Data folders: what is wrong with one is said in a line; reach of another user is judged by the folders' modes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import system
from wisipay.core.embedded import EmbeddedStoreError, folders, postgres, postgres_cluster, valkey
from wisipay.core.embedded.server import require_free_port

Port = Callable[[], int]


@pytest.fixture
def tiny_disk(data_dir: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    disk = data_dir / "disk"
    disk.mkdir()
    mounted = system.run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk, check=False)
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a file system")
    yield disk
    system.run("umount", "--lazy", disk)


async def test_full_disk_is_said_before_anything_is_made(tiny_disk: Path, free_port: Port) -> None:
    with pytest.raises(
        EmbeddedStoreError, match=r"is full: \d+ MiB free, 256 MiB needed; free some space, or .*--data"
    ):
        await postgres.start(tiny_disk, free_port())


async def test_disk_that_fills_up_meanwhile_is_said(
    tiny_disk: Path, free_port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_cluster, "require_free_space", lambda *_: None)
    with pytest.raises(EmbeddedStoreError, match="is full; free some space, or choose another") as raised:
        await postgres.start(tiny_disk, free_port())
    assert "\n" not in str(raised.value)


async def test_disk_without_a_byte_left_is_said(tiny_disk: Path, free_port: Port) -> None:
    system.run("dd", "if=/dev/zero", f"of={tiny_disk}/ballast", "bs=1M", check=False)
    with pytest.raises(EmbeddedStoreError, match="No space left on device; mend that, or choose another with --data"):
        await valkey.start(tiny_disk, free_port())


async def test_read_only_disk_is_said(tiny_disk: Path, free_port: Port) -> None:
    system.run("mount", "-o", "remount,ro", tiny_disk)
    with pytest.raises(EmbeddedStoreError, match="Read-only file system; mend that, or choose another with --data"):
        await postgres.start(tiny_disk, free_port())


async def test_file_in_place_of_the_folder_is_said(data_dir: Path, free_port: Port) -> None:
    (data_dir / "taken").write_text("a file")
    with pytest.raises(EmbeddedStoreError, match="cannot be used: Not a directory"):
        await valkey.start(data_dir / "taken", free_port())


def test_folder_of_someone_else_is_said(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(EmbeddedStoreError, match=r"cannot be written by user id .* run as its owner, or"):
        folders.make_folder(data_dir / "new")


async def test_busy_port_is_said(data_dir: Path, free_port: Port) -> None:
    running = await valkey.start(data_dir / "one", free_port())
    for start in (postgres.start, valkey.start):
        with pytest.raises(EmbeddedStoreError, match=f"Port {running.port} for .* is already used by another program"):
            await start(data_dir / "two", running.port)
    assert running.is_alive()


def test_port_of_the_system_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("socket.socket.bind", refuse)
    with pytest.raises(EmbeddedStoreError, match="Port 80 for x cannot be opened: Permission denied"):
        require_free_port("x", 80)


def test_reach_follows_the_modes_of_all_folders_above(open_data_dir: Path) -> None:
    inner = open_data_dir / "outer" / "inner"
    inner.mkdir(parents=True)
    own = os.geteuid() + 40_000
    assert folders.can_be_reached(inner, own, own)
    inner.parent.chmod(0o700)
    assert not folders.can_be_reached(inner, own, own)
    assert folders.can_be_reached(inner, 0, 0)
    assert folders.can_be_reached(inner, inner.stat().st_uid, own)
    inner.parent.chmod(0o710)
    assert folders.can_be_reached(inner, own, inner.stat().st_gid)
