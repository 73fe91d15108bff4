"""The processes that `wisipay up` starts, in the order of their start.

Decides that order: the simulator first, since the others call it; what takes work in last, so that it is stopped first.
"""

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from wisipay.core.config import Settings
from wisipay.core.embedded.folders import make_folder
from wisipay.entrypoints.instance import Instance
from wisipay.entrypoints.ports import Ports

Introduce = Callable[[], Awaitable[None]]
"""Tells the simulator what it does not remember."""

InstancesOf = Callable[[Settings, Ports, Path, Mapping[str, str], Introduce], Sequence[Instance]]
"""Makes the processes from settings, ports, data folder, environment, and what to call after the simulator's start."""

_CLI: Final = (sys.executable, "-m", "wisipay.entrypoints.cli")
_SIMULATOR: Final = (sys.executable, "-m", "wisipay_simulator")


def instances_of(
    settings: Settings,
    ports: Ports,
    data_dir: Path,
    environment: Mapping[str, str],
    introduce: Introduce,
) -> tuple[Instance, ...]:
    """Return the processes; `introduce` is called after every start of the simulator."""
    host = f"http://{settings.bind_host}"
    journal = make_folder(data_dir / "simulator") / "journal.jsonl"
    return (
        Instance(
            "simulator",
            (*_SIMULATOR, "--port", str(ports.simulator), "--state-file", str(journal)),
            data_dir=data_dir,
            environment=environment,
            health_url=f"{host}:{ports.simulator}/control/summary",
            ports=[ports.simulator],
            after_start=introduce,
        ),
        Instance(
            "worker",
            (*_CLI, "worker"),
            data_dir=data_dir,
            environment=environment,
            health_url=f"{host}:{ports.worker_metrics}/metrics",
            ports=[ports.worker_metrics],
        ),
        Instance(
            "payment",
            (*_CLI, "payment"),
            data_dir=data_dir,
            environment=environment,
            health_url=f"{host}:{ports.payment}/health/ready",
            ports=[ports.payment, ports.payment_metrics],
        ),
        Instance(
            "api",
            (*_CLI, "api"),
            data_dir=data_dir,
            environment=environment,
            health_url=f"{host}:{ports.api}/health/ready",
            ports=[ports.api, ports.api_metrics],
        ),
    )
