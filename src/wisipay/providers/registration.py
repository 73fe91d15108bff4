"""What an adapter module says of itself: the names under which channels use it.

Every module in `adapters` has a tuple `REGISTRATIONS`; the registry finds them all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from wisipay.providers.base import Credentials, ProviderAdapter
from wisipay.providers.http import ProviderHttp

CredentialsT = TypeVar("CredentialsT", bound=Credentials)


@dataclass(frozen=True, slots=True)
class Registration(Generic[CredentialsT]):
    """One adapter: its name, the credentials it asks for, and how it is built for a channel."""

    name: str
    schema: type[CredentialsT]
    adapter: Callable[[CredentialsT, ProviderHttp], ProviderAdapter]
