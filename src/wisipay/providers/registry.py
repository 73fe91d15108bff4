"""The adapters by name, found in `adapters`, and the building of one from a channel's credentials.

Decides whether credentials fit an adapter, and says which fields do not, never what they hold. Must never let an
adapter be built from credentials that it did not declare.
"""

import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, TypeVar

import msgspec

from wisipay.core.http_client import HttpClient
from wisipay.providers import adapters
from wisipay.providers.base import Capabilities, Credentials, ProviderAdapter
from wisipay.providers.errors import InvalidCredentials, UnknownAdapter
from wisipay.providers.http import HttpPolicy, ProviderHttp
from wisipay.providers.registration import Registration

_Credentials = TypeVar("_Credentials", bound=Credentials)


@dataclass(frozen=True, slots=True)
class _Registration:
    schema: type[Credentials]
    build: Callable[[Mapping[str, str], ProviderHttp], ProviderAdapter]


_registrations: Final[dict[str, _Registration]] = {}


def register(
    name: str, schema: type[_Credentials], adapter: Callable[[_Credentials, ProviderHttp], ProviderAdapter]
) -> None:
    """Make an adapter known under a name. Raises ValueError when the name is taken."""
    if name in _registrations:
        raise ValueError(f"an adapter named {name} is registered already")

    def build_one(credentials: Mapping[str, str], http: ProviderHttp) -> ProviderAdapter:
        return adapter(_typed(name, schema, credentials), http)

    _registrations[name] = _Registration(schema, build_one)


def adapter_names() -> tuple[str, ...]:
    """Return the names of all adapters, sorted."""
    return tuple(sorted(_registrations))


def credentials_schema(name: str) -> type[Credentials]:
    """Return the credentials type of an adapter; its encoded field names are those of the panel. UnknownAdapter."""
    return _registration(name).schema


def check_credentials(name: str, credentials: Mapping[str, str]) -> None:
    """Raise `InvalidCredentials` naming every field that is missing, unknown or malformed; UnknownAdapter."""
    _typed(name, _registration(name).schema, credentials)


def build(name: str, credentials: Mapping[str, str], http: ProviderHttp) -> ProviderAdapter:
    """Build the adapter of one channel. Raises `UnknownAdapter` and `InvalidCredentials`."""
    return _registration(name).build(credentials, http)


def capabilities_of(name: str, credentials: Mapping[str, str]) -> Capabilities:
    """Return what an adapter can do with these credentials, calling nobody. Raises as `build` does."""
    client = HttpClient(private_addresses_allowed=False)  # never opened, so it cannot call
    return build(
        name, credentials, ProviderHttp(client, provider=name, channel_id="", policy=HttpPolicy())
    ).capabilities


def _registration(name: str) -> _Registration:
    if name not in _registrations:
        raise UnknownAdapter(f"no adapter named {name[:50]!r}; there are: {', '.join(adapter_names())}")
    return _registrations[name]


def _typed(name: str, schema: type[_Credentials], credentials: Mapping[str, str]) -> _Credentials:
    fields = msgspec.structs.fields(schema)
    known = {field.encode_name for field in fields}
    problems = {unknown[:50]: "is not a field of this adapter" for unknown in credentials if unknown not in known}
    for field in fields:
        if field.encode_name in credentials:
            problem = _problem(credentials[field.encode_name], field.type)
        else:
            problem = "is missing" if field.required else None
        if problem:
            problems[field.encode_name] = problem
    if problems:
        raise InvalidCredentials(name, problems)
    return msgspec.convert(dict(credentials), schema)


def _problem(value: str, wanted: object) -> str | None:
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        return f"does not fit: {error}"  # msgspec tells what it expected, and of the value its type at most
    return None


def _find_adapters() -> Iterable[Registration[Any]]:
    for module in pkgutil.iter_modules(adapters.__path__, f"{adapters.__name__}."):
        yield from import_module(module.name).REGISTRATIONS


for _found in _find_adapters():
    register(_found.name, _found.schema, _found.adapter)
