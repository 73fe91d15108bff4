"""One `wisipay up` per data folder.

Decides that a second one is refused. The lock is the kernel's: it is gone the moment its holder is, however it died.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wisipay.core.embedded import EmbeddedStoreError
from wisipay.core.embedded.folders import unusable


@contextmanager
def data_lock(data_dir: Path) -> Iterator[None]:
    """Hold the data folder. Raises `EmbeddedStoreError` when another process holds it."""
    try:
        handle = os.open(data_dir / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unusable(data_dir, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    except BlockingIOError:
        holder = os.pread(handle, 16, 0).decode(errors="replace") or "unknown"
        raise EmbeddedStoreError(
            f"The data folder {data_dir} is in use by another `wisipay up` or `wisipay demo` (process {holder}); stop "
            "that one, or choose another with --data and other ports with --port-base."
        ) from None
    finally:
        os.close(handle)
