"""What keeps a month from being archived, read or restored: the text says what, and what to do."""

from wisipay.ledger.errors import LedgerError


class ArchiveError(LedgerError):
    """The month can't be archived, read, dropped or restored as things stand; nothing has been changed."""
