"""Where an outbound request goes and what its first lines are: URL and headers, turned into bytes.

Decides what may stand in a URL and in a header: nothing that could end a line and begin another. Pure. Must never quote
or unquote anything, and never put a part of either into an error.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec
from yarl import URL

_FIXED: Final = {"User-Agent": "Wisipay", "Accept": "*/*", "Accept-Encoding": "identity"}
_PORTS: Final = {"http": 80, "https": 443}
_URL_FORM = re.compile(r"[!-~]+", re.ASCII)
_NAME_FORM = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z\-]+", re.ASCII)
_NOT_IN_VALUES = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NO_URL = "the address is not an http or https URL"
_ODD_HEADER = "a header holds characters that no header has"


class Target(msgspec.Struct, frozen=True, gc=False):
    """A server and what is asked of it; `authorization` is the header that a name and password in the URL stand for."""

    is_tls: bool
    host: str
    port: int
    host_header: str
    path_and_query: str
    authorization: str | None

    @property
    def server(self) -> tuple[bool, str, int]:
        """What a connection can be used again for."""
        return self.is_tls, self.host, self.port


@lru_cache(maxsize=1024)  # providers are called at few addresses, again and again
def read_target(url: str) -> Target:
    """Read a URL, which is sent as it stands, without its fragment. Raises ValueError."""
    try:
        read = URL(url if _URL_FORM.fullmatch(url) else "", encoded=True)
        host, port = read.raw_host, read.port
    except ValueError:
        raise ValueError(_NO_URL) from None
    if read.scheme not in _PORTS or not host or not port:
        raise ValueError(_NO_URL)
    named = f"[{host}]" if ":" in host else host
    signed_in = f"{read.user or ''}:{read.password or ''}"
    return Target(
        is_tls=read.scheme == "https",
        host=host,
        port=port,
        host_header=named if port == _PORTS[read.scheme] else f"{named}:{port}",
        path_and_query=read.raw_path_qs,
        authorization=None if signed_in == ":" else f"Basic {b64encode(signed_in.encode()).decode()}",
    )


def request_bytes(method: str, target: Target, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """Return the whole request. Raises ValueError for a header that could not be told from two."""
    values = tuple(headers.values())
    if _NOT_IN_VALUES.search("".join(values)):
        raise ValueError(_ODD_HEADER)
    head = (_head_form(method, target, tuple(headers)) % values).encode(errors="surrogateescape")
    if body is None:
        return head + b"\r\n"
    return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


@lru_cache(maxsize=1024)  # values are new with every request, addresses and names of headers are not
def _head_form(method: str, target: Target, names: tuple[str, ...]) -> str:
    """Return the first lines with a `%s` for the value of each header. Raises ValueError."""
    given = {name.lower() for name in names}
    ours = {"Host": target.host_header, **_FIXED}
    if target.authorization is not None:
        ours["Authorization"] = target.authorization
    fixed = [f"{method} {target.path_and_query} HTTP/1.1"]
    fixed += [f"{name}: {value}" for name, value in ours.items() if name.lower() not in given]
    if not all(map(_NAME_FORM.fullmatch, names)):
        raise ValueError(_ODD_HEADER)
    lines = [line.replace("%", "%%") for line in fixed] + [f"{name.replace('%', '%%')}: %s" for name in names]
    return "\r\n".join((*lines, ""))
