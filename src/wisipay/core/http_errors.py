"""Turns whatever a handler raises into an answer: the one place where errors become HTTP.

Decides the shape of errors that are not ours (routing, decoding, validation, bugs). Must never answer an unexpected
error with more than its request id: what went wrong is in the log.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Request, Response
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
from wisipay.core.http_wire import Reply, litestar_response
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
    return {HTTPException: _http_exception, Exception: _any_error}


def error_reply(error: Exception) -> Reply:
    """Return the answer to an error; whatever is not a refusal of ours or an outage of the store is a bug."""
    if isinstance(error, AppError):
        if error.http_status >= _SERVER_ERROR:
            _log.warning("http.refused", code=error.code, error=error.message, exc_info=error)
        return _refusal(error)
    if isinstance(error, OUTAGES):
        _log.warning("http.store_unavailable", error=repr(error))
        message = "The store could not be reached; please try again"
        return _refusal(ServiceUnavailable(message, code="STORE_UNAVAILABLE", retry_after_seconds=1))
    _log.error("http.failed", exc_info=error)
    request_id = bound_fields().get("request_id")
    return _refusal(AppError(details={"requestId": request_id} if request_id else {}))


def _refusal(error: AppError, headers: Mapping[str, str] | None = None) -> Reply:
    body = msgspec.json.encode(error.body(), enc_hook=str)
    return Reply(error.http_status, body, headers={**error.headers(), **(headers or {})})


def _any_error(_request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return litestar_response(error_reply(error))


def _http_exception(_request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if isinstance(error, ValidationException):
        refusal = _refusal(BadRequest("The request is not valid", details=_faults(error.extra)))
        return litestar_response(refusal)
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        return litestar_response(error_reply(error))
    message = "The body is not valid JSON" if kind is BadRequest and error.__cause__ is not None else None
    return litestar_response(_refusal(kind(message), error.headers))


def _faults(extra: object) -> dict[str, str]:
    """Return {field: what is wrong with it} from Litestar's list of faults."""
    faults = [fault for fault in extra if isinstance(fault, dict)] if isinstance(extra, list) else []
    return dict(_fault(str(fault.get("key") or ""), str(fault.get("message", ""))) for fault in faults)


def _fault(key: str, message: str) -> tuple[str, str]:
    if key in {"", "data"}:
        return ("body", "is missing") if message == "'data'" else field_fault(message)
    return key, message
