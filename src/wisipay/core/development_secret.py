"""A secret made once per data folder, so that development needs no configuration and restarts keep their sessions.

Decides where it lies and that only its owner can read it. Must never be used in production: load_settings sees to that.
"""

import os
import tempfile
from pathlib import Path

from wisipay.core.ids import new_secret

_FILE_NAME = "development-secret"


def development_secret(data_dir: Path) -> str:
    """Return the secret of this data folder, making folder and secret at first use; processes that race get the same.

    Raises OSError where the folder cannot be written.
    """
    path = data_dir / _FILE_NAME
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        _create_once(path, new_secret())
    return path.read_text(encoding="ascii").strip()


def _create_once(path: Path, secret: str) -> None:
    """Write the file whole or not at all, and let the first of several writers win."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # readable by its owner only
    draft = Path(name)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret + "\n")
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
