"""A provider made by the script passes the contract as it is, and nothing is written over."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from new_provider import ROOT, CannotMakeError, main, make

NAME = "acmepay"
_COPIED = ("src", "tests/contract", "tests/support", "tests/providers/adapters", "docs/providers", "scripts")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of what a provider is made of."""
    for part in _COPIED:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


@pytest.mark.timeout(400)  # a hundred tests in a process of their own
def test_a_new_provider_passes_the_contract_and_its_own_tests(project: Path) -> None:
    made = make(NAME, project)
    assert all(NAME in path.read_text() for path in made)
    paths = os.pathsep.join(str(project / part) for part in ("src", "tests", "scripts"))
    ran = subprocess.run(  # noqa: S603 - our own tests
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"),
            *("tests/contract", f"tests/providers/adapters/test_{NAME}.py", "-k", NAME),
        ],
        cwd=project,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4_000:] + ran.stderr[-2_000:]
    told = [line for line in ran.stdout.splitlines() if " passed" in line or "100%" in line]
    assert told, ran.stdout


def test_what_is_made_is_clean(project: Path) -> None:
    made = [str(path) for path in make(NAME, project) if path.suffix == ".py"]
    for command in (("check",), ("format", "--check")):
        ran = subprocess.run(  # noqa: S603 - our own linter
            [str(Path(sys.executable).with_name("ruff")), *command, *made],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout


def test_nothing_is_written_over(project: Path) -> None:
    make(NAME, project)
    simulated = (project / "src/wisipay/entrypoints/simulated.py").read_text()
    with pytest.raises(CannotMakeError, match="already"):
        make(NAME, project)
    assert (project / "src/wisipay/entrypoints/simulated.py").read_text() == simulated


@pytest.mark.parametrize("name", ["", "Ab", "1abc", "a b c", "../etc", "a" * 21])
def test_a_name_is_lower_case_letters_and_digits(name: str, project: Path) -> None:
    with pytest.raises(CannotMakeError, match="a name is"):
        make(name, project)


def test_the_command_says_how_it_is_used(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["new_provider.py"])
    with pytest.raises(SystemExit, match="usage"):
        main()
    monkeypatch.setattr(sys, "argv", ["new_provider.py", "dummy"])
    with pytest.raises(SystemExit) as refused:
        main()
    assert refused.value.code == 2
    assert "there is already" in capsys.readouterr().err
