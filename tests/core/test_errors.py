"""Errors as merchants see them."""

import pytest

from wisipay.core import errors


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (errors.BadRequest, 400, "BAD_REQUEST"),
        (errors.Unauthorized, 401, "UNAUTHORIZED"),
        (errors.Forbidden, 403, "FORBIDDEN"),
        (errors.NotFound, 404, "NOT_FOUND"),
        (errors.Conflict, 409, "CONFLICT"),
        (errors.PayloadTooLarge, 413, "PAYLOAD_TOO_LARGE"),
        (errors.UnsupportedMediaType, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (errors.UnprocessableEntity, 422, "UNPROCESSABLE"),
        (errors.TooManyRequests, 429, "TOO_MANY_REQUESTS"),
        (errors.AppError, 500, "INTERNAL_ERROR"),
        (errors.ServiceUnavailable, 503, "SERVICE_UNAVAILABLE"),
    ],
)
def test_each_error_has_the_status_and_code_of_the_contract(
    kind: type[errors.AppError],
    status: int,
    code: str,
) -> None:
    error = kind("why", details={"amount": "is missing"})
    assert error.http_status == status
    assert error.body() == {"success": False, "error": "why", "code": code, "details": {"amount": "is missing"}}


def test_an_error_without_words_has_its_own() -> None:
    assert errors.NotFound().body()["error"] == "Not found"
    assert str(errors.NotFound()) == "Not found"


def test_the_code_of_one_error_can_differ_without_changing_the_others() -> None:
    assert errors.Conflict(code="DUPLICATE").body()["code"] == "DUPLICATE"
    assert errors.Conflict().body()["code"] == "CONFLICT"


def test_waiting_time_becomes_a_header() -> None:
    assert errors.TooManyRequests(retry_after_seconds=2).headers() == {"retry-after": "2"}
    assert errors.TooManyRequests().headers() == {}
