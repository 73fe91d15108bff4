"""The command line and the composition root of the simulator: reads options, wires the parts, runs the process."""

import argparse
import gc
import logging
import os
import pkgutil
import sys
from importlib import import_module
from pathlib import Path
from random import Random

import msgspec
import uvloop

from wisipay_simulator.checkout import Checkout
from wisipay_simulator.control import Control
from wisipay_simulator.faults import Faults
from wisipay_simulator.journal import JournalError
from wisipay_simulator.merchant import Receiver
from wisipay_simulator.provider import SimulatedProvider
from wisipay_simulator.server.app import Application
from wisipay_simulator.server.http import Answer, Request, Router, json_answer
from wisipay_simulator.server.process import listen, serve
from wisipay_simulator.simulation import Options, Simulation


def main() -> None:
    """Run until SIGINT or SIGTERM (exit code 0); exit code 2 with one line when it cannot start."""
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if os.environ.get("WISIPAY_ENV", "").strip().lower() == "production":
        _refuse("the simulator does not run where WISIPAY_ENV is production")
    try:
        uvloop.run(_run(arguments))
    except JournalError as problem:
        _refuse(str(problem))
    except OSError as problem:
        _refuse(f"cannot listen on {arguments.host}:{arguments.port}: {problem.strerror}; choose another --port")


def build(options: Options, public_url: str) -> tuple[Simulation, Router]:
    """Wire the parts of one simulator; the caller starts and stops the simulation."""
    simulation = Simulation(options)
    generator = Random(options.seed)  # noqa: S311 - choices must be replayable, nothing is secret
    receiver = Receiver(simulation.registry.merchants, generator, simulation.write_down)
    simulation.restore_receipt = receiver.restore
    router = Router()
    router.add("GET", "/health", _health)
    for provider in _providers(simulation, public_url):
        simulation.know(provider.formats)
        provider.add_routes(router)
    for part in (
        Checkout(simulation),
        receiver,
        Control(simulation, receiver),
    ):
        part.add_routes(router)
    return simulation, router


def _providers(simulation: Simulation, public_url: str) -> list[SimulatedProvider]:
    """Build what every module `provider_<name>` of this package plays."""
    names = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    modules = [import_module(f"wisipay_simulator.{name}") for name in names if name.startswith("provider_")]
    return [module.build(simulation, public_url) for module in modules]


def _health(request: Request) -> Answer:
    del request
    return json_answer({"status": "ok", "service": "simulator"})


async def _run(arguments: argparse.Namespace) -> None:
    listener = listen(arguments.host, arguments.port)
    host = "127.0.0.1" if arguments.host in {"0.0.0.0", "::", ""} else arguments.host  # noqa: S104 - asked for by the caller
    shown_host = f"[{host}]" if ":" in host else host
    url = f"http://{shown_host}:{listener.getsockname()[1]}"
    options = Options(
        state_file=arguments.state_file,
        seed=arguments.seed,
        max_payments=arguments.max_payments,
        webhook_concurrency=arguments.webhook_concurrency,
        api_key=arguments.api_key,
        webhook_secret=arguments.webhook_secret,
        faults=Faults(complete_after_ms=arguments.complete_after_ms),
    )
    simulation, router = build(options, arguments.public_url or url)
    try:
        simulation.start()
        gc.freeze()
        _say({"event": "simulator.started", "url": url, "payments": len(simulation.book.payments)})
        await serve(Application(router), listener)
    finally:
        await simulation.stop()
        listener.close()
    _say({"event": "simulator.stopped"})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wisipay-simulator", description="A payment provider and a merchant to test with."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument(
        "--port", type=int, default=4002, help="port to listen on, 0 for a free one (default %(default)s)"
    )
    parser.add_argument("--public-url", help="address in payment links, when it differs from host and port")
    parser.add_argument("--state-file", type=Path, help="journal that keeps the truth over a restart")
    parser.add_argument("--seed", type=int, help="makes the random choices replayable")
    parser.add_argument("--max-payments", type=int, default=500_000, help="cap of the book (default %(default)s)")
    parser.add_argument(
        "--complete-after-ms", type=int, default=2_000, help="time to the outcome (default %(default)s)"
    )
    parser.add_argument("--webhook-concurrency", type=int, default=64, help="webhooks at once (default %(default)s)")
    parser.add_argument("--api-key", help="the only API key to take (default: any)")
    parser.add_argument(
        "--webhook-secret", default=Options().webhook_secret, help="signs webhooks (default %(default)s)"
    )
    return parser


def _say(fields: dict[str, object]) -> None:
    sys.stdout.write(msgspec.json.encode(fields).decode() + "\n")
    sys.stdout.flush()


def _refuse(line: str) -> None:
    sys.stderr.write(f"wisipay-simulator: {line}\n")
    raise SystemExit(2)
