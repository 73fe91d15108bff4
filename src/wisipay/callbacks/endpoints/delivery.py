"""One attempt at a delivery: the endpoint's address, signed with the endpoint's own secrets.

Decides nothing about the answer, which counts as at a callback URL. Must never let one endpoint's damaged secret stop
the deliveries to others: it fails this attempt.
"""

from datetime import datetime

from wisipay.callbacks.delivery import Delivery, Sent, Target
from wisipay.callbacks.endpoints.keeping import open_secret
from wisipay.callbacks.endpoints.model import Addressee, ClaimedDelivery
from wisipay.callbacks.model import Attempt
from wisipay.callbacks.retry import Verdict
from wisipay.callbacks.signing import SignedCallback, sign_ping
from wisipay.core.crypto import SealBroken, SecretBox
from wisipay.core.ids import new_id
from wisipay.core.logging import get_logger
from wisipay.merchants import ApiSecret

_PING_PREFIX = "PING"
_logger = get_logger(__name__)


class EndpointDelivery:
    """Makes attempts at deliveries through `delivery`; `box` opens the endpoints' secrets."""

    def __init__(self, delivery: Delivery, box: SecretBox) -> None:
        self._delivery = delivery
        self._box = box

    async def attempt(self, claimed: ClaimedDelivery) -> tuple[Attempt, Verdict]:
        """Send the event once and judge the answer."""
        endpoint = claimed.addressee.endpoint
        return await self._delivery.attempt_at(
            claimed.callback, self._target(claimed.addressee), endpoint_id=endpoint.id
        )

    async def ping(self, addressee: Addressee, now: datetime) -> tuple[str, Sent]:
        """Send a ping to an endpoint, also one that is off; return its id and what came of it."""
        endpoint, ping_id = addressee.endpoint, new_id(_PING_PREFIX, now)

        def build(secrets: tuple[bytes, ...], moment: datetime) -> SignedCallback:
            return sign_ping(ping_id, endpoint.id, endpoint.merchant_id, secrets, moment)

        return ping_id, await self._delivery.send(self._target(addressee), build, now)

    def _target(self, addressee: Addressee) -> Target:
        """Open the secrets; one that does not open is left out, and none at all fails the attempt."""
        opened: list[ApiSecret] = []
        for secret in addressee.secrets:
            try:
                value = open_secret(self._box, secret)
            except SealBroken:
                _logger.exception("callback.endpoint_secret_unreadable", secret_id=secret.id)
                continue
            opened.append(ApiSecret(secret.id, value, secret.created_at, secret.retires_at))
        return Target(addressee.endpoint.url, tuple(opened))
