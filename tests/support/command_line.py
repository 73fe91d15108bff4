"""Command lines run within the test: on its stores, and what they print."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

from wisipay.core.config import Settings
from wisipay.entrypoints.cli import app

Run: TypeAlias = Callable[..., Awaitable[str]]


def command_line(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a runner of command lines on the stores of `settings`; it gives what they print."""
    environment = {
        "WISIPAY_ENV": "test",
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "MONGODB_URI": "mongodb://127.0.0.1:1",
        "JWT_SECRET": settings.jwt_secret,
        "DATA_DIR": str(settings.data_dir),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    async def command(*arguments: str) -> str:
        capsys.readouterr()
        await asyncio.to_thread(app, list(arguments), result_action="return_value", exit_on_error=False)
        return capsys.readouterr().out

    return command
