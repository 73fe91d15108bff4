"""Writes the bank directory that comes with the product from the `ifsc` package of the npm registry.

`npm pack ifsc`, unpack, then `python scripts/bank_directory.py FOLDER --published 2026-08-24`, the day on which that
version was published. Decides what is kept: banks by the four letters of their IFSCs, with UPI and IMPS as far as the
package tells; the codes of all branches; which branches belong to another bank than their letters say (sub-members).
The package holds no names of branches and no rails of single branches.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

from wisipay.payments.published_banks import PACK, BankPack, PackedBank

_LETTERS: Final = 4
_BASE: Final = 36
_NAMES: Final = {
    "BNPA": "BNP Paribas",
    "CHAS": "JPMorgan Chase Bank",
    "CITI": "Citibank",
    "CSBK": "CSB Bank",
    "DBSS": "DBS Bank India",
    "ESMF": "ESAF Small Finance Bank",
    "HSBC": "HSBC",
    "IBKL": "IDBI Bank",
    "IDFB": "IDFC First Bank",
    "INDB": "IndusInd Bank",
    "PSIB": "Punjab and Sind Bank",
}
"""Names by which banks call themselves, where the package has another one."""


def pack_of(folder: Path, published: str) -> BankPack:
    """Return what is kept of an unpacked package. Raises OSError, msgspec.DecodeError and KeyError for another one."""
    about = _read(folder / "package.json")
    branches, features = _read(folder / "src" / "IFSC.json"), _read(folder / "src" / "banks.json")
    names = {code: " ".join(name.split()) for code, name in _read(folder / "src" / "banknames.json").items()}
    names |= {code: name for code, name in _NAMES.items() if code in names}
    sublets = _read(folder / "src" / "custom-sublets.json") | _read(folder / "src" / "sublet.json")
    renamed = {code: owner for code, owner in sublets.items() if len(code) == _LETTERS}
    banks = {}
    for code in sorted({*names, *branches}):
        feature = features.get(code, {})
        banks[code] = PackedBank(
            names.get(renamed.get(code, code), ""),
            upi=feature.get("upi", False),
            imps=feature.get("imps", True),
            gaps=gaps(branches.get(code, ())),
        )
    return BankPack(
        source=f"{about['name']} {about['version']}, published {published}",
        licence=(folder / "LICENSE").read_text(encoding="utf-8"),
        banks=banks,
        sublets={code: owner for code, owner in sorted(sublets.items()) if code not in renamed},
    )


def gaps(codes: Iterable[int | str]) -> list[int]:
    """Return the six last signs of IFSCs as numbers to the base of 36, sorted: the first, then each one's distance."""
    numbers = sorted({int(str(code).zfill(6), _BASE) for code in codes})
    return numbers[:1] + [later - earlier for earlier, later in pairwise(numbers)]


def _read(path: Path) -> dict[str, Any]:
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])


def main() -> None:
    """Write the pack, the same bytes for the same package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the unpacked package")
    parser.add_argument("--published", required=True, help="the day of its version, as 2026-08-24")
    parser.add_argument("--to", type=Path, default=PACK)
    arguments = parser.parse_args()
    pack = pack_of(arguments.folder, arguments.published)
    arguments.to.write_bytes(gzip.compress(msgspec.json.encode(pack), compresslevel=9, mtime=0))
    branches = sum(len(bank.gaps) for bank in pack.banks.values())
    print(f"{len(pack.banks)} banks, {branches} branches, {arguments.to.stat().st_size} bytes: {arguments.to.name}")


if __name__ == "__main__":
    main()
