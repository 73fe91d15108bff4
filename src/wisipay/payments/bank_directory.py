"""The bank directory of this installation: names of banks, and the branches of a file that an operator provides.

The larger banks' names come with the product; branches and their rails do not, since they change by the week. Decides
what happens to a file that cannot be used: the process does not start, and says which line is at fault.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from wisipay.core.config import SettingsError
from wisipay.payments.beneficiary import BankDirectory, DirectoryUnreadable, read_banks, read_directory

_BANKS: Final = Path(__file__).parent / "banks.csv"


def load_directory(branches: Path | None) -> BankDirectory:
    """Return the directory, without branches where there is no file of them. Raises SettingsError."""
    with _BANKS.open(encoding="utf-8", newline="") as lines:
        banks = read_banks(lines)
    if branches is None:
        return BankDirectory(banks=banks)
    try:
        with branches.open(encoding="utf-8-sig", newline="") as lines:
            found = read_directory(lines)
    except (OSError, UnicodeDecodeError, DirectoryUnreadable) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(
            [f"BANK_DIRECTORY_FILE: got {str(branches)!r} ({reason}), wants a CSV of branches"]
        ) from None
    return replace(found, banks={**banks, **found.banks})
