"""What a raw capture holds: one exchange with a provider, redacted before anybody else sees it.

Decides what is kept of an exchange and how much. Must never hand on a secret or personal data, and never break the call
that it describes: a hook that raises is logged and forgotten.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

import msgspec

from wisipay.core.http_client import HttpAnswer
from wisipay.core.logging import get_logger
from wisipay.core.redaction import REDACTED, redact

MAX_CAPTURED_BYTES: Final = 16 * 1024
"""Of each body; a provider's answer is a fraction of it, and a page of HTML is told by its beginning."""

# Beyond what is never logged: people are named under many keys, and an encrypted payload is as private as its content.
_PRIVATE: Final = re.compile(
    r"""(?i)([a-z_]*name(?:_at_bank)?|payload|address|contact|upi_?id)(["']?\s{0,4}[:=]\s{0,4})("(?:[^"\\]|\\.)*"?|[^&\s,;}\]{["]+)"""
)

_logger = get_logger(__name__)


class ProviderRequest(msgspec.Struct, frozen=True):
    """One call to a provider. `operation` is payin, payout or status; `reference` is ours."""

    operation: str
    reference: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class CapturedExchange:
    """A request and what came back, redacted. `status` is None where no answer came; then `failure` says why."""

    provider: str
    channel_id: str
    operation: str
    reference: str
    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: str
    status: int | None
    answer_headers: Mapping[str, str]
    answer_body: str
    failure: str | None


CaptureHook: TypeAlias = Callable[[CapturedExchange], None]
"""Takes the exchange and returns at once: it runs inside the call, so it may only put it on a bounded queue."""


def capture(
    hook: CaptureHook | None,
    request: ProviderRequest,
    outcome: HttpAnswer | str,
    *,
    provider: str,
    channel_id: str,
) -> None:
    """Hand a redacted exchange to the hook; `outcome` is the answer, or why there is none. Without a hook: nothing."""
    if hook is None:
        return
    try:
        hook(redacted_exchange(request, outcome, provider=provider, channel_id=channel_id))
    except Exception:
        _logger.exception("provider.capture.failed", provider_id=provider)


def redacted_exchange(
    request: ProviderRequest, outcome: HttpAnswer | str, *, provider: str, channel_id: str
) -> CapturedExchange:
    """Return an exchange without secrets and personal data; `outcome` is the answer, or why there is none."""
    answer = outcome if isinstance(outcome, HttpAnswer) else None
    return CapturedExchange(
        provider=provider,
        channel_id=channel_id,
        operation=request.operation,
        reference=request.reference,
        method=request.method,
        url=_redacted_text(request.url),
        request_headers=_redacted_headers(request.headers),
        request_body=_redacted_body(request.body),
        status=answer.status if answer else None,
        answer_headers=_redacted_headers(answer.headers) if answer else {},
        answer_body=_redacted_body(answer.body) if answer else "",
        failure=outcome if isinstance(outcome, str) else None,
    )


def _redacted_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    return cast("Mapping[str, str]", redact(dict(headers)))


def _redacted_text(text: str) -> str:
    return cast("str", redact(text))


def _redacted_body(body: bytes | None) -> str:
    text = (body or b"")[:MAX_CAPTURED_BYTES].decode(errors="replace")
    return _redacted_text(_PRIVATE.sub(_hidden, text))


def _hidden(match: re.Match[str]) -> str:
    quote = '"' if match[3].startswith('"') else ""
    return f"{match[1]}{match[2]}{quote}{REDACTED}{quote}"
