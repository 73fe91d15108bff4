"""What Razorpay, Cashfree and SabioPay are asked beside payments, and what their words mean."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from support.loopback import Loopback, WireAnswer, running_loopback
from support.provider_bench import PATIENT_SECONDS
from wisipay.core.http_client import HttpClient
from wisipay.core.money import Paise
from wisipay.providers import HttpPolicy, ProviderHttp, Unknown
from wisipay.providers.adapters.cashfree.adapter import CashfreeAdapter, CashfreeCredentials
from wisipay.providers.adapters.razorpay.adapter import RazorpayAdapter, RazorpayCredentials
from wisipay.providers.adapters.sabiopay.adapter import SabioPayAdapter, SabioPayCredentials
from wisipay.providers.capture import ProviderRequest, redacted_exchange
from wisipay.providers.inquiries import Awaited, Balance, Beneficiary, Judged

ACCOUNT = Beneficiary("V1", "Asha Rão", account_number="000123456789", ifsc="HDFC0000001")
VPA = Beneficiary("V2", "Asha Rao", vpa="asha@upi")
X_ACCOUNT = "7878780080316316"


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        yield loopback


@pytest.fixture
async def http() -> AsyncIterator[ProviderHttp]:
    async with HttpClient(private_addresses_allowed=True) as client:
        policy = HttpPolicy(timeout_seconds=PATIENT_SECONDS, https_only=False)
        yield ProviderHttp(client, provider="asked", channel_id="asked_a", policy=policy)


@pytest.fixture
def razorpay(loopback: Loopback, http: ProviderHttp) -> RazorpayAdapter:
    url = f"{loopback.url}/v1"
    return RazorpayAdapter(RazorpayCredentials("rzp_test_1DP5mmOl", "s", account_number=X_ACCOUNT, base_url=url), http)


@pytest.fixture
def cashfree(loopback: Loopback, http: ProviderHttp) -> CashfreeAdapter:
    keys = CashfreeCredentials(
        "payments1", "s1", "payouts22", "s2", verification_client_id="verify33", base_url=loopback.url
    )
    return CashfreeAdapter(keys, http)


def answer(content: object, status: int = 200) -> WireAnswer:
    return WireAnswer(status, msgspec.json.encode(content))


def validation(status: str, **results: object) -> WireAnswer:
    return answer({"id": "fav_1", "status": status, "validation_results": results})


async def test_razorpay_validates_an_account_and_is_asked_again(razorpay: RazorpayAdapter, loopback: Loopback) -> None:
    done = {"account_status": "active", "registered_name": "ASHA RAO", "name_match_score": 91}
    loopback.will_answer(validation("created"), validation("created"), validation("completed", **done))
    assert await razorpay.validate(ACCOUNT) == Awaited("fav_1")
    assert await razorpay.validated("fav_1") == Awaited("fav_1")
    assert await razorpay.validated("fav_1") == Judged(exists=True, name="ASHA RAO", name_score=91)
    sent = msgspec.json.decode(loopback.received[0].body)
    assert (sent["source_account_number"], sent["reference_id"]) == (X_ACCOUNT, "V1")
    account = {"name": "Asha Rao", "ifsc": "HDFC0000001", "account_number": "000123456789"}
    assert sent["fund_account"]["bank_account"] == account
    assert [request.path for request in loopback.received] == [
        "/v1/fund_accounts/validations",
        "/v1/fund_accounts/validations/fav_1",
        "/v1/fund_accounts/validations/fav_1",
    ]


@pytest.mark.parametrize(
    ("told", "meaning"),
    [
        (validation("completed", account_status="invalid", details="No such account"), "no"),
        (validation("completed", account_status="valid", name_match_score="x"), "yes"),
        (validation("completed", account_status="dormant"), "unknown"),
        (validation("failed"), "unknown"),
        (answer({"id": "fav_1", "status": "completed", "results": {"account_status": "active"}}), "yes"),
        (answer({"error": {"code": "BAD_REQUEST_ERROR", "description": "balance too low"}}, 400), "unknown"),
        (answer({}, 503), "unknown"),
    ],
    ids=["invalid", "valid", "another word", "failed", "older shape", "refused", "down"],
)
async def test_what_razorpay_says_of_an_account(
    razorpay: RazorpayAdapter, loopback: Loopback, told: WireAnswer, meaning: str
) -> None:
    loopback.will_answer(told)
    outcome = await razorpay.validate(ACCOUNT)
    if meaning == "unknown":
        assert isinstance(outcome, Unknown)
    else:
        assert isinstance(outcome, Judged)
        assert (outcome.exists, outcome.name_score) == (meaning == "yes", None)


async def test_razorpay_tells_of_a_vpa(razorpay: RazorpayAdapter, loopback: Loopback) -> None:
    loopback.will_answer(
        answer({"vpa": "ASHA@upi", "success": True, "customer_name": "Asha Rao"}),
        answer({"vpa": "asha@upi", "success": False}),
        answer({"vpa": "other@upi", "success": True}),
        answer({"error": {"description": "no"}}, 400),
    )
    assert await razorpay.validate(VPA) == Judged(exists=True, name="Asha Rao")
    assert await razorpay.validate(VPA) == Judged(exists=False)
    assert isinstance(await razorpay.validate(VPA), Unknown)
    assert await razorpay.validate(VPA) == Unknown("HTTP 400: no")


async def test_razorpay_without_an_account_that_pays_validates_vpas_only(http: ProviderHttp) -> None:
    without = RazorpayAdapter(RazorpayCredentials("rzp_test_1DP5mmOl", "s"), http).capabilities
    assert (without.validates, without.tells_balance) == (frozenset({"vpa"}), False)


@pytest.mark.parametrize(
    ("items", "balance"),
    [
        ([("1", "INR", 5), (X_ACCOUNT, "INR", 70_050)], Balance(Paise(70_050))),
        ([(X_ACCOUNT, "INR", -1)], Balance(Paise(0))),
        ([(X_ACCOUNT, "USD", 5)], None),
        ([(X_ACCOUNT, "INR", None)], None),
        ([], None),
    ],
    ids=["ours of two", "overdrawn", "dollars", "no amount", "none"],
)
async def test_the_balance_of_razorpay_is_that_of_our_account(
    razorpay: RazorpayAdapter, loopback: Loopback, items: list[tuple[object, ...]], balance: Balance | None
) -> None:
    names = ("account_number", "currency", "available_amount")
    loopback.will_answer(answer({"items": [dict(zip(names, item, strict=True)) for item in items]}))
    outcome = await razorpay.balance()
    assert outcome == balance if balance else isinstance(outcome, Unknown)
    loopback.will_answer(answer({"error": {"description": "no"}}, 401))
    assert await razorpay.balance() == Unknown("HTTP 401: no")


async def test_cashfree_is_asked_with_the_keys_of_verification(cashfree: CashfreeAdapter, loopback: Loopback) -> None:
    loopback.will_answer(
        answer({"account_status": "VALID", "account_status_code": "ACCOUNT_IS_VALID", "name_match_score": "90.00"}),
        answer({"status": "VALID", "vpa": "asha@upi", "name_at_bank": "ASHA RAO", "name_match_score": 100}),
    )
    assert await cashfree.validate(ACCOUNT) == Judged(exists=True, name_score=90, message="account is valid")
    assert await cashfree.validate(VPA) == Judged(exists=True, name="ASHA RAO", name_score=100)
    paths = [request.path for request in loopback.received]
    assert paths == ["/verification/bank-account/sync", "/verification/upi"]
    assert {request.headers["x-client-id"] for request in loopback.received} == {"verify33"}
    assert isinstance(await cashfree.validated("1"), Unknown)


@pytest.mark.parametrize(
    ("content", "exists"),
    [
        ({"account_status": "INVALID", "account_status_code": "INVALID_IFSC_CODE", "name_match_score": "x"}, False),
        ({"account_status": "INVALID", "account_status_code": "ACCOUNT_BLOCKED", "name_match_score": 101}, False),
        ({"account_status": "INVALID", "account_status_code": "NRE_ACCOUNT"}, None),
        ({"account_status": "INVALID"}, None),
        ({"account_status": "RECEIVED"}, None),
    ],
    ids=["ifsc", "blocked", "nre", "no code", "under way"],
)
async def test_an_account_is_invalid_at_cashfree_only_by_a_code_of_the_account(
    cashfree: CashfreeAdapter, loopback: Loopback, content: dict[str, object], exists: object
) -> None:
    loopback.will_answer(answer(content))
    outcome = await cashfree.validate(ACCOUNT)
    if exists is None:
        assert isinstance(outcome, Unknown)
    else:
        assert isinstance(outcome, Judged)
        assert (outcome.exists, outcome.name_score) == (exists, None)


async def test_other_answers_of_cashfree_say_nothing(cashfree: CashfreeAdapter, loopback: Loopback) -> None:
    for told in (
        answer({"status": "EXPIRED", "vpa": "asha@upi"}),
        answer({"status": "VALID", "vpa": "other@upi"}),
        answer({"code": "insufficient_balance", "message": "Insufficient balance"}, 422),
    ):
        loopback.will_answer(told)
        assert isinstance(await cashfree.validate(VPA), Unknown)
    assert await cashfree.validate(ACCOUNT) == Unknown("HTTP 422 insufficient_balance: Insufficient balance")


async def test_the_balance_of_cashfree_is_asked_for_with_a_token(cashfree: CashfreeAdapter, loopback: Loopback) -> None:
    token = answer({"status": "SUCCESS", "subCode": "200", "data": {"token": "t0k3n"}})
    told = {"status": "SUCCESS", "subCode": "200", "data": {"balance": "9.00", "availableBalance": "8.50"}}
    loopback.will_answer(token, answer(told))
    assert await cashfree.balance() == Balance(Paise(850))
    first, second = loopback.received
    assert (first.path, first.headers["x-client-id"]) == ("/payout/v1/authorize", "payouts22")
    assert (second.path, second.headers["authorization"]) == ("/payout/v1/getBalance", "Bearer t0k3n")
    loopback.will_answer(token, answer({**told, "data": {"availableBalance": "-8.50"}}))
    assert await cashfree.balance() == Balance(Paise(0))
    for answers in (
        [answer({"status": "ERROR", "subCode": "403", "message": "no"})],
        [token, answer({"status": "ERROR", "subCode": "403", "message": "no"})],
        [token, answer({"status": "SUCCESS", "subCode": "200"})],
    ):
        loopback.will_answer(*answers)
        assert isinstance(await cashfree.balance(), Unknown)


async def test_the_older_api_of_cashfree_is_elsewhere_in_production(http: ProviderHttp) -> None:
    adapter = CashfreeAdapter(CashfreeCredentials("payments1", "s1"), http)
    assert isinstance(await adapter.balance(), Unknown)  # unsent: tests call nobody but this machine


async def test_the_balance_of_sabiopay(loopback: Loopback, http: ProviderHttp) -> None:
    adapter = SabioPayAdapter(SabioPayCredentials("1" * 36, "salt", base_url=loopback.url), http)
    loopback.will_answer(answer({"data": {"balance": "20.00"}}))
    assert await adapter.balance() == Balance(Paise(2_000))
    assert loopback.received[0].path == "/v3/fundtransfer/getbalance"
    loopback.will_answer(answer({"data": {"balance": "-1.00"}}))
    assert await adapter.balance() == Balance(Paise(0))
    unclear: tuple[dict[str, object], ...] = ({"error": {"code": 1023, "message": "Hash Mismatch"}}, {"data": {}}, {})
    for told in unclear:
        loopback.will_answer(answer(told))
        assert isinstance(await adapter.balance(), Unknown)


def test_names_at_the_bank_are_in_no_capture() -> None:
    request = ProviderRequest("validation", "V1", "POST", "https://x.example/upi", {}, b'{"vpa":"asha@upi"}')
    shown = redacted_exchange(request, "no answer", provider="x", channel_id="x_a")
    assert "asha" not in shown.request_body
    body = b'{"name_at_bank":"ASHA RAO","registered_name":"ASHA RAO","customer_name": "ASHA RAO"}'
    kept = redacted_exchange(
        ProviderRequest("v", "V", "POST", "https://x.example", {}, body), "", provider="x", channel_id="x"
    )
    assert "ASHA" not in kept.request_body
