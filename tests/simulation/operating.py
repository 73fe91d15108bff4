"""What operators do to accounts, channels and routing in a history, and what befalls the channels' health."""

from __future__ import annotations

from simulation.parties import CHANNELS
from simulation.paths import RULES
from simulation.stage import Stage
from wisipay.ledger import AccountStatus
from wisipay.providers import PaymentKind
from wisipay.providers.health import State


def meddle(stage: Stage) -> bool:
    """Let an operator freeze or open an account, or pause or open a channel."""
    world, choices = stage.world, stage.choices
    if choices.chance(600):
        channel = CHANNELS[choices.below(len(CHANNELS))]
        is_paused = world.people.by_channel[channel.id].is_paused
        world.people.pause(channel.id, paused=not is_paused)
        world.saw("channel paused")
        return True
    accounts = [name for name in world.ledger.accounts if "MERCHANT" in name or "PROVIDER" in name]
    account_id = accounts[choices.below(len(accounts))]
    status = list(AccountStatus)[choices.below(len(AccountStatus))]
    world.ledger.set_account_status(account_id, status)
    world.say(f"{account_id} is {status}")
    world.saw(f"account {status}")
    return True


def reroute(stage: Stage) -> bool:
    """Let an operator put other rules of routing in force, or the processes see another health of a channel."""
    world, choices = stage.world, stage.choices
    if choices.chance(400):
        rules = RULES[choices.below(len(RULES))]
        world.people.reroute(rules)
        world.saw(f"rules {rules[-1].action}" if rules else "rules taken away")
        return True
    channel = CHANNELS[choices.below(len(CHANNELS))]
    state = list(State)[choices.below(len(State))]
    kind: PaymentKind = "payin" if choices.chance(500) else "payout"
    for kit in stage.kits:
        kit.health.stand(channel.id, kind, state)
    world.saw(f"channel {state}")
    return True
