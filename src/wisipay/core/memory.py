"""How often a process looks for reference cycles in its memory: rarely, and never among what lives as long as itself.

Decides the thresholds of Python's collector. Its defaults look after every 700 new objects, which under load is several
times per request and a tenth of all processor time; modules, routes and classes are walked over each time in vain.
"""

import gc
from typing import Final

_NEW_OBJECTS: Final = 50_000
_YOUNG_ROUNDS: Final = 20
_MIDDLE_ROUNDS: Final = 50


def settle_memory() -> None:
    """Call it once, when a process is built and about to work: what exists now is kept for good and walked no more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _YOUNG_ROUNDS, _MIDDLE_ROUNDS)
