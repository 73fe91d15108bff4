"""The outside of the product's shell in a history: desk, gateway, client and asker that wait instead of doing I/O.

The product's own service, words, processing and delivery run on these; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from simulation.parties import CAPABILITIES, People
from simulation.paths import RepeatableRouter, check_routed
from simulation.requests import Ask, Call, Submit, Tell, wait_for
from support.memory_payments import MemoryPayments
from wisipay.core.http_client import HttpAnswer
from wisipay.merchants import Merchant
from wisipay.payments import Asker, PaymentService, Request, Transaction
from wisipay.payments.commands import Command, Open, Result
from wisipay.payments.model import Attempt
from wisipay.providers import (
    Capabilities,
    CreateOutcome,
    HealthStore,
    PayinOrder,
    PaymentKind,
    PayoutOrder,
    StatusOutcome,
    WebhookRoute,
    WebhookWord,
)

if TYPE_CHECKING:
    from simulation.post import PostOffice


_SECONDS = 0.2
"""What a call to a provider takes, as far as its health goes."""


class WaitingDesk:
    """A desk whose batches the driver cuts; `together` commits what comes as a batch already."""

    def __init__(self, together: Callable[[Sequence[Command]], list[Result]]) -> None:
        self._together = together

    async def submit(self, command: Command) -> Result:
        """Return the command's result once the driver has had it committed."""
        result: Result = await wait_for(Submit(command))
        return result

    async def decide_within(
        self, begin: Callable[[Any], Awaitable[Sequence[Command]]], end: Callable[[Any, list[Result]], Awaitable[None]]
    ) -> None:
        """Decide what `begin` brings and have `end` write what came of it; nothing happens in between."""
        await end(None, self._together(await begin(None)))


class WaitingGateway:
    """A gateway whose calls the driver answers; webhooks are read from what the post office carried."""

    def __init__(self, post: PostOffice, health: HealthStore) -> None:
        self._post = post
        self._health = health

    async def create_payin(self, channel_id: str, order: PayinOrder) -> CreateOutcome:
        """Start a collection."""
        outcome: CreateOutcome = await wait_for(Call(channel_id, "payin", order))
        self._health.called(channel_id, "payin", outcome, _SECONDS)
        return outcome

    async def create_payout(self, channel_id: str, order: PayoutOrder) -> CreateOutcome:
        """Start a disbursement."""
        outcome: CreateOutcome = await wait_for(Call(channel_id, "payout", order))
        self._health.called(channel_id, "payout", outcome, _SECONDS)
        return outcome

    async def check_status(
        self, channel_id: str, kind: PaymentKind, reference: str, provider_reference: str | None
    ) -> StatusOutcome:
        """Ask how a payment stands."""
        outcome: StatusOutcome = await wait_for(Ask(channel_id, kind, reference, provider_reference))
        return outcome

    async def circuit_open(self, channel_id: str, kind: PaymentKind) -> bool:
        """Tell whether the channel is held back: never, since a paused channel is held back as well."""
        del channel_id, kind
        return False

    async def capabilities(self, channel_id: str) -> Capabilities:
        """Return what the channel's provider can do."""
        return CAPABILITIES[channel_id]

    async def parse_webhook(
        self, channel_id: str, route: WebhookRoute, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookWord, ...]:
        """Read a webhook as this channel. Raises `WebhookUnreadable`."""
        del route, headers
        return self._post.read(body, channel_id)


class WaitingClient:
    """An HTTP client whose requests to merchants the driver answers."""

    async def request(self, method: str, url: str, *, headers: Mapping[str, str], **more: object) -> HttpAnswer:
        """Return the merchant's answer; raises `NotSent` or `AnswerLost`."""
        del method, more
        answer: HttpAnswer = await wait_for(Tell(url, headers["webhook-id"]))
        return answer


class MemoryAsker(Asker):
    """The product's asker, looking payments up in memory."""

    def __init__(self, payments: MemoryPayments, desk: Any, gateway: Any) -> None:  # noqa: ANN401 - stand-ins
        super().__init__(None, desk, gateway)  # type: ignore[arg-type] # every look-up is overridden below
        self._payments = payments

    async def by_order(self, merchant_id: str, order_id: str) -> Transaction | None:
        """Return a merchant's payment by its order id."""
        return self._payments.by_order(merchant_id, order_id)

    async def by_id(self, transaction_id: str) -> Transaction | None:
        """Return a payment by its id."""
        return self._payments.by_id(transaction_id)

    async def by_provider_reference(self, provider_id: str, provider_reference: str) -> Transaction | None:
        """Return a payment by what its provider calls it."""
        return self._payments.by_provider_reference(provider_id, provider_reference)

    async def attempts_of(self, transaction_id: str) -> list[Attempt]:
        """Return the provider calls begun for a payment."""
        return self._payments.attempts.get(transaction_id, [])


class RepeatableService(PaymentService):
    """The product's service, whose payments bear ids that a seed repeats."""

    def __init__(self, router: RepeatableRouter, people: People, **parts: Any) -> None:  # noqa: ANN401 - the service's own parts
        super().__init__(router=router, directory=people, **parts)  # type: ignore[arg-type] # stands in for the directory
        self._ids = router
        self._people = people

    async def start(self, merchant: Merchant, request: Request) -> Transaction:
        """Start a payment in the caller's own coroutine."""
        return await self._initiate(merchant, request)

    async def _open_command(self, merchant: Merchant, request: Request) -> Open:
        command = replace(await super()._open_command(merchant, request), transaction_id=self._ids.latest_id)
        check_routed(command, self._people)
        return command
