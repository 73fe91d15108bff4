"""The package that merchants install: alone, typed, and without anything of the server."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from support.source_file import REPOSITORY, source_files

SDK = tuple(file for file in source_files(".py") if file.path.startswith("sdk/"))


def imported(tree: ast.Module) -> set[str]:
    """Return the top names of all imports."""
    modules = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {module.partition(".")[0] for module in modules}


def test_it_needs_httpx_and_nothing_else() -> None:
    foreign = {name for file in SDK for name in imported(file.tree)} - set(sys.stdlib_module_names) - {"wisipay_sdk"}
    assert foreign == {"httpx"}


def test_the_product_does_without_it() -> None:
    product = [file for file in source_files(".py") if file.path.startswith("src/")]
    assert [file.path for file in product if "wisipay_sdk" in imported(file.tree)] == []


def test_it_is_built_and_works_where_nothing_else_of_ours_is(tmp_path: Path) -> None:
    source = tmp_path / "sdk"
    shutil.copytree(REPOSITORY / "sdk", source, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "dist")]
    subprocess.run(build, cwd=source, check=True, capture_output=True)  # noqa: S603 - fixed words
    (wheel,) = (tmp_path / "dist").glob("wisipay_sdk-*.whl")
    with zipfile.ZipFile(wheel) as files:
        assert "wisipay_sdk/py.typed" in files.namelist()
        (scripts,) = [files.read(name).decode() for name in files.namelist() if name.endswith("entry_points.txt")]
    assert scripts.split() == ["[console_scripts]", "wisipay-dev", "=", "wisipay_sdk.cli.main:main"]
    told = subprocess.run(
        [sys.executable, "-c", "import sys, wisipay_sdk; print('wisipay' in sys.modules, wisipay_sdk.__file__)"],
        env={"PYTHONPATH": str(wheel)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.split(maxsplit=1)[0] == "False"
    assert str(wheel) in told.stdout
