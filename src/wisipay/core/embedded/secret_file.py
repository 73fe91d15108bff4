"""A password made once and kept in a private file of the data folder.

Decides that every store asks for one, so that other users of the machine cannot enter. Must never print it.
"""

from pathlib import Path

from wisipay.core.embedded.folders import unusable, write_text
from wisipay.core.ids import new_secret


def kept_secret(path: Path) -> str:
    """Return the secret in `path`, made on the first call. Raises `EmbeddedStoreError`."""
    try:
        kept = path.read_text().strip()
    except FileNotFoundError:
        kept = ""
    except OSError as error:
        raise unusable(path.parent, error) from error
    if not kept:
        kept = new_secret(24)
        write_text(path, kept + "\n")
    return kept
