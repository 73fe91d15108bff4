"""The bank directory of this installation: what comes with the product, and the branches of an operator's file.

A branch of the file counts before the published one. Decides what happens to a file that cannot be used: the process
does not start, and says which line is at fault. Tells operators what the directory has of an IFSC.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from wisipay.core.config import SettingsError
from wisipay.payments.beneficiary import BankDirectory, DirectoryUnreadable, Fault, look_at_account, read_directory
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


def branch_line(directory: BankDirectory, ifsc: str, mode: str) -> tuple[str, bool]:
    """Tell what is known of the branch behind an IFSC, and whether a payout by this mode is refused for it."""
    finding = look_at_account("000000", ifsc, mode, directory)
    if Fault.IFSC_MALFORMED in finding.faults:
        return f"{ifsc} is no IFSC", True
    branch = finding.branch
    if branch is None:
        return f"{ifsc}: {directory.bank(ifsc) or 'no bank that is known'}; the branch is not in the directory", False
    is_refused = Fault.RAIL_UNSUPPORTED in finding.faults
    names = ", ".join(name for name in (branch.bank or "a bank without a name", branch.name) if name)
    reached = f"reached by {', '.join(sorted(branch.rails)) or 'no rail'}"
    return f"{ifsc}: {names}; {reached}" + (f", so not by {mode}" if is_refused else ""), is_refused
