"""Runs every contract test for every adapter: one `case_<name>.py` beside this file per adapter."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.loopback import Loopback, running_loopback
from support.provider_bench import Bench, bench_adapter
from support.provider_case import ProviderCase
from wisipay.core.http_client import HttpClient


def _load(path: Path) -> ProviderCase:
    spec = importlib.util.spec_from_file_location(f"contract_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    case = module.Case()
    assert isinstance(case, ProviderCase)
    return case


CASES = [_load(path) for path in sorted(Path(__file__).parent.glob("case_*.py"))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Spread a test over all adapters, and over what each of them can create where it asks for `kind`."""
    if "kind" in metafunc.fixturenames:
        asks = "status" in metafunc.module.__name__
        pairs = [(case, kind) for case in CASES for kind in case.kinds if not (asks and kind in case.unchecked)]
        metafunc.parametrize(("case", "kind"), pairs, ids=[f"{case.name}-{kind}" for case, kind in pairs])
    elif "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES, ids=[case.name for case in CASES])


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[HttpClient]:
    """Return a client that may call this machine."""
    async with HttpClient(private_addresses_allowed=True) as client:
        yield client


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    """Return a provider on this machine that answers as told."""
    async with running_loopback() as loopback:
        yield loopback


@pytest.fixture
def bench(case: ProviderCase, client: HttpClient, loopback: Loopback) -> Bench:
    """Return the adapter of the case, calling the loopback provider."""
    return Bench(case, loopback, client, bench_adapter(case, client, loopback.url))
