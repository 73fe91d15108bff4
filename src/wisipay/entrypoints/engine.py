"""What the payment and the worker instance have in common, wired once: stores, directory, providers, payments.

Composition only. Everything is closed in the reverse order of opening, after what was in flight has finished.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from wisipay.access import SharedWindows
from wisipay.callbacks import Outbox
from wisipay.core.cache import connect_redis
from wisipay.core.clock import Clock, SystemClock
from wisipay.core.config import Settings
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool, close_pool, connect_pool
from wisipay.core.http_client import HttpClient
from wisipay.core.ids import id_length
from wisipay.core.listener import Listener
from wisipay.core.money import PAISE_PER_RUPEE
from wisipay.entrypoints.verification import verifier_of
from wisipay.merchants import MERCHANTS_CHANGED, Directory, GatePolicy, MerchantGate, ServiceKind
from wisipay.payments import (
    Asker,
    BankDirectory,
    Desk,
    Kind,
    PaymentService,
    Router,
    Rules,
    Spending,
    Status,
    Transaction,
    Validations,
    Words,
    load_directory,
)
from wisipay.providers import BreakerStore, HealthStore, HttpPolicy, ProviderGateway

_ANY_IFSC = "SBIN0000300"


@dataclass(frozen=True, slots=True)
class Engine:
    """The wired parts of one process."""

    settings: Settings
    clock: Clock
    pool: Pool
    redis: Redis
    listener: Listener
    client: HttpClient
    directory: Directory
    gate: MerchantGate
    gateway: ProviderGateway
    health: HealthStore
    router: Router
    outbox: Outbox
    desk: Desk
    asker: Asker
    payments: PaymentService
    words: Words

    async def check_postgres(self) -> None:
        """Raise when PostgreSQL does not answer."""
        await self.pool.fetchval("SELECT 1")

    async def check_redis(self) -> None:
        """Raise when Redis does not answer."""
        await self.redis.ping()


@asynccontextmanager
async def engine(settings: Settings, service: str) -> AsyncIterator[Engine]:
    """Open everything a payment-moving process needs; drain and close it at the end."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        pool = await connect_pool(settings, application_name=f"wisipay {service}", plans_kept=True)
        stack.push_async_callback(close_pool, pool)
        redis = connect_redis(settings)
        stack.push_async_callback(redis.aclose)
        listener = Listener(settings.database_url, application_name=f"wisipay {service} listener")
        await stack.enter_async_context(listener)
        client = HttpClient(private_addresses_allowed=settings.private_addresses_allowed)
        await stack.enter_async_context(client)
        directory = Directory(pool, SecretBox.from_settings(settings), clock=clock)
        await listener.listen(MERCHANTS_CHANGED, directory.invalidate)
        health = HealthStore(redis, clock=clock)
        await _run(stack, health)
        spending = Spending(pool, directory, clock, low_paise=settings.float_low * PAISE_PER_RUPEE)
        await _run(stack, spending)
        gateway = ProviderGateway(
            directory,
            client,
            BreakerStore(redis, clock=clock),
            policy=HttpPolicy(settings.provider_timeout_seconds, https_only=settings.is_production),
            health=health,
        )
        router = Router(directory, gateway, clock, health=health, spending=spending)
        windows = SharedWindows(redis)
        stack.push_async_callback(windows.drain)
        policy = GatePolicy.from_settings(settings)
        gate = MerchantGate(directory=directory, windows=windows, clock=clock, policy=policy)
        rules = Rules(payin_expiry_minutes=settings.payin_auto_expire_minutes)
        outbox = Outbox()
        desk = Desk(pool, directory, clock, rules, outbox=outbox, ended=ended_teller(health))
        stack.push_async_callback(desk.drain)
        asker = Asker(pool, desk, gateway)
        payments = PaymentService(
            desk=desk,
            gateway=gateway,
            directory=directory,
            asker=asker,
            clock=clock,
            rules=rules,
            id_prefix=settings.app_brand_prefix,
            webhook_base_url=settings.app_base_url,
            channel_rate=gate.channel_tps,
            router=router,
            banks=_banks(settings, service),
            verifier=verifier_of(settings, gateway, Validations(pool, clock), clock),
        )
        stack.push_async_callback(payments.drain)
        yield Engine(
            settings=settings,
            clock=clock,
            pool=pool,
            redis=redis,
            listener=listener,
            client=client,
            directory=directory,
            gate=gate,
            gateway=gateway,
            health=health,
            router=router,
            outbox=outbox,
            desk=desk,
            asker=asker,
            payments=payments,
            words=Words(desk, asker, directory, id_length(settings.app_brand_prefix)),
        )


async def _run(stack: AsyncExitStack, loop: HealthStore | Spending) -> None:
    await loop.start()
    stack.push_async_callback(loop.stop)


def _banks(settings: Settings, service: str) -> BankDirectory:
    """Only who starts payouts looks at branches, of which there are two hundred thousand."""
    if service != "payment":
        return load_directory(None)
    banks = load_directory(settings.bank_directory_file)
    banks.bank(_ANY_IFSC)  # opened now, so that the first payout does not wait for it
    banks.branch(_ANY_IFSC)
    return banks


def ended_teller(health: HealthStore) -> Callable[[Transaction, Status], None]:
    """Return what tells the health of channels how payments ended."""

    def ended(transaction: Transaction, status: Status) -> None:
        if transaction.not_found and status is not Status.SUCCESS:
            return  # the provider never took it: its call has counted as failed, and ends are of what was taken
        kind: ServiceKind = "payin" if transaction.kind is Kind.PAYIN else "payout"
        health.ended(transaction.channel_id, kind, well=status is Status.SUCCESS)

    return ended
