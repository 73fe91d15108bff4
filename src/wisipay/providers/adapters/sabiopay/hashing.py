"""The two hashes of the Omniware family. Pure.

Decides when a webhook's hash vouches for it. Must never take a missing hash for a good one, and never let the looser
hash vouch for what it does not cover: it is made of values in the order of their names, but not of the names, so
values could be moved about under it. It counts for the documented fields only, in their shapes, and never with a
separator in a value.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha512
from typing import Final

from wisipay.core.signing import equal
from wisipay.providers.wire import Fields

_SEPARATOR: Final = "|"
_RAW_HASH: Final = re.compile(rb',\s*"hash"\s*:\s*"[0-9A-Fa-f]{128}"|"hash"\s*:\s*"[0-9A-Fa-f]{128}"\s*,\s*')
_SHAPES: Final[Mapping[str, re.Pattern[str]]] = {
    "currency": re.compile(r"[A-Z]{3}"),
    "phone": re.compile(r"\+?[0-9 -]{8,16}"),
    "payment_datetime": re.compile(r"[0-9]{2,4}-[0-9]{2}-[0-9]{2,4} [0-9:]{8}"),
    "transaction_date": re.compile(r"[0-9]{2,4}-[0-9]{2}-[0-9]{2,4} [0-9:]{8}"),
}
"""Each narrows the place of its neighbours in the order of names, the codes of success among them."""
_PAYOUT_NAMES: Final = frozenset(
    {
        *("transaction_reference_number", "status", "error_message", "bank_reference_number", "api_key"),
        *("merchant_reference_number", "transaction_date", "transaction_amount"),
    }
)
_PAYIN_NAMES: Final = frozenset(
    {
        *("transaction_id", "payment_method", "payment_mode", "payment_channel", "payment_datetime", "order_id"),
        *("response_code", "response_message", "amount", "currency", "description", "name", "email", "phone"),
        *("address_line_1", "address_line_2", "city", "state", "country", "zip_code", "customer_vpa", "api_key"),
        *("udf1", "udf2", "udf3", "udf4", "udf5", "tdr_amount", "tax_on_tdr_amount", "amount_orig", "cardmasked"),
        *("error_desc", "bank_ref_id"),
    }
)


def hashable(value: str) -> str:
    """Return a value as it may be sent: a separator inside it would let two different requests have one hash."""
    return value.replace(_SEPARATOR, " ").strip()


def request_hash(salt: str, values: Mapping[str, str]) -> str:
    """Hash what is sent: the salt and all values in the order of their names, without empty ones, joined by pipes."""
    filled = [values[name] for name in sorted(values) if name != "hash" and values[name]]
    return sha512(_SEPARATOR.join((salt, *filled)).encode()).hexdigest().upper()


def json_hash(salt: str, text: bytes) -> str:
    """Hash a JSON text, from which its own hash was taken out, behind the salt."""
    return sha512(salt.encode() + text).hexdigest().upper()


def is_hashed(salt: str, fields: Fields, body: bytes) -> bool:
    """Tell whether a webhook carries one of the two hashes; `fields` is what was read of the body."""
    given = fields.text("hash")
    if given is None:
        return False
    wanted = [json_hash(salt, text) for text in _json_texts(fields, body)]
    values = _covered_values(fields)
    if values is not None:
        wanted.append(request_hash(salt, values))
    return any(equal(each, given.upper()) for each in wanted)


def _json_texts(fields: Fields, body: bytes) -> list[bytes]:
    """Return the JSON texts that may have been hashed: as it came, without its hash, and as PHP writes it."""
    texts: list[bytes] = []
    without_hash, found = _RAW_HASH.subn(b"", body.strip())
    if found == 1:
        texts.append(without_hash)
    members = {name: value for name, value in fields.members.items() if name != "hash"}
    if all(value is None or isinstance(value, (str, int)) for value in members.values()):
        texts.append(json.dumps(members, separators=(",", ":")).replace("/", "\\/").encode())
    return texts


def _covered_values(fields: Fields) -> dict[str, str] | None:
    """Return the values under the looser hash; None where it cannot vouch for their names."""
    members = {name: value for name, value in fields.members.items() if name != "hash" and value is not None}
    values = {name: value if isinstance(value, str) else str(value) for name, value in members.items()}
    is_documented = values.keys() <= _PAYOUT_NAMES or values.keys() <= _PAYIN_NAMES
    is_shaped = all(shape.fullmatch(values[name]) for name, shape in _SHAPES.items() if name in values)
    if not is_documented or not is_shaped or any(_SEPARATOR in value for value in values.values()):
        return None
    return values
