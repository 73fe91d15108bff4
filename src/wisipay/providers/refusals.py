"""What a refusal's words are worth, for providers that have words only and no list of codes. Pure.

Decides whether a text says for certain that nothing was executed. Must never take a text that could also stand for a
first order that went through, or for a provider that does not know itself.
"""

import re
from typing import Final

_USED_BEFORE: Final = re.compile(r"duplicat|already|exist|unique|has been taken|used before|repeat", re.IGNORECASE)
_VAGUE: Final = re.compile(
    r"time[d ]?.?out|something went wrong|went wrong|internal|unexpected|server error|try again|retry|pending|process"
    r"|in progress|gateway|unknown|unable to reach|no response|awaiting",
    re.IGNORECASE,
)
_NOT_FOUND: Final = re.compile(
    r"not found|no (?:such |matching )?(?:record|transaction|order|payment|data)|does ?n.t exist|does not exist"
    r"|invalid (?:ref|order|transaction|payment|request)[ _]?id",
    re.IGNORECASE,
)


def is_certain(message: str) -> bool:
    """Tell whether a refusal in these words means that nothing was executed."""
    return not _USED_BEFORE.search(message) and not _VAGUE.search(message)


def says_not_found(message: str) -> bool:
    """Tell whether an answer to a question says that there is no such payment."""
    return _NOT_FOUND.search(message) is not None
