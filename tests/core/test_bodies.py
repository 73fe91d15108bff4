"""Strict JSON bodies."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisipay.core.bodies import decode_body, field_fault
from wisipay.core.errors import BadRequest


class Customer(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class Order(msgspec.Struct, rename="camel"):
    order_id: str
    amount_paise: int
    customers: list[Customer] = []


@pytest.mark.parametrize(
    ("body", "details"),
    [
        (b'{"orderId":"O"}', {"amountPaise": "is missing"}),
        (b'{"orderId":1,"amountPaise":1}', {"orderId": "Expected `str`, got `int`"}),
        (b'{"orderId":"O","amountPaise":1.5}', {"amountPaise": "Expected `int`, got `float`"}),
        (b'{"orderId":"O","amountPaise":true}', {"amountPaise": "Expected `int`, got `bool`"}),
        (b'{"orderId":"O","amountPaise":1,"customers":[{}]}', {"customers[0].name": "is missing"}),
        (b'{"orderId":"O","amountPaise":1,"customers":[{"nam":"x"}]}', {"customers[0].nam": "is not known"}),
        (b'"O"', {"body": "Expected `object`, got `str`"}),
        (b"", {}),
        (b"{'a':1}", {}),
        (b'{"else":' + b"[" * 5_000, {}),
    ],
)
def test_the_field_at_fault_is_named(body: bytes, details: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as caught:
        decode_body(body, Order)
    assert caught.value.details == details


def test_a_proper_body_is_read() -> None:
    assert decode_body(b'{"orderId":"O","amountPaise":1}', Order) == Order("O", 1)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_whatever_comes_is_a_value_or_a_bad_request(body: bytes) -> None:
    with contextlib.suppress(BadRequest):
        decode_body(body, Order)


@given(st.text(max_size=100))
def test_any_message_has_a_field(message: str) -> None:
    field, fault = field_fault(message)
    assert field
    assert isinstance(fault, str)
