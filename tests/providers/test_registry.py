"""Adapters by name, and credentials that do not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import pytest

from wisipay.providers import (
    Credentials,
    InvalidCredentials,
    ProviderAdapter,
    ProviderHttp,
    UnknownAdapter,
    adapter_names,
    build,
    check_credentials,
    credentials_schema,
    register,
)
from wisipay.providers import registry as module
from wisipay.providers.adapters.dummy import DummyAdapter, DummyCredentials

NO_HTTP = cast("ProviderHttp", None)
GOOD = {"baseUrl": "https://dummy.example.com/", "apiKey": "k3y-value"}


@pytest.fixture
def registrations() -> Iterator[None]:
    before = dict(module._registrations)  # noqa: SLF001 - put back as it was
    yield
    module._registrations.clear()  # noqa: SLF001 - as above
    module._registrations.update(before)  # noqa: SLF001 - as above


def test_the_dummy_is_registered() -> None:
    assert "dummy" in adapter_names()
    assert credentials_schema("dummy") is DummyCredentials
    assert isinstance(build("dummy", GOOD, NO_HTTP), DummyAdapter)


def test_an_unknown_adapter_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UnknownAdapter, match=r"no adapter named 'nosuch'; there are: .*dummy"):
        build("nosuch", {}, NO_HTTP)
    with pytest.raises(UnknownAdapter):
        credentials_schema("nosuch")
    with pytest.raises(UnknownAdapter):
        check_credentials("nosuch", {})


@pytest.mark.parametrize(
    ("credentials", "fields"),
    [
        ({}, {"baseUrl", "apiKey"}),
        ({"apiKey": "k"}, {"baseUrl"}),
        ({**GOOD, "apikey": "k3y", "salt": "s4lt"}, {"apikey", "salt"}),
        ({**GOOD, "apiKey": ""}, {"apiKey"}),
        ({**GOOD, "baseUrl": "dummy.example.com", "webhookSecret": ""}, {"baseUrl", "webhookSecret"}),
        ({**GOOD, "baseUrl": "ftp://dummy.example.com"}, {"baseUrl"}),
        ({**GOOD, "baseUrl": "https://user:pass@dummy.example.com"}, {"baseUrl"}),
        ({**GOOD, "baseUrl": "https://dummy.example.com/?a=1"}, {"baseUrl"}),
        ({**GOOD, "apiKey": "x" * 8_001}, {"apiKey"}),
    ],
)
def test_credentials_that_do_not_fit_name_their_fields_and_no_values(
    credentials: Mapping[str, str], fields: set[str]
) -> None:
    with pytest.raises(InvalidCredentials) as refusal:
        build("dummy", credentials, NO_HTTP)
    assert set(refusal.value.problems) == fields
    assert not any(value in str(refusal.value) for value in credentials.values() if len(value) > 1)
    with pytest.raises(InvalidCredentials):
        check_credentials("dummy", credentials)


def test_good_credentials_pass_the_check() -> None:
    check_credentials("dummy", GOOD)


def test_credentials_do_not_show_their_values() -> None:
    credentials = DummyCredentials(base_url="https://dummy.example.com", api_key="k3y-value")
    assert "k3y-value" not in repr(credentials)
    assert "api_key" in repr(credentials)


@pytest.mark.usefixtures("registrations")
def test_a_new_adapter_is_built_from_its_own_credentials() -> None:
    class OtherCredentials(Credentials, frozen=True):
        api_token: str

    built: list[str] = []

    def other(credentials: OtherCredentials, http: ProviderHttp) -> ProviderAdapter:
        built.append(credentials.api_token)
        return DummyAdapter(DummyCredentials(base_url="https://x.example.com", api_key="k"), http)

    register("other", OtherCredentials, other)
    build("other", {"apiToken": "t"}, NO_HTTP)
    assert built == ["t"]
    assert adapter_names() == tuple(sorted([*adapter_names()]))


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="dummy is registered already"):
        register("dummy", DummyCredentials, DummyAdapter)
