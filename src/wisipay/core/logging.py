"""Logs: one JSON line per event, with the field names of the operations handbook, without secrets.

Decides format, levels and where lines go (standard output of an instance). Must never let logging break the work it
reports on, and must never write a value that `redaction` has not seen.
"""

import contextlib
import logging
import sys
import time
import traceback
from collections.abc import Iterator, MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import msgspec
import structlog
from opentelemetry import trace
from structlog.typing import FilteringBoundLogger

from wisipay.core.log_lines import LineWriter
from wisipay.core.redaction import redact_field

if TYPE_CHECKING:
    from wisipay.core.config import Settings

EventDict = MutableMapping[str, Any]

_FIELD_NAMES: Final = {
    "request_id": "requestId",
    "correlation_id": "correlationId",
    "trace_id": "traceId",
    "span_id": "spanId",
    "merchant_id": "merchantId",
    "provider_id": "providerId",
    "transaction_id": "transactionId",
    "order_id": "orderId",
    "webhook_id": "webhookId",
    "job_type": "jobType",
    "job_id": "jobId",
    "job_attempt": "jobAttempt",
}
_WRITTEN_BY_US: Final = frozenset(
    {"timestamp", "level", "event", "service", "source", "component", "traceId", "spanId"}
)
_STACK_LENGTH_MAX = 8_000
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_writers: Final[list[LineWriter]] = []
_request_fields: ContextVar[MappingProxyType[str, Any]] = ContextVar("request_fields", default=MappingProxyType({}))


def get_logger(source: str) -> FilteringBoundLogger:
    """Return the logger of a module; give it `__name__`. The slice becomes the field `component`."""
    place = source.removeprefix("wisipay.")
    return cast("FilteringBoundLogger", structlog.get_logger(source=place, component=place.partition(".")[0]))


def bind_request(**fields: Any) -> None:  # noqa: ANN401 - log fields are of any type
    """Add fields to every line that this task and the tasks it starts will log."""
    _request_fields.set(MappingProxyType({**_request_fields.get(), **fields}))


class bound:  # noqa: N801 - used like a function: `with bound(request_id=...)`
    """Adds fields to every line logged inside the block."""

    __slots__ = ("_fields", "_token")

    def __init__(self, **fields: Any) -> None:  # noqa: ANN401 - log fields are of any type
        self._fields = fields

    def __enter__(self) -> None:
        self._token = _request_fields.set(MappingProxyType({**_request_fields.get(), **self._fields}))

    def __exit__(self, *_: object) -> None:
        _request_fields.reset(self._token)


def bound_fields() -> MappingProxyType[str, Any]:
    """Return the fields bound so far, such as request_id."""
    return _request_fields.get()


def configure_logging(settings: "Settings", service: str, *, stream: BinaryIO | None = None) -> None:
    """Set up this process's logs once at its start; the lines of libraries (warnings and up) come in the same form.

    `service` is the instance's name unless SERVICE_NAME says otherwise. Lines go to standard output.
    """
    name = settings.service_name or service
    level = _LEVELS[settings.log_level]
    _configure(name, level, stream or sys.stdout.buffer, cache=True)
    logging.basicConfig(handlers=[_LibraryHandler()], level=max(level, logging.WARNING), force=True)


@contextlib.contextmanager
def lines_held() -> Iterator[None]:
    """Have the lines of the running event loop written together, up to 50 ms later; all are out when the block ends."""
    with _writers[-1].holding():
        yield


def _configure(service: str, level: int, stream: BinaryIO | None, *, cache: bool) -> None:
    writer = LineWriter(stream)
    _writers[:] = [writer]
    structlog.configure(
        processors=[_Renderer(service)],
        wrapper_class=_logger_of(level),
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=cache,
    )


def _logger_of(level: int) -> type[FilteringBoundLogger]:
    """Return structlog's logger of a level, with a shorter way for the level that nearly all lines are of."""
    filtering = structlog.make_filtering_bound_logger(level)
    if level > logging.INFO:
        return filtering
    return cast("type[FilteringBoundLogger]", type("ShortWay", (filtering,), {"info": _info}))


def _info(logger: Any, event: str, **fields: Any) -> None:  # noqa: ANN401 - structlog's own, and fields of any type
    """Log as structlog would: each payment writes several lines, and its machinery takes as long as making them."""
    (render,) = logger._processors  # noqa: SLF001 - this is a method of it
    with contextlib.suppress(structlog.DropEvent):
        logger._logger.info(render(logger, "info", {**logger._context, **fields, "event": event}))  # noqa: SLF001 - as above


class _Renderer:
    """Turns the fields of an event into its line."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._encode = msgspec.json.Encoder(enc_hook=str).encode

    def __call__(self, _logger: object, method: str, fields: EventDict) -> bytes:
        line: dict[str, Any] = {
            "timestamp": _timestamp(),
            "level": method,
            "event": fields.pop("event", ""),
            "service": self._service,
        }
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line["traceId"] = trace.format_trace_id(span.trace_id)
            line["spanId"] = trace.format_span_id(span.span_id)
        if "exc_info" in fields:
            _add_exception(fields)
        for told in (_request_fields.get(), fields):
            for name, value in told.items():
                if value is not None:
                    field, is_ours = _field(name)
                    line[field] = value if is_ours else redact_field(field, value)
        return self._encode(line) + b"\n"


@lru_cache(maxsize=1024)
def _field(name: str) -> tuple[str, bool]:
    """Return what a field is called in the line, and whether it's one whose value is our own word."""
    field = _FIELD_NAMES.get(name, name)
    return field, field in _WRITTEN_BY_US


def _timestamp() -> str:
    seconds, milliseconds = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{_second(seconds)}.{milliseconds:03d}+00:00"


@lru_cache(maxsize=4)
def _second(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _add_exception(fields: EventDict) -> None:
    raised = fields.pop("exc_info", None)
    error = raised[1] if isinstance(raised, tuple) else sys.exception() if raised is True else raised
    if isinstance(error, BaseException):
        fields.setdefault("error", f"{type(error).__name__}: {error}")
        fields["stack"] = "".join(traceback.format_exception(error))[-_STACK_LENGTH_MAX:]


class _LibraryHandler(logging.Handler):
    """Takes what libraries say through the standard logging module into our form."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            structlog.get_logger(source=record.name, component="library").log(
                record.levelno,
                "library.message",
                message=record.getMessage(),
                exc_info=record.exc_info,
            )
        except Exception:  # noqa: BLE001 - a library's broken log call must not break the work
            self.handleError(record)


_configure("wisipay", logging.INFO, None, cache=False)
