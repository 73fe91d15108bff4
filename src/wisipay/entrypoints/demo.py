"""`wisipay demo`: the product's main job on this machine, before somebody's eyes.

Starts everything, lets two merchants send payments of every kind, waits until each is final and compares the books of
payments, ledger, provider and merchants. Decides the exit status: 0 only if they agree.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter
from cyclopts.validators import Number

from wisipay.core.clock import SystemClock
from wisipay.entrypoints.demonstration.by_hand import by_hand
from wisipay.entrypoints.demonstration.display import Display
from wisipay.entrypoints.demonstration.report import Result, json_line, tables
from wisipay.entrypoints.demonstration.run import Wanted, run
from wisipay.entrypoints.demonstration.scenarios import Stage, stage_of
from wisipay.entrypoints.instance import inherited_environment
from wisipay.entrypoints.seed import DUMMY, seed
from wisipay.entrypoints.simulated import played_adapters, simulated
from wisipay.entrypoints.stack import DEFAULT_DATA, DEFAULT_PORT_BASE, Stack, running_stack
from wisipay.entrypoints.up import StopOnSignal
from wisipay.providers import capabilities_of

_BAD_BOOKS_STATUS: Final = 1
_INTERRUPTED_STATUS: Final = 130
_PAYMENTS_MAX: Final = 50_000
_ENVIRONMENT: Final = {"PAYIN_AUTO_EXPIRE_MINUTES": "1"}


def _played(_: object, name: str) -> None:
    if name not in played_adapters():
        raise ValueError(f"the simulator plays {', '.join(played_adapters())}")


Provider = Annotated[str, Parameter(validator=_played)]
Count = Annotated[int, Parameter(validator=Number(gte=0, lte=_PAYMENTS_MAX))]


def demo(
    *,
    once: bool = False,
    json: bool = False,
    payins: Count = 200,
    payouts: Count = 100,
    data: Path | None = None,
    port_base: int = DEFAULT_PORT_BASE,
    provider: Provider = DUMMY,
) -> None:
    """Run everything, send payments as a merchant and compare the books.

    Parameters
    ----------
    once
        Exit when the books are compared, with status 0 only if they agree; otherwise everything stays up.
    json
        End standard output with one JSON object; all other words go to standard error.
    payins
        How many payins to send.
    payouts
        How many payouts to send.
    data
        Folder of all data and logs, .data/demo when none is given, or .data/demo- and the provider's name. One that
        exists is used again: payments that are still open are finished too.
    port_base
        First of nine ports, as with `wisipay up`.
    provider
        The adapter through which the payments go, played by the simulator. A kind of payment that it does not do goes
        through the dummy, and ways of going that it has no words for are left out.
    """
    folder = data or DEFAULT_DATA / ("demo" if provider == DUMMY else f"demo-{provider}")
    result = asyncio.run(
        _demo(folder, port_base, Wanted(payins, payouts, _stage(provider)), provider, once=once, json=json)
    )
    if result is None:
        raise SystemExit(_INTERRUPTED_STATUS)
    if json and once:
        _write_json(result)
    raise SystemExit(0 if result.is_good else _BAD_BOOKS_STATUS)


def _stage(provider: str) -> Stage:
    own, dummy = (
        capabilities_of(name, simulated(name, "http://127.0.0.1", "stage").credentials) for name in (provider, DUMMY)
    )
    return stage_of(own if own.payin_modes else dummy, own if own.payout_modes else dummy)


async def _demo(data: Path, port_base: int, wanted: Wanted, provider: str, *, once: bool, json: bool) -> Result | None:
    """Return the result; None when somebody stopped it before there was one."""
    result: Result | None = None
    with StopOnSignal() as stop, Display(json=json) as display:
        environment = {**_ENVIRONMENT, **inherited_environment()}
        try:
            async with running_stack(
                data=data,
                port_base=port_base,
                say=display.say,
                seed=partial(seed, adapter=provider),
                environ=environment,
            ) as stack:
                try:
                    result = await _while_up(stack, run(stack, display, SystemClock(), wanted))
                finally:
                    display.settle()
                display.print(tables(result))
                if not once:
                    if json:
                        _write_json(result)
                    for line in by_hand(stack):
                        display.say(line)
                    await stack.wait()
        except asyncio.CancelledError:
            stop.forgive()
    return result


async def _while_up(stack: Stack, running: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of a run; raises `SupervisorError` as soon as something cannot be kept up meanwhile."""
    work, guard = asyncio.create_task(running), asyncio.create_task(stack.wait())
    try:
        await asyncio.wait({work, guard}, return_when=asyncio.FIRST_COMPLETED)
        if guard.done():
            guard.result()
        return await work
    finally:
        work.cancel()
        guard.cancel()
        await asyncio.gather(work, guard, return_exceptions=True)


def _write_json(result: Result) -> None:
    sys.stdout.write(f"{json_line(result)}\n")
    sys.stdout.flush()
