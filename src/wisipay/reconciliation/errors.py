"""The named refusals of reconciliation: what is wrong with a file, a mapping or a decision, and what to do about it.

They are for operators. Must never hold a row of a file: rows are money of people.
"""

from wisipay.core.errors import BadRequest, Conflict, NotFound


class UnknownMapping(NotFound):
    """Nobody has said yet how this provider's files are read."""

    def __init__(self, provider_id: str, kind: str) -> None:
        super().__init__(
            f"there is no mapping for {kind} files of {provider_id!r}; save one with `wisipay reconcile mapping set`"
        )


class UnknownRun(NotFound):
    """No such run."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"there is no reconciliation run {run_id}")


class UnreadableFile(BadRequest):
    """The file as a whole cannot be read: not CSV, not XLSX, a column is missing, too many rows are broken."""


class UnusableMapping(BadRequest):
    """A mapping says too little or contradicts itself; the message names the field."""


class RunBusy(Conflict):
    """Another process imports this file at this moment."""


class RunDiffers(Conflict):
    """The same file was imported for other days; withdraw that run first, if it was a mistake."""
