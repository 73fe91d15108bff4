"""`wisipay provider proxy`: one request to a provider from this machine's address, given as JSON or as a line of curl.

Decides that the request comes from a file or standard input, since the command line is seen by every user of the
machine, and that the answer is shown as it is. Who, why and what are in the audit log, without secrets.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from wisipay.core.clock import SystemClock
from wisipay.core.config import Settings
from wisipay.core.database import connect_pool
from wisipay.core.errors import BadRequest
from wisipay.core.http_client import HttpClient
from wisipay.entrypoints.operator import tell_json, user_name
from wisipay.entrypoints.store_settings import settings_with_stores
from wisipay.merchants import Author
from wisipay.providers import ProviderProxy, ProxyAnswer, ProxyPolicy, ProxyRequest, known_hosts, read_request

_STANDARD_INPUT: Final = "-"
_BYTES_MAX: Final = 524_288


def proxy(source: Annotated[str, Parameter(allow_leading_hyphen=True)] = "-", *, reason: str) -> None:
    """Send one request to a provider's host and show the answer. It is sent once, and it may move money.

    Parameters
    ----------
    source
        A file with the request, as JSON (method, url, headers, body) or as a line of curl; - reads standard input.
    reason
        Why, for the audit log.
    """
    request = read_request(_content(source))
    tell_json(asdict(asyncio.run(_send(settings_with_stores(), request, reason))))


def policy_of(settings: Settings) -> ProxyPolicy:
    """Return where this installation's proxy may go; in development also to the simulator."""
    hosts = known_hosts().union(settings.provider_proxy_hosts)
    if settings.simulator_url is not None:
        hosts = hosts.union({settings.simulator_url.partition("://")[2].partition("/")[0]})
    return ProxyPolicy(
        hosts=hosts,
        https_only=settings.is_production,
        timeout_seconds=settings.provider_timeout_seconds,
    )


async def _send(settings: Settings, request: ProxyRequest, reason: str) -> ProxyAnswer:
    author = Author(user_name(), SystemClock().now(), reason=reason)
    pool = await connect_pool(settings, application_name="wisipay provider proxy", max_size=1)
    async with (
        pool,
        HttpClient(private_addresses_allowed=settings.private_addresses_allowed) as client,
    ):
        return await ProviderProxy(pool, client, policy_of(settings)).send(author, request)


def _content(source: str) -> str:
    try:
        if source == _STANDARD_INPUT:
            return sys.stdin.buffer.read(_BYTES_MAX).decode()
        with Path(source).open("rb") as file:
            return file.read(_BYTES_MAX).decode()
    except OSError as error:
        raise BadRequest(f"{source} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise BadRequest("the request is not UTF-8") from None
