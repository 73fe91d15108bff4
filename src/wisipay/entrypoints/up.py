"""`wisipay up`: everything on one machine, until SIGINT or SIGTERM.

Decides what a person sees in the terminal and when the ready file exists. Must never show a password: those are in the
ready file only.
"""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Self

from wisipay.entrypoints.instances import InstancesOf, instances_of
from wisipay.entrypoints.ready_file import ready_content, remove_ready_file, write_ready_file
from wisipay.entrypoints.seeding import Seed
from wisipay.entrypoints.stack import Stack, running_stack


def run(data: Path, port_base: int, ready_file: Path | None) -> None:
    """Run everything in `data` on the ports from `port_base`; write `ready_file` once all is ready.

    Returns after SIGINT, SIGTERM or SIGHUP, when everything is stopped. Raises the errors of `running_stack`.
    """
    asyncio.run(up(data, port_base, ready_file))


async def up(
    data: Path,
    port_base: int,
    ready_file: Path | None,
    *,
    seed: Seed | None = None,
    instances: InstancesOf = instances_of,
) -> None:
    """Do what `run` says, in a running event loop."""
    remove_ready_file(ready_file)
    with StopOnSignal() as stop:
        try:
            async with running_stack(data=data, port_base=port_base, say=say, seed=seed, instances=instances) as stack:
                if ready_file is not None:
                    write_ready_file(ready_file, ready_content(stack.settings, stack.merchants))
                _show(stack)
                await stack.wait()
        except asyncio.CancelledError:
            stop.forgive()
        finally:
            remove_ready_file(ready_file)


class StopOnSignal:
    """Cancels the current task at the first SIGINT, SIGTERM or SIGHUP; later ones do not disturb the stopping."""

    _SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._asked = False

    def __enter__(self) -> Self:
        for number in self._SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        for number in self._SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)

    def forgive(self) -> None:
        """Take a cancellation that a signal caused as the normal end; raise any other again."""
        if not self._asked or self._task is None:
            raise asyncio.CancelledError
        self._task.uncancel()

    def _stop(self) -> None:
        if not self._asked and self._task is not None:
            self._asked = True
            self._task.cancel()


def say(line: str) -> None:
    """Show one line to the person at the terminal."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _show(stack: Stack) -> None:
    settings = stack.settings
    address = f"http://{settings.bind_host}:{settings.payment_port}"
    say(f"merchant API   {address}")
    say(f"explorer       {address}/docs")
    for merchant in stack.merchants:  # made for this machine, and shown so that somebody can be one of them
        say(f"merchant       {merchant['id']}, secret {merchant['secret']}")
    say(f"panel API      http://{settings.bind_host}:{settings.api_port}")
    say(f"simulator      {settings.simulator_url}")
    say(f"logs           {settings.data_dir}/log")
    say("everything is ready; stop it with Ctrl-C")
