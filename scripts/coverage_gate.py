"""Reads the coverage of one whole test run and fails when a package is under its floor.

Decides the floors: every branch of what moves money, nine tenths of the rest. Counts lines and branches together, as
`coverage report` does. Use: `python scripts/coverage_gate.py [data file]` after `pytest --cov`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from coverage import Coverage

FLOORS: Final = {"wisipay/ledger": 100, "wisipay/payments": 100, "wisipay/providers": 100}
FLOOR_OF_THE_REST: Final = 90
_SHOWN_LINES: Final = 12


@dataclass(slots=True)
class Package:
    """What was run of a package: statements and branches, how many of each, and where something is missing."""

    covered: int = 0
    whole: int = 0
    missing: list[str] | None = None

    @property
    def percent(self) -> float:
        """Covered share in percent; a package without code counts as covered."""
        return 100 * self.covered / self.whole if self.whole else 100.0


def packages_of(files: Mapping[str, Any]) -> dict[str, Package]:
    """Gather the files of a JSON coverage report by package: `wisipay/ledger`, `wisipay_simulator`."""
    packages: dict[str, Package] = defaultdict(Package)
    for name, file in files.items():
        package = packages[_package(name)]
        summary = file["summary"]
        package.covered += summary["covered_lines"] + summary["covered_branches"]
        package.whole += summary["num_statements"] + summary["num_branches"]
        lost = [*map(str, file["missing_lines"]), *(f"{a}->{b}" for a, b in file["missing_branches"])]
        if lost:
            package.missing = [*(package.missing or []), f"{name}: {' '.join(lost)}"]
    return dict(packages)


def under_their_floor(packages: Mapping[str, Package]) -> list[str]:
    """Return the packages that miss their floor; a package with a floor of its own must be there at all."""
    names = [*packages, *(name for name in FLOORS if name not in packages)]
    return [name for name in names if packages.get(name, Package(whole=1)).percent < floor_of(name)]


def floor_of(package: str) -> int:
    """Return the least percent of a package."""
    return FLOORS.get(package, FLOOR_OF_THE_REST)


def report(packages: Mapping[str, Package], low: Iterable[str]) -> str:
    """Return the table, and what is missing in the packages that are too low."""
    rows = [f"{'package':28} {'covered':>8} {'floor':>6}"]
    rows += [f"{name:28} {packages[name].percent:7.2f}% {floor_of(name):5}%" for name in sorted(packages)]
    for name in low:
        missing = (packages.get(name, Package()).missing or ["not measured at all"])[:_SHOWN_LINES]
        rows += ["", f"{name} is under its floor:", *(f"  {line}" for line in missing)]
    return "\n".join(rows)


def _package(file_name: str) -> str:
    parts = PurePosixPath(file_name.replace("\\", "/")).parts
    inside = parts[parts.index("src") + 1 :]
    return "/".join(inside[:2]) if inside[0] == "wisipay" and len(inside) > 2 else inside[0]  # noqa: PLR2004 - a slice has its folder


def main(data_file: str) -> int:
    """Print the table; return 1 when a package is too low."""
    coverage = Coverage(data_file=data_file)
    coverage.load()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "coverage.json"
        coverage.json_report(outfile=str(target))
        packages = packages_of(json.loads(target.read_bytes())["files"])
    low = under_their_floor(packages)
    print(report(packages, low))
    return 1 if low else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1] if len(sys.argv) > 1 else ".coverage"))
