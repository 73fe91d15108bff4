"""The whole product on its real processes, started once; its data folder and ports are its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.e2e_play import Play
from support.ports import free_ports
from wisipay.core.database import Pool, connect_pool
from wisipay.core.http_client import HttpClient
from wisipay.entrypoints.instance import inherited_environment
from wisipay.entrypoints.stack import Stack, running_stack

_PORTS = 9
_ENVIRONMENT = {
    "PAYIN_AUTO_EXPIRE_MINUTES": "1",
    "PROVIDER_TIMEOUT_SECONDS": "3",
}


@pytest.fixture(scope="session")
async def stack() -> AsyncIterator[Stack]:
    """Run stores, simulator, api, payment and worker as `wisipay up` does."""
    data = _data_folder()
    environ = inherited_environment() | _ENVIRONMENT
    try:
        async with running_stack(data=data, port_base=free_ports(_PORTS), say=lambda _: None, environ=environ) as up:
            yield up
    finally:
        shutil.rmtree(data, ignore_errors=True)


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
