"""The instance `wisipay api`: health, readiness, OpenAPI; a busy metrics port ends it."""

from __future__ import annotations

import socket

import aiohttp
import pytest

from support.ports import free_port
from wisipay.core.config import Settings
from wisipay.core.database import DatabaseUnavailable
from wisipay.core.http_server import running
from wisipay.entrypoints.api import build
from wisipay.entrypoints.known_errors import is_known
from wisipay.entrypoints.metrics_port import metrics_port


async def test_ready_when_postgres_answers_and_redis_may_be_gone(settings: Settings) -> None:
    assert await _readiness(settings) == (200, {"postgres": "up", "redis": "up"})
    without_redis = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    assert await _readiness(without_redis) == (200, {"postgres": "up", "redis": "down"})


async def test_a_database_that_is_away_at_the_start_is_said_in_one_line(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": "postgresql://wisipay:secret@127.0.0.1:1/wisipay"})
    with pytest.raises(DatabaseUnavailable) as told:
        async with build(away):
            pass
    assert is_known(told.value)


def test_metrics_are_served_inside_the_block(settings: Settings) -> None:
    port = free_port()
    with metrics_port(settings, port), socket.create_connection(("127.0.0.1", port)):
        pass
    with metrics_port(settings.model_copy(update={"metrics_enabled": False}), port), pytest.raises(OSError):  # noqa: PT011 - refused is all that matters
        socket.create_connection(("127.0.0.1", port))


def test_busy_metrics_port_is_said(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(SystemExit, match=f"cannot serve metrics on 127.0.0.1:{port}: Address already in use"),
            metrics_port(settings, port),
        ):
            pass


async def _readiness(settings: Settings) -> tuple[int, dict[str, str]]:
    quiet = settings.model_copy(update={"metrics_enabled": False})
    async with build(quiet) as app, running(app) as port, aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/schema/openapi.json") as schema:
            assert (await schema.json())["openapi"].startswith("3.1")
        async with session.get(f"http://127.0.0.1:{port}/health/ready") as answer:
            return answer.status, (await answer.json())["dependencies"]
