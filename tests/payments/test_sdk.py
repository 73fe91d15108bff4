"""The SDK at the running product: as its README has it, and from two tasks at once."""

from __future__ import annotations

import asyncio
import re
import sys

import pytest

from support.shop import Shop
from support.source_file import REPOSITORY
from wisipay_sdk import AsyncWisipay, PayinOrder, PayoutOrder, Refused

PAYIN = PayinOrder(
    amount=500,
    order_id="ORDER-10001",
    payment_mode="UPI",
    customer_name="Asha Rao",
    customer_email="asha@example.com",
    customer_phone="9876543210",
    remarks="sim:pending",
)


async def test_the_readme_runs_as_it_stands(shop: Shop) -> None:
    text = (REPOSITORY / "sdk" / "README.md").read_text(encoding="utf-8")
    (example, _) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    mine = {"http://127.0.0.1:4001": shop.url, "MER-1": shop.merchant_id, "your API secret": shop.secret}
    for shown, real in mine.items():
        assert shown in example
        example = example.replace(shown, real)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", example),
        env={"PYTHONPATH": str(REPOSITORY / "sdk" / "src")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    assert re.fullmatch(r"send the customer to http://\S+\n[A-Z]+\n", told.decode())


async def test_one_key_is_one_payment_and_another_order_is_refused(shop: Shop) -> None:
    async with AsyncWisipay(shop.url, merchant_id=shop.merchant_id, secret=shop.secret) as wisipay:
        first, second = await asyncio.gather(
            wisipay.start_payin(PAYIN, idempotency_key="key-1"), wisipay.start_payin(PAYIN, idempotency_key="key-1")
        )
        assert first == second
        with pytest.raises(Refused, match="CONFLICT"):
            await wisipay.start_payin(PAYIN)
        state = await wisipay.state(PAYIN.order_id, "PAYIN")
        assert (state.transaction_id, state.type, state.amount) == (first.transaction_id, "PAYIN", 500)


async def test_a_payout_and_what_is_not_there(shop: Shop) -> None:
    order = PayoutOrder(
        amount=500,
        order_id="ORDER-10002",
        payment_mode="IMPS",
        beneficiary_name="Asha Rao",
        beneficiary_account_number="000123456789",
        beneficiary_ifsc="HDFC0000001",
        beneficiary_bank_name="HDFC Bank",
        remarks="sim:pending",
    )
    async with AsyncWisipay(shop.url, merchant_id=shop.merchant_id, secret=shop.secret) as wisipay:
        payout = await wisipay.start_payout(order)
        assert (await wisipay.state(order.order_id)).transaction_id == payout.transaction_id
        with pytest.raises(Refused, match="NOT_FOUND"):
            await wisipay.state("ORDER/ 3")


async def test_a_wrong_secret_is_told(shop: Shop) -> None:
    async with AsyncWisipay(shop.url, merchant_id=shop.merchant_id, secret="not mine") as wisipay:
        with pytest.raises(Refused, match="FORBIDDEN"):
            await wisipay.start_payin(PAYIN)
