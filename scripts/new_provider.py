"""Makes the files of a new provider from those of the dummy: `python scripts/new_provider.py acmepay`.

What it makes passes every test at once, under the new name and in the dummy's wire format; replace that piece by piece
by the provider's own. Must never write over a file that is there.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
_NAME: Final = re.compile(r"[a-z][a-z0-9]{2,19}")
_COPIES: Final = (
    "src/wisipay/providers/adapters/{}.py",
    "src/wisipay_simulator/provider_{}.py",
    "tests/contract/case_{}.py",
    "tests/providers/adapters/test_{}.py",
)
_PAGE: Final = "docs/providers/{}.md"
_SIMULATED: Final = "src/wisipay/entrypoints/simulated.py"
_TABLE: Final = "_SIMULATED: Final[Mapping[str, Callable[[str, str], Simulated]]] = {\n"
_PAGE_TEXT: Final = """# {title}

Code: `providers/adapters/{name}.py`; simulator: `provider_{name}.py`.

## Credentials
| field | |
|---|---|
| `baseUrl` | |
| `apiKey` | |
| `webhookSecret` | signs webhooks; without it every webhook is a hint |

## What is sent

## What answers mean

## Webhooks

## Only a live sandbox can confirm
"""


class CannotMakeError(Exception):
    """The provider cannot be made; the text says why."""


def make(name: str, root: Path = ROOT) -> list[Path]:
    """Write the files of a provider and return them. Raises CannotMakeError, and then nothing was written."""
    if _NAME.fullmatch(name) is None:
        raise CannotMakeError("a name is 3 to 20 lower-case letters and digits, a letter first")
    texts = {root / path.format(name): _renamed((root / path.format("dummy")).read_text(), name) for path in _COPIES}
    texts[root / _PAGE.format(name)] = _PAGE_TEXT.format(name=name, title=name.capitalize())
    taken = [str(path.relative_to(root)) for path in texts if path.exists()]
    if taken:
        raise CannotMakeError(f"there is already {', '.join(taken)}")
    simulated = root / _SIMULATED
    before, table, after = simulated.read_text().partition(_TABLE)
    texts[simulated] = f'{before}{table}    "{name}": _dummy,\n{after}'
    for path, text in texts.items():
        path.write_text(text)
    return list(texts)


def _renamed(text: str, name: str) -> str:
    for word, new in (("DUMMY", name.upper()), ("Dummy", name.capitalize()), ("dummy", name)):
        text = text.replace(word, new)
    return text


def main() -> None:
    """Make the provider that the command line names; exit status 2 with one line when it cannot be made."""
    try:
        (name,) = sys.argv[1:]
        made = make(name)
    except ValueError:
        raise SystemExit("usage: make new-provider NAME=acmepay") from None
    except CannotMakeError as problem:
        sys.stderr.write(f"{problem}\n")
        raise SystemExit(2) from None
    for path in made:
        sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    sys.stdout.write("now: python scripts/generated_blocks.py, then docs/providers/adding.md\n")


if __name__ == "__main__":
    main()
