"""The kinds of value an environment variable can have, each with the words that say what it wants.

Decides how texts of the environment become typed values. Must never echo a value: the caller knows which are secret.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

_CRON_FIELD = r"[0-9*/,\-]{1,64}"
_CRON = re.compile(rf"{_CRON_FIELD}(?: {_CRON_FIELD}){{5}}", re.ASCII)
_MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?", re.ASCII)
_SIGNING_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PREFIX = re.compile(r"[A-Z]{1,4}", re.ASCII)
_KEY_SIZE_MINIMUM = 32
_KEYRING = re.compile(rf"([A-Za-z0-9_-]{{1,16}}):([^\s:,]{{{_KEY_SIZE_MINIMUM},512}})", re.ASCII)
_KEYS_MAXIMUM = 8
DEFAULT_KEY_ID: Final = "default"


@dataclass(frozen=True, slots=True)
class Wants:
    """What a variable of this type accepts, as the end of the sentence "... wants"."""

    text: str


def parse_keys(text: str) -> dict[str, bytes]:
    """Read a secret, or several as "id:secret,id:secret", newest first; a lone secret gets the id "default".

    Rotation: put the new key in front and keep the old ones as long as something sealed or signed by them is about.
    Raises ValueError for a secret shorter than 32 characters, a repeated id, or more than 8 keys.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 1 and ":" not in text:
        parts = [f"{DEFAULT_KEY_ID}:{parts[0]}"]
    matches = [_KEYRING.fullmatch(part) for part in parts[: _KEYS_MAXIMUM + 1]]
    keys = {match[1]: match[2].encode() for match in matches if match is not None}
    if len(keys) != len(parts) or len(keys) > _KEYS_MAXIMUM:
        raise ValueError("not a key, nor a list of keys")
    return keys


def _keys_text(text: str) -> str:
    parse_keys(text)
    return text


def _split(value: Any) -> Any:  # noqa: ANN401 - a before-validator gets whatever the caller gave
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(value, strict=False)) for value in values)


def _lower(value: Any) -> Any:  # noqa: ANN401 - a before-validator gets whatever the caller gave
    return value.lower() if isinstance(value, str) else value


def _upper(value: Any) -> Any:  # noqa: ANN401 - a before-validator gets whatever the caller gave
    return value.upper() if isinstance(value, str) else value


def _matching(pattern: re.Pattern[str]) -> AfterValidator:
    def check(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise ValueError("does not look like one")
        return value

    return AfterValidator(check)


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes or (not parts.hostname and "host=" not in parts.query):
            raise ValueError("does not look like one")
        return value

    return AfterValidator(check)


Lower = BeforeValidator(_lower)
Port = Annotated[int, Field(ge=1, le=65535), Wants("a TCP port, 1 to 65535")]
Count = Annotated[int, Field(ge=1, le=1_000_000), Wants("a whole number, 1 to 1000000")]
Percent = Annotated[int, Field(ge=0, le=100), Wants("a whole number, 0 to 100")]
Paise = Annotated[int, Field(ge=0, le=1_000_000), Wants("whole paise, 0 to 1000000")]
Seconds = Annotated[int, Field(ge=1, le=86_400), Wants("whole seconds, 1 to 86400")]
Minutes = Annotated[int, Field(ge=1, le=10_080), Wants("whole minutes, 1 to 10080 (a week)")]
Days = Annotated[int, Field(ge=0, le=3650), Wants("whole days, 0 to 3650")]
Switch = Annotated[bool, Wants("true or false")]
Text = Annotated[str, Field(max_length=1000), Wants("a text of at most 1000 characters")]
Cron = Annotated[
    str,
    _matching(_CRON),
    Wants("a cron expression of six fields, seconds first, Indian time, such as 0 */5 * * * *"),
]
Networks = Annotated[
    tuple[str, ...],
    BeforeValidator(_split),
    AfterValidator(_networks),
    Wants("addresses or CIDR ranges, IPv4 or IPv6, separated by commas"),
]
Hosts = Annotated[
    tuple[Annotated[str, _matching(_HOST)], ...],
    BeforeValidator(_split),
    BeforeValidator(_lower),  # carried out before the splitting
    Wants("host names, with a port where it is not 443, separated by commas"),
]
MailAddress = Annotated[str, _matching(_MAIL), Wants("an e-mail address")]
Prefix = Annotated[str, BeforeValidator(_upper), _matching(_PREFIX), Wants("1 to 4 letters")]
Keys = Annotated[
    str,
    AfterValidator(_keys_text),
    Wants("a secret of at least 32 characters without ':' ',' or spaces; or id:secret,id:secret with the newest first"),
]
SigningKey = Annotated[
    str,
    BeforeValidator(_lower),
    _matching(_SIGNING_KEY),
    Wants("64 hexadecimal digits, as `wisipay ledger heads --new-key` makes them"),
]
HttpUrl = Annotated[str, _url("http", "https"), Wants("an http:// or https:// address")]
PostgresUrl = Annotated[str, _url("postgresql", "postgres"), Wants("postgresql://user:password@host:port/database")]
RedisUrl = Annotated[str, _url("redis", "rediss", "unix"), Wants("redis://:password@host:port/0 or rediss://...")]
MongoUrl = Annotated[str, _url("mongodb", "mongodb+srv"), Wants("mongodb://user:password@host:port/")]
