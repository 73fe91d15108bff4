"""One supervised process: checked, drained, killed when it resists, found again after a crash."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support import system
from support.waiting import until
from wisipay.core.embedded import EmbeddedStoreError, process
from wisipay.entrypoints import instance as instance_module
from wisipay.entrypoints.instance import Instance, inherited_environment, stop_orphans
from wisipay.entrypoints.supervisor import SupervisorError

PortBase = Callable[[], int]

_FAKE = Path(__file__).with_name("fake_instance.py")


def _instance(data_dir: Path, port: int, *habits: str, drain_seconds: float = 10) -> Instance:
    return Instance(
        "payment",
        (sys.executable, str(_FAKE), str(port), *habits),
        data_dir=data_dir,
        environment={"GREETING": "hello", "PYTHONUNBUFFERED": "1"},
        health_url=f"http://127.0.0.1:{port}/health/ready",
        ports=[port],
        drain_seconds=drain_seconds,
    )


async def test_starts_logs_to_a_file_and_drains(data_dir: Path, port_base: PortBase) -> None:
    instance = _instance(data_dir, port_base())
    assert not instance.is_alive()
    await instance.stop()
    await instance.start()
    assert instance.is_alive()
    await instance.stop()
    assert not instance.is_alive()
    log = (data_dir / "log" / "payment.log").read_text()
    assert f"instance {instance.pid} serves hello" in log
    assert "drained" in log
    assert "ended (exit status 0): drained" in instance.obituary()


async def test_process_that_ignores_the_request_to_stop_is_killed(data_dir: Path, port_base: PortBase) -> None:
    instance = _instance(data_dir, port_base(), "ignore-term", drain_seconds=0.1)
    await instance.start()
    await instance.stop()
    assert not instance.is_alive()
    assert "killed by SIGKILL" in instance.obituary()


async def test_process_that_cannot_start_says_why_in_a_line(data_dir: Path, port_base: PortBase) -> None:
    with pytest.raises(
        SupervisorError, match=r"payment ended \(exit status 1\): FATAL: cannot start, on purpose"
    ) as got:
        await _instance(data_dir, port_base(), "fail").start()
    assert "\n" not in str(got.value)


async def test_process_that_never_gets_ready_is_stopped(
    data_dir: Path, port_base: PortBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance_module, "_READY_TIMEOUT_SECONDS", 1)
    instance = _instance(data_dir, port_base(), "never-ready")
    with pytest.raises(SupervisorError, match="payment is not ready after 1 s"):
        await instance.start()
    assert not instance.is_alive()


async def test_program_that_does_not_exist_is_said(data_dir: Path, port_base: PortBase) -> None:
    port = port_base()
    nonsense = Instance(
        "api", ("/nonsense",), data_dir=data_dir, environment={}, health_url=f"http://127.0.0.1:{port}", ports=[port]
    )
    with pytest.raises(EmbeddedStoreError, match="/nonsense cannot be started"):
        await nonsense.start()
    assert "exit status unknown" in nonsense.obituary()


async def test_busy_port_is_said_before_the_start(data_dir: Path, port_base: PortBase) -> None:
    port = port_base()
    first = _instance(data_dir, port)
    await first.start()
    with pytest.raises(EmbeddedStoreError, match=f"Port {port} for payment is already used"):
        await _instance(data_dir, port).start()
    assert first.is_alive()
    await first.stop()


async def test_orphans_of_this_data_folder_are_stopped_and_no_others(data_dir: Path, port_base: PortBase) -> None:
    base = port_base()
    ours, theirs = _instance(data_dir, base), _instance(data_dir / "other", base + 1)
    await ours.start()
    await theirs.start()
    assert await stop_orphans(data_dir) == 1
    assert not ours.is_alive()
    assert theirs.is_alive()
    assert await stop_orphans(data_dir / "other") == 1
    assert await stop_orphans(data_dir) == 0


async def test_death_is_noticed(data_dir: Path, port_base: PortBase) -> None:
    instance = _instance(data_dir, port_base())
    await instance.start()
    os.kill(instance.pid or 0, signal.SIGKILL)
    await until(lambda: not instance.is_alive())
    assert "killed by SIGKILL" in instance.obituary()


def test_mark_of_another_installation_is_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WISIPAY_UP_DATA", "/elsewhere")
    assert "WISIPAY_UP_DATA" not in inherited_environment()


def test_stranger_with_a_recycled_process_id_is_not_signalled() -> None:
    with system.start("sleep", "300") as stranger:
        recycled = process.ProcessIdentity(stranger.pid, "an earlier boot/1")
        assert not process.send(recycled, signal.SIGKILL)
        assert stranger.poll() is None
        stranger.kill()
