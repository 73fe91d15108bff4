"""Which tests one worker runs one after the other: those that share something that takes a minute to start.

pytest-xdist has marks for it, but they have no effect with pytest 9.2, which names tests in another way; and unlike a
mark that is overlooked, a file that is named here and gone is found by a test.
"""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadGroupScheduling

GROUPS: Final = {
    "tests/crash/test_survives.py": "installation",
    "tests/e2e/test_duplicates.py": "installation",
    "tests/e2e/test_lifecycles.py": "installation",
    "tests/e2e/test_processes_killed.py": "installation",
    "tests/e2e/test_providers.py": "installation",
    "tests/simulation/test_plants.py": "planted bugs",
}


class GroupScheduling(LoadGroupScheduling):  # type: ignore[misc]  # pytest-xdist ships no types
    """Gives every test to whichever worker is free, and a group as a whole to one."""

    def _split_scope(self, nodeid: str) -> str:
        return GROUPS.get(nodeid.partition("::")[0], nodeid)
