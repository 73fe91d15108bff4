"""`wisipay demo --once --json` as a newcomer runs it: every store and process, few payments, books that agree."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from support.ports import free_ports
from wisipay.core.embedded import process
from wisipay.entrypoints.demonstration.scenarios import PAYINS, PAYOUTS
from wisipay.entrypoints.ports import COUNT

_RUN_SECONDS = 560

pytestmark = pytest.mark.timeout(_RUN_SECONDS + 40)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Return a data folder; whatever still works in it or for it afterwards is killed."""
    folder = Path(tempfile.mkdtemp(prefix="wisipay-demo-")).resolve()
    yield folder
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").resolve().is_relative_to(folder):
                os.kill(int(entry.name), signal.SIGKILL)
    for identity in process.running_with(f"WISIPAY_UP_DATA={folder}"):
        with suppress(ProcessLookupError):
            os.kill(identity.pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


async def _demo(data_dir: Path, *options: str) -> tuple[int | None, str, str]:
    """Run the demo to its end; return exit status, standard output and standard error."""
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "wisipay.entrypoints.cli", "demo", "--data", str(data_dir), "--port-base", str(free_ports(COUNT))),
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_RUN_SECONDS):
            output, errors = await program.communicate()
    except TimeoutError:
        program.terminate()
        output, errors = await program.communicate()
        raise AssertionError(f"the demo did not end in time:\n{errors.decode()}") from None
    return program.returncode, output.decode(), errors.decode()


async def test_every_kind_of_payment_comes_to_its_end_and_all_books_agree(data_dir: Path) -> None:
    status, output, told = await _demo(
        data_dir, "--once", "--json", "--payins", str(len(PAYINS)), "--payouts", str(len(PAYOUTS))
    )
    assert status == 0, told
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    assert result["payins"] == _ends(PAYINS), told
    assert result["payouts"] == _ends(PAYOUTS), told
    callbacks, ledger, provider = result["callbacks"], result["ledger"], result["provider"]
    assert callbacks["expected"] == callbacks["delivered"] == callbacks["verified"] > 0
    assert ledger["balanced"]
    assert ledger["debits"] == ledger["credits"] > 0
    assert provider["executed_payins"] == result["payins"]["SUCCESS"] + result["payins"]["REVERSED"]
    assert provider["executed_payouts"] == result["payouts"]["SUCCESS"] + result["payouts"]["REVERSED"]
    assert provider["double_payouts"] == 0
    assert result["lifecycles_per_second"] > 0
    assert result["seconds"] > 0
    assert "The books agree" in told
    assert process.running_with(f"WISIPAY_UP_DATA={data_dir}") == []


def _ends(catalogue: Any) -> dict[str, int]:  # noqa: ANN401 - either catalogue
    ends = [scenario.ends for scenario in catalogue]
    return {status: ends.count(status) for status in sorted(set(ends))}
