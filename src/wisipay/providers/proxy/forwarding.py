"""Sending an operator's request to a provider, once, with who, why and what in the audit log before a byte leaves.

Decides what is kept of it: the request and the answer without secrets and personal data. Must never follow a redirect,
never connect to a private address (the client sees to both), and never log a body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wisipay.core.database import Pool
from wisipay.core.http_client import AnswerLost, HttpAnswer, HttpClient, NotSent
from wisipay.core.logging import get_logger
from wisipay.merchants import Author
from wisipay.providers.capture import ProviderRequest, redacted_exchange
from wisipay.providers.proxy.hosts import check_place
from wisipay.providers.proxy.reading import ProxyRefused, ProxyRequest

ANSWER_BYTES_MAX: Final = 1024 * 1024

_logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProxyPolicy:
    """Where requests may go, and how long each may take; `https_only` in production."""

    hosts: frozenset[str]
    https_only: bool
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class ProxyAnswer:
    """What came back, as it is; or `failure`, and then nobody knows what happened there unless it says "not sent"."""

    status: int | None = None
    headers: Mapping[str, str] | None = None
    body: str = ""
    is_cut: bool = False
    seconds: float = 0
    failure: str | None = None


class ProviderProxy:
    """Forwards requests; `client` is the one for providers, which connects to public addresses only."""

    def __init__(self, pool: Pool, client: HttpClient, policy: ProxyPolicy) -> None:
        self._pool = pool
        self._client = client
        self._policy = policy

    async def send(self, author: Author, request: ProxyRequest) -> ProxyAnswer:
        """Audit and send a request. Raises ProxyRefused for another host, and without a reason in `author`."""
        if not (author.reason or "").strip():
            raise ProxyRefused("say why: it is kept in the audit log")
        place = check_place(request.url, self._policy.hosts, https_only=self._policy.https_only)
        sent = ProviderRequest("proxy", "", request.method, request.url, request.headers, request.body)
        await self._record(author, "provider.proxy", place, sent, "")
        outcome = await self._exchange(request)
        await self._record(author, "provider.proxy_answer", place, sent, outcome)
        answer = _answer(outcome) if isinstance(outcome, HttpAnswer) else ProxyAnswer(failure=outcome)
        _logger.info(
            "provider.proxy.sent", host=place, method=request.method, status=answer.status, error=answer.failure
        )
        return answer

    async def _exchange(self, request: ProxyRequest) -> HttpAnswer | str:
        try:
            return await self._client.request(
                request.method,
                request.url,
                headers=request.headers,
                body=request.body,
                timeout_seconds=self._policy.timeout_seconds,
                max_bytes=ANSWER_BYTES_MAX,
                cut_body=True,
            )
        except NotSent as error:
            return f"not sent: {error}"
        except AnswerLost as error:
            return f"answer lost: {error}"

    async def _record(
        self, author: Author, action: str, place: str, sent: ProviderRequest, outcome: HttpAnswer | str
    ) -> None:
        kept = redacted_exchange(sent, outcome, provider=place, channel_id="")
        asked = {
            "method": kept.method,
            "url": kept.url,
            "headers": dict(kept.request_headers),
            "body": kept.request_body,
        }
        told = {"status": kept.status, "body": kept.answer_body, "failure": kept.failure}
        async with self._pool.acquire() as conn, conn.transaction():
            await author.record(conn, action, ("provider_host", place), None, told if outcome else asked)


def _answer(answer: HttpAnswer) -> ProxyAnswer:
    return ProxyAnswer(
        status=answer.status,
        headers=dict(answer.headers),
        body=answer.body.decode(errors="replace"),
        is_cut=answer.is_cut,
        seconds=round(answer.seconds, 3),
    )
