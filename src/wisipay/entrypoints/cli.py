"""The command line `wisipay`: starts instances, and holds the commands of operators.

Decides exit statuses: 2 and one clear line on standard error for a known error, a traceback only for a bug. Must never
import an instance or a library behind it before that command is asked for.
"""

import asyncio
import sys
from importlib import import_module
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import App, Parameter

from wisipay.entrypoints.known_errors import is_known

_USAGE_STATUS: Final = 2
_INTERRUPTED_STATUS: Final = 130

app: Final = App(
    name="wisipay",
    help="Collect and disburse money through many payment providers behind one signed API, on a double-entry ledger.",
    version=lambda: installed_version("wisipay"),
)

_SLICE_COMMANDS: Final = {
    "demo": ("wisipay.entrypoints.demo:demo", "Run everything, send payments as a merchant and compare the books."),
    "merchant": (
        "wisipay.entrypoints.cli_merchant:app",
        "Merchants: create, onboard, secrets, services, fees, routing.",
    ),
    "provider": ("wisipay.entrypoints.cli_provider:app", "Providers, legal entities and the channels of the two."),
    "routing": ("wisipay.entrypoints.cli_routing:app", "Routing: rules, explanations of past payments, dry runs."),
    "payments": (
        "wisipay.entrypoints.cli_payments:app",
        "Payments: list, timeline, ask the provider, set a status by hand.",
    ),
    "callbacks": (
        "wisipay.entrypoints.cli_callbacks:app",
        "Callbacks to merchants: dead letters, replay, endpoints, proofs.",
    ),
    "webhooks": ("wisipay.entrypoints.cli_webhooks:app", "Webhooks from providers: dead letters, replay."),
    "ledger": (
        "wisipay.entrypoints.cli_ledger:app",
        "Ledger: verify, export, seal, and the published heads of its chain.",
    ),
    "reconcile": (
        "wisipay.entrypoints.cli_reconcile:app",
        "Settlement files of providers against our payments: mapping, import, differences.",
    ),
    "jobs": ("wisipay.entrypoints.cli_jobs:app", "Background jobs: dead letters, replay."),
    "listen": ("wisipay.entrypoints.cli_developer:listen", "Merchants' developers: callbacks to a local port."),
    "trigger": ("wisipay.entrypoints.cli_developer:trigger", "Merchants' developers: a test payment with any outcome."),
    "logs": ("wisipay.entrypoints.cli_developer:logs", "Merchants' developers: what was asked and answered."),
    "resend": ("wisipay.entrypoints.cli_developer:resend", "Merchants' developers: send a callback event again."),
}
for _name, (_place, _help) in _SLICE_COMMANDS.items():
    app.command(_place, name=_name, help=_help)


@app.command
def api() -> None:
    """Serve the panel API."""
    _run_instance("api")


@app.command
def payment() -> None:
    """Serve the merchant API and take in webhooks from providers."""
    _run_instance("payment")


@app.command
def worker() -> None:
    """Deliver callbacks, apply webhooks, poll providers and run jobs."""
    _run_instance("worker")


@app.command
def up(
    *,
    data: Path = Path(".data"),
    port_base: int = 4000,
    ready_file: Annotated[Path | None, Parameter(help="written as JSON once everything is ready")] = None,
) -> None:
    """Run everything on this machine: embedded stores, all instances and the provider simulator.

    Parameters
    ----------
    data
        Folder of all data and logs.
    port_base
        First of nine ports: api, payment, simulator, metrics of api, payment and worker, PostgreSQL, Valkey, MongoDB.
    """
    from wisipay.entrypoints import up as command  # noqa: PLC0415 - keeps --help fast

    command.run(data, port_base, ready_file)


@app.command
def migrate(phase: Literal["pre", "post", "all"] = "all") -> None:
    """Bring the schema of the database up to date.

    Parameters
    ----------
    phase
        pre before the new code is deployed, post after the last old process is gone.
    """
    from wisipay.core.migrations import migrate as run_migrations  # noqa: PLC0415 - keeps --help fast
    from wisipay.entrypoints.store_settings import settings_with_database  # noqa: PLC0415 - as above

    asyncio.run(run_migrations(settings_with_database().database_url, phase))


@app.command
def version() -> None:
    """Show the version."""
    sys.stdout.write(f"{installed_version('wisipay')}\n")


def main() -> None:
    """Run the command line and end the process."""
    try:
        app(sys.argv[1:])
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED_STATUS) from None
    except Exception as error:
        if not is_known(error):
            raise
        sys.stderr.write(f"wisipay: {error}\n")
        raise SystemExit(_USAGE_STATUS) from None


def _run_instance(name: str) -> None:
    from wisipay.entrypoints.store_settings import settings_with_stores  # noqa: PLC0415 - keeps --help fast

    settings = settings_with_stores()
    import_module(f"wisipay.entrypoints.{name}").run(settings)


if __name__ == "__main__":
    main()
