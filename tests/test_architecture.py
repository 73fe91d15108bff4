"""The rules of the layout hold, and each of them catches a violation that is planted for it."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from support import architecture_rules as rules
from support.source_file import REPOSITORY, Rule, SourceFile, source_files, violations

PRODUCT = tuple(file for file in source_files(".py") if file.path.startswith("src/wisipay/"))
SIMULATOR = tuple(file for file in source_files(".py") if file.path.startswith("src/wisipay_simulator/"))
OUTSIDE_CORE = tuple(file for file in PRODUCT if file.slice != "core")
IN_SLICES = tuple(file for file in OUTSIDE_CORE if file.slice != "src")
SQL = tuple(file for file in source_files(".sql") if file.path.startswith(("src/", "migrations/")))

PLANTED_IMPORTS = {
    "Imports go down only": {
        "merchants/directory.py": "import wisipay.payments",
        "callbacks/store.py": "import wisipay.ledger",
        "core/money.py": "import wisipay.audit",
    },
    "The ledger is a library of its own": {"ledger/machine.py": "import wisipay.core.money"},
    "The simulator shares no code with the product": {"../wisipay_simulator/book.py": "import wisipay.core.money"},
    "Adapters know base, wire and HTTP, nothing else": {
        "providers/adapters/other.py": "import wisipay.providers.gateway"
    },
    "Adapters do not know each other": {"providers/adapters/dummy.py": "import wisipay.providers.adapters.other"},
    "Models and machines do no I/O": {"payments/machine.py": "import asyncpg"},
    "What is mounted is mounted by entrypoints only": {"webhooks/processing.py": "import wisipay.payments.http"},
}


def lint_imports(repository: Path) -> tuple[int, str]:
    """Run the import contracts over a checkout; return the exit status and what was said."""
    program = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "PYTHONPATH": str(repository / "src"), "COLUMNS": "200", "NO_COLOR": "1"}
    done = subprocess.run(  # noqa: S603 - the tests' own program
        [program, "--no-cache"], cwd=repository, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """Return a copy of the sources and their contracts, in which violations can be planted."""
    shutil.copytree(REPOSITORY / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / ".importlinter", tmp_path)
    return tmp_path


def plant(repository: Path, place: str, line: str) -> None:
    path = repository / "src" / "wisipay" / place
    before = path.read_text(encoding="utf-8") if path.exists() else '"""Planted."""\n'
    path.write_text(f"{before}\n{line}\n", encoding="utf-8")


def contracts(said: str, state: str) -> set[str]:
    return {line.removesuffix(state).strip() for line in said.splitlines() if line.rstrip().endswith(state)}


def test_every_import_contract_is_kept() -> None:
    status, said = lint_imports(REPOSITORY)
    assert status == 0, said
    assert contracts(said, "KEPT") == set(PLANTED_IMPORTS)


def test_every_import_contract_catches_what_is_planted_against_it(planted: Path) -> None:
    for places in PLANTED_IMPORTS.values():
        for place, line in places.items():
            plant(planted, place, line)
    status, said = lint_imports(planted)
    assert status == 1
    assert contracts(said, "BROKEN") == set(PLANTED_IMPORTS), said
    for importer, imported in (
        ("wisipay.merchants", "wisipay.payments"),
        ("wisipay.callbacks", "wisipay.ledger"),
        ("wisipay.core", "wisipay.audit"),
    ):
        assert f"{importer} is not allowed to import {imported}" in said


def test_a_slice_that_no_contract_lists_is_refused(planted: Path) -> None:
    (planted / "src" / "wisipay" / "shadow").mkdir()
    plant(planted, "shadow/__init__.py", "")
    status, said = lint_imports(planted)
    assert status != 0
    assert "shadow" in said


def test_every_module_that_must_be_pure_or_mounted_is_listed() -> None:
    parser = configparser.ConfigParser()
    parser.read(REPOSITORY / ".importlinter")
    pure = parser["importlinter:contract:pure"]["source_modules"].split()
    mounted = parser["importlinter:contract:mounted"]["protected_modules"].split()
    for file in IN_SLICES:
        path = PurePosixPath(file.path)
        module = ".".join(path.relative_to("src").with_suffix("").parts)
        if file.slice != "entrypoints" and path.stem in {"machine", "model", "base"}:
            assert module in pure, f"{module} is missing in the contract of pure modules"
        if file.slice not in {"entrypoints", "providers"} and path.stem in rules.MOUNTED:
            assert module in mounted, f"{module} is missing in the contract of mounted modules"


def test_a_slice_is_imported_through_its_public_face_only() -> None:
    assert violations(rules.public_face, *IN_SLICES) == []


def test_nothing_is_imported_by_a_relative_name() -> None:
    assert violations(rules.relative_imports, *source_files(".py")) == []


def test_time_and_chance_come_from_core_only() -> None:
    assert violations(rules.time_and_chance, *OUTSIDE_CORE) == []


def test_no_float_comes_near_money() -> None:
    assert violations(rules.floats_near_money, *PRODUCT, *SIMULATOR) == []


def test_the_sql_of_a_slice_names_only_its_own_tables() -> None:
    assert len(rules.known_tables()) > 20
    assert violations(rules.own_tables_in_sql, *SQL) == []
    assert violations(rules.own_tables_in_python, *OUTSIDE_CORE) == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (rules.public_face, "src/wisipay/webhooks/x.py", "from wisipay.payments.machine import decide"),
        (rules.public_face, "src/wisipay/webhooks/x.py", "import wisipay.payments.store"),
        (rules.public_face, "src/wisipay/webhooks/x.py", "from wisipay.payments.http import build_handlers"),
        (rules.public_face, "src/wisipay/entrypoints/x.py", "from wisipay.payments.machine import decide"),
        (rules.relative_imports, "src/wisipay/payments/x.py", "from .model import Kind"),
        (rules.time_and_chance, "src/wisipay/payments/x.py", "from datetime import datetime\nnow = datetime.now(UTC)"),
        (rules.time_and_chance, "src/wisipay/payments/x.py", "import datetime\nnow = datetime.datetime.now()"),
        (rules.time_and_chance, "src/wisipay/payments/x.py", "import time\nnow = time.time()"),
        (rules.time_and_chance, "src/wisipay/payments/x.py", "from time import time"),
        (rules.time_and_chance, "src/wisipay/payments/x.py", "from random import choice"),
        (rules.time_and_chance, "src/wisipay/payments/x.py", "import secrets"),
        (rules.time_and_chance, "src/wisipay/payments/x.py", "from uuid import uuid4"),
        (rules.time_and_chance, "src/wisipay/payments/x.py", "import uuid\nid = uuid.uuid4()"),
        (rules.floats_near_money, "src/wisipay/payments/x.py", "amount_paise: float = 0"),
        (rules.floats_near_money, "src/wisipay/payments/x.py", "def f(amount: float | None) -> None: ..."),
        (rules.floats_near_money, "src/wisipay/payments/x.py", "def net_amount() -> float: ..."),
        (rules.floats_near_money, "src/wisipay/payments/x.py", "rupees = order.amount_paise / 100"),
        (rules.floats_near_money, "src/wisipay/payments/x.py", "fee = amount_paise * 0.01"),
        (rules.floats_near_money, "src/wisipay/payments/x.py", "x = float(row.balance)"),
        (rules.own_tables_in_sql, "src/wisipay/callbacks/x.sql", "SELECT id FROM payments_transactions"),
        (rules.own_tables_in_sql, "migrations/sql/0009_reports.pre.sql", "CREATE TABLE exports (id text);"),
        (rules.own_tables_in_sql, f"{rules.AUDITOR}x.sql", "UPDATE payments_transactions SET status = 'FAILED'"),
        (rules.own_tables_in_python, "src/wisipay/webhooks/x.py", "q = 'SELECT id FROM ledger_entries'"),
    ],
)
def test_a_planted_violation_is_caught(rule: Rule, path: str, text: str) -> None:
    assert violations(rule, SourceFile(path, text))


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (rules.public_face, "src/wisipay/entrypoints/x.py", "from wisipay.payments.http import build_handlers"),
        (rules.public_face, "src/wisipay/payments/x.py", "from wisipay.payments.machine import decide"),
        (rules.time_and_chance, "src/wisipay/payments/x.py", "now = self._clock.now()\nfrom time import monotonic"),
        (rules.floats_near_money, "src/wisipay/payments/x.py", "rupees = amount_paise // 100\nx: float = seconds / 2"),
        (rules.own_tables_in_sql, "src/wisipay/callbacks/x.sql", "SELECT 1 FROM callbacks_outbox -- payments_events"),
        (rules.own_tables_in_sql, f"{rules.AUDITOR}x.sql", "SELECT id FROM payments_transactions"),
        (rules.own_tables_in_python, "src/wisipay/webhooks/x.py", '"""Never reads ledger_entries."""'),
    ],
)
def test_what_is_allowed_is_not_complained_about(rule: Rule, path: str, text: str) -> None:
    assert violations(rule, SourceFile(path, text)) == []
