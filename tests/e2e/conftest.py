"""The whole product on its real processes, started once; its data folder and ports are its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.e2e_play import Play
from support.ports import free_ports
from wisipay.core.database import Pool, connect_pool
from wisipay.core.http_client import HttpClient
from wisipay.entrypoints.instance import Instance, inherited_environment
from wisipay.entrypoints.instances import instances_of
from wisipay.entrypoints.stack import Stack, running_stack

_PORTS = 9
_ENVIRONMENT = {
    "PAYIN_AUTO_EXPIRE_MINUTES": "1",
    "PROVIDER_TIMEOUT_SECONDS": "3",
}


@dataclass
class Installation:
    """The running product, and its processes by name."""

    stack: Stack
    instances: dict[str, Instance]


@pytest.fixture(scope="session")
async def installation() -> AsyncIterator[Installation]:
    """Run stores, simulator, api, payment and worker as `wisipay up` does."""
    data = _data_folder()
    started: dict[str, Instance] = {}

    def remembered(*given: Any) -> tuple[Instance, ...]:  # noqa: ANN401 - what `instances_of` takes
        instances = instances_of(*given)
        started.update({each.name: each for each in instances})
        return instances

    try:
        async with running_stack(
            data=data,
            port_base=free_ports(_PORTS),
            say=lambda _: None,
            instances=remembered,
            environ=inherited_environment() | _ENVIRONMENT,
        ) as up:
            yield Installation(up, started)
    finally:
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(installation: Installation) -> Stack:
    """Return the running product."""
    return installation.stack


@pytest.fixture(scope="session")
def instances(installation: Installation) -> dict[str, Instance]:
    """Return the product's processes by name."""
    return installation.instances


def _data_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="wisipay-e2e-")).resolve()


@pytest.fixture(scope="session")
async def pool(stack: Stack) -> AsyncIterator[Pool]:
    """Return connections to the installation's database, to look and to found merchants."""
    opened = await connect_pool(stack.settings, application_name="wisipay e2e", max_size=4)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def play(stack: Stack, pool: Pool) -> AsyncIterator[Play]:
    """Return what plays scenarios as merchants and provider."""
    async with HttpClient(private_addresses_allowed=True) as client:
        yield Play(stack.settings, pool, client)
