"""One channel's way to its provider: the call, its bound in time, its log, its metrics, its capture, and the law.

Decides what becomes of a call that brings no readable answer: nothing sent is `Rejected(sent=False)`, everything else
is `Unknown`. Must never send twice, never let an exception out, and never log a body or an address with its query.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import Final, TypeVar

from prometheus_client import Counter, Histogram

from wisipay.core.http_client import AnswerLost, HttpAnswer, HttpClient, NotSent
from wisipay.core.logging import get_logger
from wisipay.core.metrics import PROVIDER_CALL_SECONDS, PROVIDER_CALLS
from wisipay.providers.base import CreateOutcome, Rejected, Unknown
from wisipay.providers.capture import CaptureHook, ProviderRequest, capture
from wisipay.providers.wire import Unreadable

__all__ = ["HttpAnswer", "HttpPolicy", "ProviderHttp", "ProviderRequest"]

MAX_ANSWER_BYTES: Final = 1024 * 1024

_Outcome = TypeVar("_Outcome")
_logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """How calls to providers are bounded; `https_only` outside development."""

    timeout_seconds: float = 10
    https_only: bool = True


class ProviderHttp:
    """Calls one provider on behalf of one channel."""

    def __init__(
        self,
        client: HttpClient,
        *,
        provider: str,
        channel_id: str,
        policy: HttpPolicy,
        capture_hook: CaptureHook | None = None,
    ) -> None:
        self._client = client
        self._provider = provider
        self._channel_id = channel_id
        self._policy = policy
        self._capture_hook = capture_hook

    async def create(self, request: ProviderRequest, read: Callable[[HttpAnswer], CreateOutcome]) -> CreateOutcome:
        """Send an order once and read its answer; `read` may raise `Unreadable`, which makes the outcome unknown."""
        answer = await self._send(request)
        if isinstance(answer, NotSent):
            return self._told(request, Rejected("NOT_SENT", str(answer), sent=False))
        return self._told(request, self._read(request, answer, read))

    async def ask(
        self, request: ProviderRequest, read: Callable[[HttpAnswer], _Outcome | Unknown]
    ) -> _Outcome | Unknown:
        """Ask about something; a question that was never sent leaves it as unknown as it was."""
        answer = await self._send(request)
        if isinstance(answer, NotSent):
            return self._told(request, Unknown(f"not sent: {answer}"))
        return self._told(request, self._read(request, answer, read))

    async def _send(self, request: ProviderRequest) -> HttpAnswer | NotSent | AnswerLost:
        names = self._names(request)
        _logger.debug("provider.http.request", **names)
        started = perf_counter()
        answer = await self._exchange(request)
        _seconds(self._provider, request.operation).observe(perf_counter() - started)
        told = answer if isinstance(answer, HttpAnswer) else f"{type(answer).__name__}: {answer}"
        capture(self._capture_hook, request, told, provider=self._provider, channel_id=self._channel_id)
        status = answer.status if isinstance(answer, HttpAnswer) else None
        error = None if isinstance(answer, HttpAnswer) else str(answer)
        _logger.info("provider.http.response", **names, status=status, error=error)
        return answer

    async def _exchange(self, request: ProviderRequest) -> HttpAnswer | NotSent | AnswerLost:
        if self._policy.https_only and not request.url.startswith("https://"):
            return NotSent("the provider's address is not https")
        try:
            return await self._client.request(
                request.method,
                request.url,
                headers=request.headers,
                body=request.body,
                timeout_seconds=self._policy.timeout_seconds,
                max_bytes=MAX_ANSWER_BYTES,
            )
        except (NotSent, AnswerLost) as failure:
            return failure
        except Exception as error:
            _logger.exception("provider.http.failed", **self._names(request))
            return AnswerLost(f"unexpected {type(error).__name__}")

    def _read(
        self, request: ProviderRequest, answer: HttpAnswer | AnswerLost, read: Callable[[HttpAnswer], _Outcome]
    ) -> _Outcome | Unknown:
        if isinstance(answer, AnswerLost):
            return Unknown(f"answer lost: {answer}")
        try:
            return read(answer)
        except Unreadable as reason:
            return Unknown(f"HTTP {answer.status}: {reason}")
        except Exception as error:
            _logger.exception("provider.http.unread", **self._names(request), status=answer.status)
            return Unknown(f"HTTP {answer.status}: reading failed with {type(error).__name__}")

    def _told(self, request: ProviderRequest, outcome: _Outcome) -> _Outcome:
        _calls(self._provider, request.operation, type(outcome).__name__).inc()
        return outcome

    def _names(self, request: ProviderRequest) -> dict[str, str]:
        return {
            "provider_id": self._provider,
            "channel_id": self._channel_id,
            "operation": request.operation,
            "transaction_id": request.reference,
        }


@lru_cache(maxsize=1024)  # finding the child of a metric by its labels takes a lock and builds a key
def _seconds(provider: str, operation: str) -> Histogram:
    return PROVIDER_CALL_SECONDS.labels(provider, operation)


@lru_cache(maxsize=1024)
def _calls(provider: str, operation: str, outcome: str) -> Counter:
    return PROVIDER_CALLS.labels(provider, operation, outcome)
