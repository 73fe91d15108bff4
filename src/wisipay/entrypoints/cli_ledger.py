"""`wisipay ledger`: is the history what it was, the journal for others, sealing by hand, the published heads.

Decides what the commands are called and take; `ledger_commands` does the work, and is imported only when one of them
runs, so that `--help` and the other commands don't wait for it.
"""

from pathlib import Path
from typing import Final

from cyclopts import App

app: Final = App(name="ledger", help="Ledger: verify, export, seal, and the published heads of its chain.")
app.command(
    "wisipay.entrypoints.cli_ledger_months:app",
    name="months",
    help="Months of the history: list, create, archive, restore, verify.",
)
app.command("wisipay.entrypoints.cli_ledger_findings:findings_app", name="findings", help="What checks found.")
app.command("wisipay.entrypoints.cli_ledger_findings:days_app", name="days", help="Daily balances: correct.")


@app.command
def verify(*, limit: int = 100, archives: Path | None = None, json: bool = False) -> None:
    """Read the whole ledger again and say what differs from its seals, its published heads and its own rules.

    Exit status 0: nothing; 1: something differs; 2: it could not be found out.

    Parameters
    ----------
    limit
        Stop after this many differences, 1,000 at most.
    archives
        Where the files of archived months are; without it LEDGER_ARCHIVE_DIR says so.
    json
        One JSON line for each difference, and one for the whole.
    """
    from wisipay.entrypoints import ledger_commands  # noqa: PLC0415 - keeps --help fast

    ledger_commands.verify(limit, archives, as_json=json)


@app.command
def export(*, output: Path | None = None, archives: Path | None = None) -> None:
    """Write the journal of everything sealed, one JSON line per record and seal; docs/ledger/proof.md verifies it.

    Parameters
    ----------
    output
        File to write; without it standard output.
    archives
        Where the files of archived months are; without it LEDGER_ARCHIVE_DIR says so.
    """
    from wisipay.entrypoints import ledger_commands  # noqa: PLC0415 - keeps --help fast

    ledger_commands.export(output, archives)


@app.command
def seal(*, json: bool = False) -> None:
    """Seal now what may be sealed; the sealer does it every few seconds."""
    from wisipay.entrypoints import ledger_commands  # noqa: PLC0415 - keeps --help fast

    ledger_commands.seal(as_json=json)


@app.command
def heads(*, publish: bool = False, new_key: bool = False, json: bool = False) -> None:
    """List the published heads of the chain and check their files.

    Parameters
    ----------
    publish
        First publish where the chain ends now; a job does it once a day.
    new_key
        Make a key pair for LEDGER_SIGNING_KEY and LEDGER_PUBLIC_KEY, print it, and do nothing else.
    """
    from wisipay.entrypoints import ledger_commands  # noqa: PLC0415 - keeps --help fast

    if new_key:
        ledger_commands.make_key()
    else:
        ledger_commands.heads(publish=publish, as_json=json)
