"""JSON and lines of curl become exactly one request, or are refused by the name of what is not understood."""

from __future__ import annotations

import pytest

from wisipay.providers import ProxyRefused, ProxyRequest, read_request
from wisipay.providers.proxy import reading

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("curl https://a.example/x", ProxyRequest("GET", "https://a.example/x", {}, None)),
        (
            (
                "curl -sS -X PUT --url=https://a.example/x \\\n  -H 'X-Api-Key: k: 1' -d '{\"a\":1}' "
                "-H 'content-type: application/json'"
            ),
            ProxyRequest(
                "PUT", "https://a.example/x", {"X-Api-Key": "k: 1", "content-type": "application/json"}, b'{"a":1}'
            ),
        ),
        (
            "curl https://a.example/x -d a=1 --data-raw '@b' --data-ascii=c=3",
            ProxyRequest("POST", "https://a.example/x", {"Content-Type": FORM}, b"a=1&@b&c=3"),
        ),
        (
            "curl --json '{\"a\":' --json '1}' --compressed https://a.example/x",
            ProxyRequest("POST", "https://a.example/x", {"Content-Type": "application/json"}, b'{"a":1}'),
        ),
        ("curl -XDELETE https://a.example/x", ProxyRequest("DELETE", "https://a.example/x", {}, None)),
        (
            "curl -G https://a.example/x?z=0 -d a=1 -d b=2",
            ProxyRequest("GET", "https://a.example/x?z=0&a=1&b=2", {}, None),
        ),
        ("curl --get https://a.example/x -d a=1", ProxyRequest("GET", "https://a.example/x?a=1", {}, None)),
        ("curl -G https://a.example/x", ProxyRequest("GET", "https://a.example/x", {}, None)),
        (
            "curl -u key:secret -A Desk https://a.example/x",
            ProxyRequest(
                "GET", "https://a.example/x", {"Authorization": "Basic a2V5OnNlY3JldA==", "User-Agent": "Desk"}, None
            ),
        ),
        ('{"url": "https://a.example/x"}', ProxyRequest("GET", "https://a.example/x", {}, None)),
        (
            '{"url": "https://a.example/x", "method": "POST", "headers": {"A": "b"}, "body": {"a": [1, null]}}',
            ProxyRequest(
                "POST", "https://a.example/x", {"A": "b", "Content-Type": "application/json"}, b'{"a":[1,null]}'
            ),
        ),
        (
            '{"url": "https://a.example/x", "method": "POST", "body": "a=1"}',
            ProxyRequest("POST", "https://a.example/x", {}, b"a=1"),
        ),
    ],
)
def test_what_is_meant_is_what_is_read(text: str, expected: ProxyRequest) -> None:
    assert read_request(text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("wget https://a.example", "begins with curl"),
        ("", "begins with curl"),
        ("curl 'https://a.example", "cannot be read"),
        ("curl", "no address"),
        ("curl https://a.example https://b.example", "one address"),
        ("curl -k https://a.example", "-k is not understood"),
        ("curl -L https://a.example", "-L is not understood"),
        ("curl --insecure https://a.example", "--insecure is not"),
        ("curl --proxy http://p https://a.example", "--proxy is not"),
        ("curl -o /etc/passwd https://a.example", "-o is not"),
        ("curl -d @/etc/passwd https://a.example", "name of a file"),
        ("curl --json @x https://a.example", "name of a file"),
        ("curl https://a.example -H", "header has no value"),
        ("curl https://a.example -H nonsense", "Name: value"),
        ("curl -X TRACE https://a.example", "the method is one of DELETE, GET"),
        ("curl -H 'Host: b.example' https://a.example", "'Host' is made by us"),
        ('{"url": "https://a.example", "headers": {"content-length": "9"}}', "is made by us"),
        ('{"url": "https://a.example", "method": "TRACE"}', "no usable JSON"),
        ('{"url": "https://a.example", "follow": true}', "follow"),
        ("{", "no usable JSON"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, told: str) -> None:
    with pytest.raises(ProxyRefused, match=told):
        read_request(text)


def test_a_request_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "TEXT_MAX", 20)
    with pytest.raises(ProxyRefused, match="longer than 20"):
        read_request("curl https://a.example/x")
