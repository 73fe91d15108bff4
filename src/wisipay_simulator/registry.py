"""Who takes part: the API keys that callers use and the merchants that receive callbacks, as they were registered.

An account is one API key. Its payments, faults and webhook secret are its own, so that two channels of one provider
can fail apart from each other. Unless a key is demanded at start, every non-empty key is taken and becomes an account.
An account's id comes from its key alone, so naming it later changes nothing about its payments. Pure.
"""

import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

_MAX_ACCOUNTS = 10_000
_MAX_MERCHANTS = 10_000


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A registered credential, as `PUT /control/accounts/{name}` takes it.

    `webhook_secret` is the second secret of the provider's format: what signs, salts or encrypts. The two URLs are
    where webhooks go whose orders name no address, as with providers that have it entered in their panel.
    `float_paise` is what the provider holds for payouts when none was made yet, on the account `float_account`.
    """

    api_key: Annotated[str, Meta(min_length=1)]
    webhook_secret: Annotated[str, Meta(min_length=1)]
    payin_webhook_url: str = ""
    payout_webhook_url: str = ""
    float_paise: Annotated[int, Meta(ge=0)] = 1_000_000_000_000
    float_account: str = "7878780080316316"


class Merchant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A merchant's secrets and how its endpoint behaves, as `PUT /control/merchants/{id}` takes it.

    `fail_first` refuses that many attempts of every event; `fail_share` any attempt by chance; `status` is the answer
    when it fails; `answer` `close` breaks the connection instead; `slow_ms` delays every answer.
    """

    secrets: tuple[str, ...] = ()
    slow_ms: Annotated[int, Meta(ge=0, le=600_000)] = 0
    fail_share: Annotated[float, Meta(ge=0, le=1)] = 0.0
    fail_first: Annotated[int, Meta(ge=0, le=1000)] = 0
    status: Annotated[int, Meta(ge=200, le=599)] = 500
    retry_after_seconds: Annotated[int, Meta(ge=0, le=86_400)] | None = None
    answer: Literal["http", "close"] = "http"


class TooManyError(Exception):
    """The registry holds its maximum of accounts or merchants."""


class Registry:
    """Accounts and merchants."""

    def __init__(self, *, api_key: str | None, webhook_secret: str) -> None:
        self.accounts: dict[str, Account] = {}
        self.merchants: dict[str, Merchant] = {}
        self._demanded = api_key
        self._default_secret = webhook_secret
        self._ids: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    def add_account(self, name: str, account: Account) -> None:
        """Give a key a name and a webhook secret of its own; TooManyError at the cap."""
        if name not in self.accounts and len(self.accounts) >= _MAX_ACCOUNTS:
            raise TooManyError
        self.accounts[name] = account
        account_id = _id_of(account.api_key)
        self._ids[account.api_key] = account_id
        self._names[account_id] = name

    def add_merchant(self, merchant_id: str, merchant: Merchant) -> None:
        """Set a merchant's secrets and behaviour; TooManyError at the cap."""
        if merchant_id not in self.merchants and len(self.merchants) >= _MAX_MERCHANTS:
            raise TooManyError
        self.merchants[merchant_id] = merchant

    def account_of(self, api_key: str) -> str | None:
        """Return the id of a key's account, None when the key is not taken."""
        known = self._ids.get(api_key)
        if known is not None:
            return known
        if not api_key or (self._demanded is not None and api_key != self._demanded):
            return None
        if len(self._ids) >= 2 * _MAX_ACCOUNTS:
            return None
        account_id = _id_of(api_key)
        self._ids[api_key] = account_id
        self._keys[account_id] = api_key
        return account_id

    def account_named(self, name: str) -> str:
        """Return the id of a registered name; what is no name is taken as an id."""
        account = self.accounts.get(name)
        return _id_of(account.api_key) if account else name

    def name_of(self, account_id: str) -> str:
        """Return what people call an account."""
        return self._names.get(account_id, account_id)

    def account(self, account_id: str) -> Account:
        """Return what an account was registered with; the default secret where it never was."""
        named = self.accounts.get(self._names.get(account_id, ""))
        return named or Account(self._keys.get(account_id) or account_id, self._default_secret)

    def names(self) -> list[str]:
        """Return the accounts registered or seen so far."""
        return sorted({self.name_of(account_id) for account_id in self._ids.values()})

    def clear(self) -> None:
        """Forget accounts and merchants."""
        for memory in (self.accounts, self.merchants, self._ids, self._names, self._keys):
            memory.clear()


def _id_of(api_key: str) -> str:
    return f"key-{hashlib.sha256(api_key.encode()).hexdigest()[:12]}"
