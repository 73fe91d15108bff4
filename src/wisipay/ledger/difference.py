"""What a check of the books finds: a difference, named so that a person can go and look."""

from dataclasses import dataclass
from typing import Literal

Subject = Literal["ENTRY", "ACCOUNT", "CURRENCY", "DAY", "MONTH", "OPERATION", "SEAL"]
"""What a difference is about; a DAY or MONTH is an Indian one."""


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One thing in the books that is not as it must be. `id` names the entry, account, day, month, operation or seal.

    `check` is the name of the rule that was broken, stable enough for metrics and alerts; `message` says what was found
    and what was expected. Found is never repaired: that is for people to decide.
    """

    check: str
    subject: Subject
    id: str
    message: str
