"""Folders of the embedded stores: made, checked for use, and for another user's reach.

Decides when a folder cannot be used and says so in one line. Must never delete or change what it did not make.
"""

import os
import shutil
import stat
from pathlib import Path
from typing import Final

from wisipay.core.embedded.errors import EmbeddedStoreError

_MEBIBYTE: Final = 1024 * 1024
_ELSEWHERE: Final = "choose another with --data"


def make_folder(path: Path, *, mode: int = 0o700) -> Path:
    """Make `path` (with its parents) if need be, and make sure that this process can write into it.

    Returns it absolute, without symbolic links. Raises `EmbeddedStoreError`.
    """
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
        resolved = path.resolve(strict=True)
    except OSError as error:
        raise unusable(path, error) from error
    if not os.access(resolved, os.R_OK | os.W_OK | os.X_OK):
        owner = resolved.stat().st_uid
        raise EmbeddedStoreError(
            f"The data folder {resolved} cannot be written by user id {os.geteuid()} (it belongs to user id {owner}); "
            f"run as its owner, or {_ELSEWHERE}."
        )
    return resolved


def require_free_space(path: Path, needed_mebibytes: int) -> None:
    """Raise `EmbeddedStoreError` when the file system of `path` has less room than `needed_mebibytes`."""
    free = shutil.disk_usage(path).free // _MEBIBYTE
    if free < needed_mebibytes:
        raise EmbeddedStoreError(
            f"The data folder {path} is full: {free} MiB free, {needed_mebibytes} MiB needed; free some space, "
            f"or {_ELSEWHERE}."
        )


def unusable(path: Path, error: OSError) -> EmbeddedStoreError:
    """Word a failed file operation on the data folder as one line."""
    reason = error.strerror or str(error)
    return EmbeddedStoreError(f"The data folder {path} cannot be used: {reason}; mend that, or {_ELSEWHERE}.")


def write_text(path: Path, text: str) -> None:
    """Write a small private file as a whole or not at all. Raises `EmbeddedStoreError`."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise unusable(path.parent, error) from error


def can_be_reached(path: Path, user_id: int, group_id: int) -> bool:
    """Tell whether a user with this one group may pass through all folders down to `path` and enter `path` itself."""
    resolved = path.resolve()
    return all(
        _may_pass(folder.stat(), user_id, group_id) for folder in (resolved, *resolved.parents) if folder.is_dir()
    )


def _may_pass(found: os.stat_result, user_id: int, group_id: int) -> bool:
    if user_id == 0:
        return True
    if found.st_uid == user_id:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == group_id:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)
