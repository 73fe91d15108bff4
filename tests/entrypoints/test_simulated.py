"""The simulator's credentials fit every adapter."""

from __future__ import annotations

import pytest

from wisipay.entrypoints.simulated import played_adapters, simulated
from wisipay.providers import adapter_names, check_credentials


def test_every_adapter_is_played() -> None:
    assert played_adapters() == adapter_names()


@pytest.mark.parametrize("name", played_adapters())
def test_credentials_fit_and_differ_by_channel(name: str) -> None:
    first, second = (simulated(name, "http://127.0.0.1:4002", channel) for channel in ("one_demo", "two_demo"))
    check_credentials(name, first.credentials)
    assert first.api_key != second.api_key
    assert first.webhook_secret != second.webhook_secret
