"""Carries out a row of faults on a running installation and measures how long each process needs to be well again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from crash.faults import Deed, Fault
from crash.targets import Target
from support.proxy import Proxy, Trouble
from wisipay.core.clock import utc_now
from wisipay.core.embedded.process import ProcessIdentity

RECOVERY_SECONDS_MAX = 180.0
"""Far above what a start takes: a process that is not well by then never will be."""

_LOOK_GAP_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Inflicted:
    """A fault as it was: from `began_at` until everything was well again at `ended_at`.

    `recovery_seconds` count from the death, or from the end of a stop. None: it did not recover; both ends are then
    the moment of giving up.
    """

    fault: Fault
    began_at: datetime
    ended_at: datetime
    recovery_seconds: float | None


class Inflicter:
    """Hurts `targets` and the connections through `proxies`. `missed` are faults whose process was away just then."""

    def __init__(self, targets: Mapping[str, Target], proxies: Mapping[str, Proxy]) -> None:
        self._targets = targets
        self._proxies = proxies
        self.done: list[Inflicted] = []
        self.missed: list[Fault] = []

    async def carry_out(self, faults: Sequence[Fault]) -> None:
        """Begin each fault at its time and return when all have ended and every process is well.

        Trouble in the network waits for the payment process, and all that follows with it: a slow machine is still
        starting it again, and nothing would go through the network then.
        """
        start = monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                for fault in sorted(faults, key=lambda each: each.at_seconds):
                    await asyncio.sleep(max(0.0, start + fault.at_seconds - monotonic()))
                    if isinstance(fault.what, Trouble):
                        began = monotonic()
                        await _well_again(self._targets["payment"], None, began + RECOVERY_SECONDS_MAX)
                        start += monotonic() - began
                    group.create_task(self._one(fault))
        finally:
            self._end_everything()

    async def _one(self, fault: Fault) -> None:
        if isinstance(fault.what, Trouble):
            await self._trouble(fault, fault.what)
        else:
            await self._deed(fault, fault.what)

    async def _trouble(self, fault: Fault, trouble: Trouble) -> None:
        began_at = utc_now()
        proxy = self._proxies[fault.where]
        proxy.inflict(trouble)
        await asyncio.sleep(fault.lasts_seconds)
        proxy.mend()
        self.done.append(Inflicted(fault, began_at, utc_now(), 0.0))

    async def _deed(self, fault: Fault, deed: Deed) -> None:
        target = self._targets[fault.where]
        began_at = utc_now()
        hurt = target.hurt(deed)
        if hurt is None:
            self.missed.append(fault)
            return
        if deed is Deed.STOP:
            await asyncio.sleep(fault.lasts_seconds)
            target.go_on()
        since = monotonic()
        is_well = await _well_again(target, hurt if fault.is_death else None, since + RECOVERY_SECONDS_MAX)
        seconds = monotonic() - since if is_well else None
        self.done.append(Inflicted(fault, began_at, utc_now(), seconds))

    def _end_everything(self) -> None:
        for proxy in self._proxies.values():
            proxy.mend()
        for target in self._targets.values():
            target.go_on()


async def _well_again(target: Target, dead: ProcessIdentity | None, deadline: float) -> bool:
    while monotonic() < deadline:
        if target.main() not in {None, dead} and await target.is_well():
            return True
        await asyncio.sleep(_LOOK_GAP_SECONDS)
    return False
