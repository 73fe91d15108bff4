"""The commands and their options; exit statuses: 2 and one line for what went wrong, 130 when interrupted."""

import argparse
import getpass
import os
import sys
import uuid
from collections.abc import Mapping, Sequence
from typing import Final, cast

from wisipay_sdk.cli import profile
from wisipay_sdk.cli.forwarding import Forwarder
from wisipay_sdk.cli.listen import Bookmark, line, listen
from wisipay_sdk.cli.logs import Shape, tail
from wisipay_sdk.cli.outcomes import OUTCOMES, Kind
from wisipay_sdk.cli.profile import Profile, ProfileError
from wisipay_sdk.cli.saying import say, warn
from wisipay_sdk.cli.trigger import Trigger
from wisipay_sdk.client import Wisipay
from wisipay_sdk.developer_calls import RequestFilter
from wisipay_sdk.errors import WisipayError
from wisipay_sdk.retries import Retries

_WRONG: Final = 2
_INTERRUPTED: Final = 130
_ORDER_LETTERS: Final = 16


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process."""
    environment = os.environ
    asked = _parser().parse_args(arguments)
    try:
        if asked.command == "configure":
            _configure(asked.profile, environment)
        else:
            known = profile.load(asked.profile, environment)
            with _client(asked, known) as client:
                _run(asked, known, client, environment)
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None
    except (WisipayError, ValueError, OSError) as error:
        warn(f"wisipay-dev: {error}")
        raise SystemExit(_WRONG) from None


def _run(asked: argparse.Namespace, known: Profile, client: Wisipay, environment: Mapping[str, str]) -> None:
    if asked.command == "listen":
        place = Bookmark.of(environment, known.url, known.merchant_id, str(asked.live), asked.forward_to)
        with _forwarder(asked.forward_to, environment) as forwarder:
            listen(client, forwarder, place, after=asked.after, resume=asked.resume)
    elif asked.command == "trigger":
        outcome = OUTCOMES[asked.outcome]
        order_id = asked.order_id or f"DEV-{uuid.uuid4().hex[:_ORDER_LETTERS]}"
        Trigger(client, order_id).run(asked.outcome, outcome, asked.kind or outcome.kind, paise=known.paise)
    elif asked.command == "logs":
        wanted = RequestFilter(environment=asked.environment, status=asked.status, order_id=asked.order_id)
        tail(client, wanted, last=asked.last, follow=asked.follow, shape=Shape(asked.json, asked.bodies))
    elif asked.forward_to:
        with _forwarder(asked.forward_to, environment) as forwarder:
            event = client.event(asked.event_id).event
            say(line(event, forwarder.forward(event)))
    else:
        places = ", ".join(client.resend(asked.event_id, asked.to))
        say(f"{asked.event_id} " + (f"goes out again to {places}" if places else "is being delivered at this moment"))


def _client(asked: argparse.Namespace, known: Profile) -> Wisipay:
    # What is triggered is shown as it is answered, a refusal that may pass too.
    retries = Retries(attempts=1) if asked.command == "trigger" else None
    is_live = asked.command == "listen" and asked.live
    return Wisipay(known.url, merchant_id=known.merchant_id, secret=known.secret, sandbox=not is_live, retries=retries)


def _forwarder(url: str, environment: Mapping[str, str]) -> Forwarder:
    if not url.startswith(("http://", "https://")):
        raise ProfileError(f"--forward-to wants an address such as http://localhost:8000/callbacks, not {url[:80]!r}")
    return Forwarder(url, environment.get("WISIPAY_ENDPOINT_SECRET") or None)


def _configure(name: str, environment: Mapping[str, str]) -> None:
    """Ask for the keys; the secret is not shown while it is typed."""
    warn("Where is Wisipay (such as http://127.0.0.1:4001)?")
    url = sys.stdin.readline().strip()
    warn("Which merchant (such as MER-1)?")
    merchant_id = sys.stdin.readline().strip()
    secret = getpass.getpass("API secret: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    if not (url and merchant_id and secret):
        raise ProfileError("all three are needed")
    paise = environment.get("WISIPAY_AMOUNT_UNIT", "").upper() == "PAISE"
    warn(f"written to {profile.save(name, Profile(url, merchant_id, secret, paise), environment)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wisipay-dev",
        description="Callbacks to a local port, test payments with every outcome, the log of your requests.",
        epilog="Keys: WISIPAY_URL, WISIPAY_MERCHANT and WISIPAY_SECRET, or a profile made by `wisipay-dev configure`.",
    )
    parser.add_argument("--profile", default=os.environ.get("WISIPAY_PROFILE", "default"), help="name of the keys")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("configure", help="ask for address and keys, and keep them where only you can read them")
    _add_listen(commands.add_parser("listen", help="forward callbacks to a local server as they come"))
    trigger = commands.add_parser("trigger", help="make a sandbox payment end as you wish, and watch it")
    trigger.add_argument("outcome", choices=sorted(OUTCOMES))
    trigger.add_argument("--kind", choices=("payin", "payout"), type=_kind)
    trigger.add_argument("--order-id", help="by default a new one")
    logs = commands.add_parser("logs", help="what was asked and answered").add_subparsers(dest="what", required=True)
    _add_tail(logs.add_parser("tail", help="the last requests, and those that come"))
    resend = commands.add_parser("resend", help="deliver an event once more")
    resend.add_argument("event_id", help="the event's webhook-id")
    resend.add_argument("--forward-to", metavar="URL", help="to a local server, not to your callback URL")
    resend.add_argument("--to", metavar="ENDPOINT", help="to one endpoint only, or `url`: to your callback URL only")
    return parser


def _kind(text: str) -> Kind:
    return cast("Kind", text)


def _add_listen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--forward-to", metavar="URL", required=True, help="such as http://localhost:8000/callbacks")
    parser.add_argument("--live", action="store_true", help="events of real payments, not the sandbox's")
    parser.add_argument("--resume", action="store_true", help="go on where the last listen to this address ended")
    parser.add_argument("--after", metavar="CURSOR", help="go on behind this place; 0 for all that there is")


def _add_tail(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", help="such as 402 or 4xx")
    parser.add_argument("--environment", choices=("LIVE", "UAT"), help="real payments or the sandbox; both by default")
    parser.add_argument("--order-id", help="only requests about this order")
    parser.add_argument("--last", type=int, default=20, metavar="N", help="begin with the last N (up to 100)")
    parser.add_argument("--follow", "-f", action="store_true", help="go on with those that come")
    parser.add_argument("--bodies", action="store_true", help="with the redacted bodies")
    parser.add_argument("--json", action="store_true", help="a JSON object per line")
