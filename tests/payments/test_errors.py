"""The error table of the merchant contract, line by line."""

from __future__ import annotations

import pytest

from wisipay.payments import TABLE, PayCode, PaymentError

BY_STATUS = {
    400: "1001 1002 1003 1004 1006 1201 1202 1303 1601",
    402: "1205",
    403: "1101",
    409: "1005 1503 1603",
    429: "1203 1204",
    500: "1102 1103 1105 1106 1401 1402 1403 1501 1502 1602 1901 1999",
    502: "1304",
    503: "1104 1301 1305 1404 1504",
    504: "1302",
}
RETRYABLE = {f"1{n}" for n in ("104", "301", "302", "305", "304", "402", "404", "501", "502", "504", "602", "901")}
MASKED = {
    *("1102", "1103", "1105", "1106", "1304", "1401", "1402", "1403", "1404"),
    *("1501", "1502", "1504", "1601", "1602", "1603"),
}


@pytest.mark.parametrize("code", list(PayCode), ids=str)
def test_each_code_has_the_status_of_the_contract(code: PayCode) -> None:
    number = code.removeprefix("PAY_")
    (status,) = [status for status, numbers in BY_STATUS.items() if number in numbers.split()]
    error = PaymentError(code, "told", internal="secret")
    shown = error.body()["error"]
    assert error.http_status == status
    assert shown["retryable"] is (number in RETRYABLE)
    assert "secret" not in str(error.body())
    if number in MASKED:
        assert (shown["code"], shown["message"]) == ("PAY_1901", "Unable to process payment")
        assert shown["description"] != "told"
    else:
        assert (shown["code"], shown["message"], shown["description"]) == (code, TABLE[code].meaning, "told")


def test_a_code_without_a_description_tells_the_remedy() -> None:
    for code in PayCode:
        shown = PayCode.INTERNAL_ERROR if TABLE[code].masked else code
        assert PaymentError(code).body()["error"]["description"] == TABLE[shown].remedy
        assert TABLE[code].remedy
