"""`make faults`: every fault of the simulator with every provider, on an installation of its own; a table of the ends.

Decides the exit status: 0 only when all books agree about every payment of which somebody could tell us the end, and no
money moved twice.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.e2e_play import Play
from support.fault_matrix import FAULTS, Told, cells, play_cells
from support.source_file import REPOSITORY
from wisipay.core.database import connect_pool
from wisipay.core.http_client import HttpClient
from wisipay.entrypoints.instance import inherited_environment
from wisipay.entrypoints.simulated import played_adapters
from wisipay.entrypoints.stack import running_stack

_ENVIRONMENT = {"PAYIN_AUTO_EXPIRE_MINUTES": "1", "PROVIDER_TIMEOUT_SECONDS": "3", "SYSTEM_TPS": "1000000"}
_PAGE = REPOSITORY / "docs" / "providers" / "faults.md"
_BEGIN, _END = "<!-- begin: faults -->", "<!-- end: faults -->"


async def _run(
    adapters: Sequence[str], faults: Sequence[str], data: Path, port_base: int, within_seconds: float
) -> list[Told]:
    environment = inherited_environment() | _ENVIRONMENT
    async with (
        running_stack(data=data, port_base=port_base, say=_say, environ=environment) as stack,
        HttpClient(private_addresses_allowed=True) as client,
    ):
        pool = await connect_pool(stack.settings, application_name="wisipay faults", max_size=4)
        async with pool:
            wanted = cells(faults, adapters)
            return await play_cells(Play(stack.settings, pool, client), wanted, within_seconds=within_seconds)


def table(told: Sequence[Told]) -> list[str]:
    """Return the results as a table: a row for each fault, a column for each provider and kind."""
    columns = sorted({(each.cell.adapter, each.cell.kind) for each in told})
    words = {(each.cell.fault, each.cell.adapter, each.cell.kind): each.word for each in told}
    lines = ["| fault | " + " | ".join(f"{adapter} {kind}" for adapter, kind in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for fault in FAULTS:
        row = [words.get((fault, *column), "") for column in columns]
        if any(row):
            lines.append(f"| {fault} | " + " | ".join(row) + " |")
    return lines


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _write(lines: Sequence[str]) -> None:
    page = _PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    _PAGE.write_text(f"{head}{_BEGIN}\n" + "\n".join(lines) + f"\n{_END}{tail}", encoding="utf-8")


def main() -> int:
    """Run, print, and write the page where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapters", default=",".join(played_adapters()), help="names, by comma")
    parser.add_argument("--faults", default=",".join(FAULTS), help="names, by comma")
    parser.add_argument("--port-base", type=int, default=5500)
    parser.add_argument("--seconds", type=float, default=200, help="the longest wait for payments that stay open")
    parser.add_argument("--write", action="store_true", help="write the table into docs/providers/faults.md")
    arguments = parser.parse_args()
    started = monotonic()
    adapters, faults = arguments.adapters.split(","), arguments.faults.split(",")
    data = Path(tempfile.mkdtemp(prefix="wisipay-faults-")).resolve()
    try:
        told = asyncio.run(_run(adapters, faults, data, arguments.port_base, arguments.seconds))
    finally:
        shutil.rmtree(data, ignore_errors=True)
    lines = table(told)
    sys.stdout.write("\n".join(lines) + "\n")
    wrong = [each for each in told if each.wrong and not each.is_unheard]
    for each in wrong:
        sys.stdout.write(f"{each.cell.adapter} {each.cell.kind} {each.cell.fault}: {'; '.join(each.wrong)}\n")
    counts = ", ".join(f"{count} {word}" for word, count in sorted(Counter(each.word for each in told).items()))
    sys.stdout.write(f"{len(told)} payments in {monotonic() - started:.0f} s: {counts}; {len(wrong)} wrong\n")
    if arguments.write:
        _write(lines)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
