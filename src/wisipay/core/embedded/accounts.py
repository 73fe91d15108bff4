"""The unprivileged user that PostgreSQL runs as when we run as root, since it refuses to run as root.

Decides who that is: the owner of the data folder when it already belongs to someone else than root, else `nobody`.
"""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from wisipay.core.embedded.errors import EmbeddedStoreError


@dataclass(frozen=True)
class Account:
    """A user of this machine and its main group."""

    user_id: int
    group_id: int


def account_for(folder: Path) -> Account | None:
    """Return the account to run the server of `folder` as; None means: as ourselves (we are not root).

    Raises `EmbeddedStoreError` when we are root and there is no one else to be.
    """
    if os.geteuid() != 0:
        return None
    found = folder.stat() if folder.exists() else None
    if found is not None and found.st_uid != 0:
        return Account(found.st_uid, found.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedStoreError(
            "PostgreSQL does not run as root and there is no user 'nobody' to run it as; add that user, run as an "
            "ordinary user, or set DATABASE_URL."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)
