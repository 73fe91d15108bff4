"""The credentials that callers of the simulated providers use: which keys are taken, which secret signs webhooks.

An account is one API key. Its payments, faults and webhook secret are its own, so that two channels of one provider
can fail apart from each other. Unless a key is demanded at start, every non-empty key is taken and becomes an account.
"""

import hashlib

import msgspec

_MAX_ACCOUNTS = 10_000


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A registered credential, as `PUT /control/accounts/{name}` takes it."""

    api_key: str
    webhook_secret: str


class Accounts:
    """Names accounts by their key."""

    def __init__(self, *, api_key: str | None, webhook_secret: str) -> None:
        self._demanded = api_key
        self._default_secret = webhook_secret.encode()
        self._names: dict[str, str] = {}
        self._secrets: dict[str, bytes] = {}

    def register(self, name: str, account: Account) -> None:
        """Give a key a name and a webhook secret of its own."""
        self._names[account.api_key] = name
        self._secrets[name] = account.webhook_secret.encode()

    def name_of(self, api_key: str) -> str | None:
        """Return the account of a key, None when the key is not taken."""
        name = self._names.get(api_key)
        if name is not None:
            return name
        if not api_key or (self._demanded is not None and api_key != self._demanded):
            return None
        if len(self._names) >= _MAX_ACCOUNTS:
            return None
        name = f"key-{hashlib.sha256(api_key.encode()).hexdigest()[:8]}"
        self._names[api_key] = name
        return name

    def webhook_secret(self, name: str) -> bytes:
        """Return the secret that signs an account's webhooks."""
        return self._secrets.get(name, self._default_secret)

    def names(self) -> list[str]:
        """Return the accounts seen so far."""
        return sorted(set(self._names.values()))

    def clear(self) -> None:
        """Forget registered and seen accounts."""
        self._names.clear()
        self._secrets.clear()
