"""Stores given by URL are looked for before anything is started."""

from __future__ import annotations

import pytest

from wisipay.core.config import Settings
from wisipay.entrypoints.reachable import require_reachable
from wisipay.entrypoints.supervisor import SupervisorError


async def test_store_that_listens_is_accepted(settings: Settings) -> None:
    await require_reachable("REDIS_URL", settings.redis_url)


async def test_store_that_does_not_listen_is_one_line_without_its_password() -> None:
    with pytest.raises(
        SupervisorError, match=r"REDIS_URL: nothing answers at 127.0.0.1:1 .*; start that server"
    ) as raised:
        await require_reachable("REDIS_URL", "redis://:topsecret@127.0.0.1:1/0")
    assert "topsecret" not in str(raised.value)


@pytest.mark.parametrize("url", ["mongodb+srv://cluster.example", "mongodb://a:1,b:2/", "unix:///run/redis"])
async def test_address_of_more_than_one_host_is_left_to_its_driver(url: str) -> None:
    await require_reachable("MONGODB_URI", url)
