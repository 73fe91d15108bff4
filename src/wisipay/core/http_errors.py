"""Turns whatever a handler raises into an answer: the one place where errors become HTTP.

Decides the shape of errors that are not ours (routing, decoding, validation, bugs). Must never answer an unexpected
error with more than its request id: what went wrong is in the log.
"""

from typing import Any, Final

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from wisipay.core.bodies import field_fault
from wisipay.core.database import OUTAGES
from wisipay.core.errors import (
    AppError,
    BadRequest,
    Conflict,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnprocessableEntity,
    UnsupportedMediaType,
)
from wisipay.core.logging import bound_fields, get_logger

_BY_STATUS: Final[dict[int, type[AppError]]] = {
    kind.http_status: kind
    for kind in (
        *(BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, Conflict, PayloadTooLarge),
        *(UnsupportedMediaType, UnprocessableEntity, TooManyRequests, ServiceUnavailable),
    )
}
_SERVER_ERROR = 500

_log = get_logger(__name__)


def exception_handlers() -> ExceptionHandlersMap:
    """Return the handlers for an application: our errors, Litestar's, and everything else."""
    handlers: ExceptionHandlersMap = {
        AppError: _app_error,
        HTTPException: _http_exception,
        Exception: _unexpected,
    }
    return {**handlers, **{kind: _store_away for kind in OUTAGES}}  # noqa: C420 - fromkeys loses the handler's type


def error_response(error: AppError, headers: dict[str, str] | None = None) -> Response[bytes]:
    """Return the answer to an expected error; also for handlers that must answer without raising."""
    return Response(
        msgspec.json.encode(error.body(), enc_hook=str),
        status_code=error.http_status,
        media_type=MediaType.JSON,
        headers={**error.headers(), **(headers or {})},
    )


def _app_error(_request: Request[Any, Any, Any], error: AppError) -> Response[bytes]:
    if error.http_status >= _SERVER_ERROR:
        _log.warning("http.refused", code=error.code, error=error.message, exc_info=error)
    return error_response(error)


def _store_away(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer when the database is away: what was asked for may be asked for again."""
    _log.warning("http.store_unavailable", error=repr(error))
    message = "The store could not be reached; please try again"
    return error_response(ServiceUnavailable(message, code="STORE_UNAVAILABLE", retry_after_seconds=1))


def _http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    if isinstance(error, ValidationException):
        return error_response(BadRequest("The request is not valid", details=_faults(error.extra)))
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        return _unexpected(request, error)
    message = "The body is not valid JSON" if kind is BadRequest and error.__cause__ is not None else None
    return error_response(kind(message), error.headers)


def _unexpected(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    _log.error("http.failed", exc_info=error)
    request_id = bound_fields().get("request_id")
    return error_response(AppError(details={"requestId": request_id} if request_id else {}))


def _faults(extra: object) -> dict[str, str]:
    """Return {field: what is wrong with it} from Litestar's list of faults."""
    faults = [fault for fault in extra if isinstance(fault, dict)] if isinstance(extra, list) else []
    return dict(_fault(str(fault.get("key") or ""), str(fault.get("message", ""))) for fault in faults)


def _fault(key: str, message: str) -> tuple[str, str]:
    if key in {"", "data"}:
        return ("body", "is missing") if message == "'data'" else field_fault(message)
    return key, message
