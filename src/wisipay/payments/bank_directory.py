"""The bank directory of this installation: what comes with the product, and the branches of an operator's file.

A branch of the file counts before the published one. Decides what happens to a file that cannot be used: the process
does not start, and says which line is at fault.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from wisipay.core.config import SettingsError
from wisipay.payments.beneficiary import BankDirectory, DirectoryUnreadable, read_directory
from wisipay.payments.published_banks import PublishedBanks

_published = cache(PublishedBanks)


def load_directory(branches: Path | None) -> BankDirectory:
    """Return the directory; what comes with the product is opened when first asked for. Raises SettingsError."""
    if branches is None:
        return BankDirectory(published=_published())
    try:
        with branches.open(encoding="utf-8-sig", newline="") as lines:
            found = read_directory(lines)
    except (OSError, UnicodeDecodeError, DirectoryUnreadable) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(
            [f"BANK_DIRECTORY_FILE: got {str(branches)!r} ({reason}), wants a CSV of branches"]
        ) from None
    return replace(found, published=_published())
