"""Start a program that outlives us: in a session of its own, its output in a file.

Decides nothing about the program. Must never inherit our terminal, our open files or, where another user is asked for,
any of our groups.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from wisipay.core.embedded import process
from wisipay.core.embedded.accounts import Account
from wisipay.core.embedded.errors import EmbeddedStoreError
from wisipay.core.embedded.process import ProcessIdentity


def spawn(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log_file: Path,
    account: Account | None = None,
) -> ProcessIdentity | None:
    """Start a program with working folder `folder`, its output appended to `log_file`, as `account` if one is given.

    Returns None when it ended at once. Raises `EmbeddedStoreError` when it cannot be started.
    """
    try:
        with log_file.open("ab") as log:
            child = subprocess.Popen(  # noqa: S603 - the arguments are ours, no shell is involved
                list(arguments),
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=None if account is None else account.user_id,
                group=None if account is None else account.group_id,
                extra_groups=None if account is None else [],
            )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedStoreError(f"{arguments[0]} cannot be started: {error}") from error
    return process.adopt_child(child)
