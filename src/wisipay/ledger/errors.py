"""The ledger's exceptions: mistakes of the calling code; a refused command is a `Rejected` value instead."""


class LedgerError(Exception):
    """Base of everything that this package raises on purpose."""


class NotLoadedError(LedgerError):
    """A command touched an account or entry that the book was not loaded with; name it in `Wanted`."""


class UnknownAccountError(LedgerError):
    """No account of this name has been opened; open it first."""


class AccountDiffersError(LedgerError):
    """An account of this name is open with other controls; the text names the field that differs."""


class ArchivedError(LedgerError):
    """What was asked for is, or may be, in an archived month: read its archive or restore it."""


class BadCursorError(LedgerError):
    """A cursor is not one that this ledger gave for this account; start again without it."""
