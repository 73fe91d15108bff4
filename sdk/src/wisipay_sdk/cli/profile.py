"""Who the developer is: from the environment, or from a file that only its owner can read.

Decides that a secret is never taken from the command line, where every user of the machine could read it, and that a
file which others can read is refused.
"""

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from wisipay_sdk.errors import WisipayError

_OTHERS = 0o077
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
_VARIABLES = {"url": "WISIPAY_URL", "merchant_id": "WISIPAY_MERCHANT", "secret": "WISIPAY_SECRET"}


class ProfileError(WisipayError):
    """There are no keys, or they cannot be used; the text says how to mend it."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A merchant at a Wisipay; `paise` where its amounts are in paise."""

    url: str
    merchant_id: str
    secret: str = field(repr=False)
    paise: bool = False


def load(name: str, environment: Mapping[str, str]) -> Profile:
    """Return the profile of that name; each of WISIPAY_URL, _MERCHANT and _SECRET goes before it."""
    given = {key: environment[variable] for key, variable in _VARIABLES.items() if environment.get(variable)}
    kept = {} if len(given) == len(_VARIABLES) else _read(place(name, environment))
    known = {**kept, **given}
    missing = [variable for key, variable in _VARIABLES.items() if not known.get(key)]
    if missing:
        raise ProfileError(f"{', '.join(missing)} not set, and no profile {name!r}: run `wisipay-dev configure`")
    paise = environment.get("WISIPAY_AMOUNT_UNIT", "").upper() == "PAISE" or bool(kept.get("paise"))
    return Profile(str(known["url"]), str(known["merchant_id"]), str(known["secret"]), paise)


def save(name: str, profile: Profile, environment: Mapping[str, str]) -> Path:
    """Write a profile that only its owner can read; returns where."""
    path = place(name, environment)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # an older file may have been open to others
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(profile), file, indent=1)
    return path


def place(name: str, environment: Mapping[str, str]) -> Path:
    """Return the file of a profile."""
    if not _NAME.fullmatch(name):
        raise ProfileError(f"a profile's name is letters, digits, - and _, not {name[:40]!r}")
    folder = environment.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "wisipay" / f"{name}.json"


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open(encoding="utf-8") as file:
            if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & _OTHERS:
                raise ProfileError(f"{path} can be read by others; run: chmod 600 {path}")
            content = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ProfileError(f"{path} cannot be read: {error}") from error
    return content if isinstance(content, dict) else {}
