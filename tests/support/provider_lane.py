"""A merchant whose payments of one kind go to one adapter, by a channel that nothing else uses."""

from __future__ import annotations

from support.e2e_parties import FUNDS_PAISE, Founder, Lane
from support.e2e_play import Play
from wisipay.entrypoints.simulated import simulated
from wisipay.merchants import ServiceKind
from wisipay.providers import PaymentKind


async def found_lane(play: Play, adapter: str, kind: PaymentKind, name: str) -> Lane:
    """Make merchant and channel, and introduce both to the simulator; `name` is the merchant's id, in capitals."""
    known = simulated(adapter, play.settings.simulator_url or "", name)
    async with play.pool.acquire() as conn, conn.transaction():
        founder = Founder(conn, play.settings)
        entity_id = await founder.legal_entity(name)
        channel_id = await founder.channel(entity_id, name, "", adapter=adapter, credentials=known.credentials)
        routes: dict[ServiceKind, list[str]] = {kind: [channel_id]}
        secret = await founder.merchant(name, routes, play.settings.simulator_url or "", FUNDS_PAISE)
    provider_id = channel_id.removesuffix(f"_{entity_id}")
    account = {"api_key": known.api_key, "webhook_secret": known.webhook_secret}
    for way in ("payin", "payout"):
        account[f"{way}_webhook_url"] = f"{play.settings.app_base_url}/webhook/{way}/{provider_id}/{entity_id}"
    await play.tell(f"accounts/{channel_id}", account)
    lane = Lane(name, secret, ())
    await play.introduce(lane)
    return lane
