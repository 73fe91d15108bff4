"""The coverage gate lets nothing of the money path through that no test has run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from coverage_gate import FLOORS, floor_of, main, packages_of, report, under_their_floor
from support.system import run


def file(statements: int, lines: int, branches: int = 0, taken: int = 0) -> dict[str, Any]:
    return {
        "summary": {
            "num_statements": statements,
            "covered_lines": lines,
            "num_branches": branches,
            "covered_branches": taken,
        },
        "missing_lines": list(range(1, statements - lines + 1)),
        "missing_branches": [[1, 2]] * (branches - taken),
    }


def complete() -> dict[str, dict[str, Any]]:
    return {f"src/{name}/model.py": file(10, 10, 2, 2) for name in FLOORS}


def test_one_branch_that_was_not_taken_fails_the_money_path() -> None:
    packages = packages_of({**complete(), "src/wisipay/payments/machine.py": file(100, 100, 50, 49)})
    assert under_their_floor(packages) == ["wisipay/payments"]
    said = report(packages, ["wisipay/payments"])
    assert "machine.py: 1->2" in said


def test_the_rest_passes_with_nine_tenths_and_fails_under_it() -> None:
    enough = packages_of({**complete(), "src/wisipay/core/a.py": file(10, 9)})
    assert under_their_floor(enough) == []
    short = packages_of({**complete(), "src/wisipay_simulator/server/a.py": file(100, 89)})
    assert under_their_floor(short) == ["wisipay_simulator"]


def test_a_package_of_the_money_path_that_was_never_measured_fails() -> None:
    some = {name: content for name, content in complete().items() if "ledger" not in name}
    assert under_their_floor(packages_of(some)) == ["wisipay/ledger"]
    assert "not measured at all" in report(packages_of(some), ["wisipay/ledger"])


def test_packages_are_the_slices_and_the_simulator() -> None:
    names = ("src/wisipay/ledger/a.py", "src/wisipay/providers/adapters/a.py", "src/wisipay/__init__.py")
    assert set(packages_of(dict.fromkeys(names, file(1, 1)))) == {"wisipay/ledger", "wisipay/providers", "wisipay"}
    assert floor_of("wisipay/ledger") == 100
    assert floor_of("wisipay/core") == 90


def test_reads_the_data_of_a_real_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = tmp_path / "src" / "wisipay" / "ledger" / "a.py"
    module.parent.mkdir(parents=True)
    module.write_text("import sys\nif len(sys.argv) > 5:\n    print(1)\n", encoding="utf-8")
    data, settings = tmp_path / "data", tmp_path / "settings"
    settings.write_text("[run]\nbranch = true\n", encoding="utf-8")
    run(sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", f"--data-file={data}", module)
    assert main(str(data)) == 1
    assert "a.py: 3 2->3" in capsys.readouterr().out
