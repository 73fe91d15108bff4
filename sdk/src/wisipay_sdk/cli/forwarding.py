"""Handing a callback to the developer's own server, as Wisipay would: the exact body, the headers of a real one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import httpx

from wisipay_sdk.developer import Event
from wisipay_sdk.signing import standard_signature

_ANSWER_SECONDS: Final = 10
_ANSWER_SHOWN: Final = 120
_CONNECT_GAPS: Final = (0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What the local server said; `http_status` is None where it said nothing."""

    http_status: int | None
    seconds: float
    answer: str


class Forwarder:
    """Hands events to one address. With an endpoint's secret it signs with that, as for a further endpoint."""

    def __init__(
        self,
        url: str,
        endpoint_secret: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url
        self._endpoint_secret = endpoint_secret
        self._http = httpx.Client(timeout=_ANSWER_SECONDS, follow_redirects=False, trust_env=False, transport=transport)
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def forward(self, event: Event) -> Forwarded:
        """Send the callback; a server that is not there yet is given a few seconds. Never raises."""
        headers = dict(event.headers)
        if self._endpoint_secret is not None:
            headers["webhook-signature"] = standard_signature(
                secret=self._endpoint_secret,
                event_id=headers["webhook-id"],
                timestamp=headers["webhook-timestamp"],
                body=event.body,
            )
        for gap in (*_CONNECT_GAPS, None):
            began_at = time.perf_counter()
            try:
                answer = self._http.post(self._url, content=event.body, headers=headers)
            except httpx.ConnectError as error:
                if gap is None:
                    return Forwarded(None, time.perf_counter() - began_at, f"cannot be reached: {error}")
                self._sleep(gap)
            except httpx.HTTPError as error:
                return Forwarded(None, time.perf_counter() - began_at, repr(error))
            else:
                told = answer.text[:_ANSWER_SHOWN]
                return Forwarded(answer.status_code, time.perf_counter() - began_at, told)
        raise AssertionError  # the last turn returned
