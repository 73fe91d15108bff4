"""Query strings of the developer's API: read strictly, and what is wrong is named."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisipay.core.errors import BadRequest
from wisipay.developers.asking import (
    PageAsked,
    environment_asked,
    page_asked,
    read_query,
    status_asked,
    text_asked,
)

KNOWN = {"after", "last", "limit", "wait", "status", "environment", "orderId"}


def test_what_is_asked_is_read() -> None:
    fields = read_query("/x?after=7&limit=2&wait=25&status=4xx&orderId=ORDER%201&environment=UAT", KNOWN)
    assert page_asked(fields) == PageAsked(7, None, 2, 25)
    assert status_asked(fields) == (400, 500)
    assert text_asked(fields, "orderId") == "ORDER 1"
    assert environment_asked(fields) == "UAT"
    assert page_asked(read_query("/x", KNOWN)) == PageAsked(0, None, 50, 0)
    assert page_asked({"last": "0"}).last == 0
    assert status_asked({"status": "402"}) == (402, 403)
    assert status_asked({}) == (0, 1000)
    assert text_asked({}, "orderId") is environment_asked({}) is None


@pytest.mark.parametrize(
    ("query", "at_fault"),
    [
        ("statos=4xx", "statos"),
        ("limit=1&limit=2", "limit"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=", "limit"),
        ("wait=26", "wait"),
        ("wait=-1", "wait"),
        ("after=x", "after"),
        ("after=" + "9" * 19, "after"),
        ("after=1&last=1", "last"),
        ("status=6xx", "status"),
        ("status=40", "status"),
        ("environment=uat", "environment"),
        ("orderId=", "orderId"),
        ("orderId=%00", "orderId"),
        ("orderId=" + "a" * 65, "orderId"),
        ("orderId=%ff", "query"),
        ("&".join(f"a{n}=1" for n in range(30)), "query"),
    ],
)
def test_what_is_wrong_is_named(query: str, at_fault: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_all(query)
    assert set(refused.value.details) == {at_fault}


@given(st.text(max_size=60))
def test_any_query_is_read_or_refused(query: str) -> None:
    with suppress(BadRequest):
        read_all(query)


def read_all(query: str) -> None:
    fields = read_query(f"/x?{query}", KNOWN)
    page_asked(fields)
    status_asked(fields)
    environment_asked(fields)
    text_asked(fields, "orderId")
