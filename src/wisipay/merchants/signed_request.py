"""The authentication headers of a merchant's request, read and checked for presence and form.

Decides which headers a request needs (merchant API, "Authentication headers") and what a well-formed one looks like.
Must never judge whether they are true: that needs the merchant and is done by `authentication`.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from wisipay.core.errors import BadRequest, UnsupportedMediaType

MERCHANT_ID: Final = "x-merchant-id"
TIMESTAMP: Final = "x-timestamp"
SIGNATURE: Final = "x-signature"
CONTENT_TYPE: Final = "content-type"
SIGNED_HEADERS: Final = (
    (MERCHANT_ID, "your merchant id", "MER-1"),
    (TIMESTAMP, "Unix time in milliseconds, within 60 s of ours", "1770323283897"),
    (
        SIGNATURE,
        (
            "v2: `v2=` and the hex HMAC-SHA256, keyed with your API secret, of the lines `timestamp`, `METHOD`, "
            "`path?query` and `sha256hex(raw_body)`; v1: the same of `raw_body|timestamp`, without `v2=`"
        ),
        "v2=60a3e97839deeb92fc49f3716563ac831351cf62bc83242ff320c50b9835b69e",
    ),
)
"""The headers that sign a request, as they are described: name, meaning, example."""

_WRITING = frozenset({"POST", "DELETE"})
_JSON_TYPE = "application/json"
_CONTENT_ENCODING = "content-encoding"
_CHARSET = re.compile(r"""(?:charset\s*=\s*"?utf-?8"?)?;?""", re.ASCII)
_MERCHANT_ID_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII)
_TIMESTAMP_FORM = re.compile(r"[0-9]{1,16}", re.ASCII)


class SignedRequest(msgspec.Struct, frozen=True):
    """A request as it came in: header names in lower case, the body exactly as on the wire."""

    method: str
    path_and_query: str
    headers: Mapping[str, str]
    body: bytes
    peer_address: str

    @property
    def is_post(self) -> bool:
        """Whether the request has a body."""
        return self.method.upper() == "POST"

    @property
    def is_write(self) -> bool:
        """Whether the request may change something, so that a replay of it is refused."""
        return self.method.upper() in _WRITING


class LegacyHash(msgspec.Struct, frozen=True, rename="camel"):
    """The body fields that the legacy hash is made of; amount is in the unit of the API."""

    amount: int
    order_id: str
    hash: str
    currency: str | None = None


class Credentials(msgspec.Struct, frozen=True):
    """What a request says about its sender, trimmed; the proof is an `x-signature` or else a legacy hash."""

    merchant_id: str
    timestamp: str
    proof: str | LegacyHash


_legacy_decoder = msgspec.json.Decoder(LegacyHash)


def read_credentials(request: SignedRequest) -> Credentials:
    """Read the headers; raises BadRequest naming every missing or malformed one, or UnsupportedMediaType."""
    merchant_id = _header(request, MERCHANT_ID)
    timestamp = _header(request, TIMESTAMP)
    proof = _header(request, SIGNATURE) or _read_legacy(request)
    problems = _problems(request, merchant_id, timestamp, is_signed=proof is not None)
    if problems or proof is None:
        named = ", ".join(f"{name} {problem}" for name, problem in problems.items())
        raise BadRequest(f"Authentication headers: {named}", details=problems)
    _check_content_type(request)
    return Credentials(merchant_id, timestamp, proof)


def missing_signature() -> BadRequest:
    """Give the refusal of a request without a signature."""
    return BadRequest(f"Authentication headers: {SIGNATURE} is missing", details={SIGNATURE: "is missing"})


def _header(request: SignedRequest, name: str) -> str:
    return request.headers.get(name, "").strip()


def _problems(request: SignedRequest, merchant_id: str, timestamp: str, *, is_signed: bool) -> dict[str, str]:
    problems: dict[str, str] = {}
    if not merchant_id:
        problems[MERCHANT_ID] = "is missing"
    elif not _MERCHANT_ID_FORM.fullmatch(merchant_id):
        problems[MERCHANT_ID] = "has a form that no merchant id has"
    if not timestamp:
        problems[TIMESTAMP] = "is missing"
    elif not _TIMESTAMP_FORM.fullmatch(timestamp):
        problems[TIMESTAMP] = "must be Unix time in milliseconds, digits only"
    if not is_signed:
        problems[SIGNATURE] = "is missing"
    if request.is_post and not _header(request, CONTENT_TYPE):
        problems[CONTENT_TYPE] = "is missing"
    return problems


def _check_content_type(request: SignedRequest) -> None:
    if not request.is_post:
        return
    media_type, _, parameters = _header(request, CONTENT_TYPE).lower().partition(";")
    if media_type.strip() != _JSON_TYPE:
        raise _unsupported(CONTENT_TYPE, f"must be {_JSON_TYPE}")
    if parameters and _CHARSET.fullmatch(parameters.strip()) is None:
        raise _unsupported(CONTENT_TYPE, "must name no character set but utf-8")
    if _header(request, _CONTENT_ENCODING).lower() not in {"", "identity"}:
        raise _unsupported(_CONTENT_ENCODING, "must not be there: send the body as it is")


def _unsupported(header: str, fault: str) -> UnsupportedMediaType:
    return UnsupportedMediaType(f"The {header} header {fault}", details={header: fault})


def _read_legacy(request: SignedRequest) -> LegacyHash | None:
    if not request.is_post:
        return None
    try:
        return _legacy_decoder.decode(request.body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
