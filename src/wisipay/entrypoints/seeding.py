"""Calls the seed, and calls it again when the simulator was started again and has forgotten who its merchants are.

Decides nothing about what the first data is: `wisipay.entrypoints.seed` does, and running it twice changes nothing.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from wisipay.core.config import Settings
from wisipay.entrypoints.supervisor import SupervisorError

Merchants = Sequence[Mapping[str, Any]]
Seed = Callable[[Settings], Merchants | Awaitable[Merchants]]


class Seeding:
    """`await seeding()` runs the seed; `merchants` is what it gave back, empty before."""

    def __init__(self, seed: Seed | None, settings: Settings) -> None:
        self._seed = seed
        self._settings = settings
        self.merchants: Merchants = ()

    async def __call__(self) -> None:
        """Run the seed. A failure of the first run is raised as it is, of a later one as `SupervisorError`."""
        try:
            made = (self._seed or _default_seed())(self._settings)
            self.merchants = await made if inspect.isawaitable(made) else made
        except Exception as error:
            if not self.merchants:
                raise
            raise SupervisorError(f"the first data could not be looked after: {error}") from error


def _default_seed() -> Seed:
    from wisipay.entrypoints.seed import seed  # noqa: PLC0415 - it needs every slice, and tests bring their own

    return seed
