"""The ports of one installation started by `wisipay up`.

Decides the order above the first port, so that two installations side by side need only two different first ports.
"""

from dataclasses import dataclass
from typing import Final

from wisipay.core.embedded import EmbeddedStoreError

COUNT: Final = 9
_PORT_MIN: Final = 1024
_PORT_MAX: Final = 65_535


@dataclass(frozen=True)
class Ports:
    """All ports, on the loopback address."""

    api: int
    payment: int
    simulator: int
    api_metrics: int
    payment_metrics: int
    worker_metrics: int
    postgres: int
    valkey: int
    mongodb: int


def ports_from(base: int) -> Ports:
    """Return the ports `base` to `base + 8`, in the order of the fields. Raises `EmbeddedStoreError`."""
    highest = _PORT_MAX - COUNT + 1
    if not _PORT_MIN <= base <= highest:
        raise EmbeddedStoreError(f"--port-base: got {base}, wants a number from {_PORT_MIN} to {highest}.")
    return Ports(*range(base, base + COUNT))
