"""Each bug that is planted in the product is found by the simulation within a bounded number of histories."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from simulation.plants import PLANTS
from support.source_file import REPOSITORY

pytestmark = pytest.mark.timeout(1_800)  # a busy machine gives them a small part of a core

HISTORIES_MAX = 400


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Return what was found of each plant; no coverage is measured, since the planted lines are not the product's."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    ran = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "simulation.planting", "--histories", str(HISTORIES_MAX)],
        cwd=REPOSITORY,
        env=environment | {"PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
        check=False,
    )
    return {told["plant"]: told for told in map(json.loads, ran.stdout.splitlines())}


@pytest.mark.parametrize("name", [plant.name for plant in PLANTS])
def test_planted_bug_is_found(found: dict[str, Any], name: str) -> None:
    assert found[name]["found"] is not None, found[name]


def test_each_plant_has_a_place_of_its_own() -> None:
    names = [plant.name for plant in PLANTS]
    assert len(set(names)) == len(names) >= 15
    for plant in PLANTS:
        source = (REPOSITORY / "src" / "wisipay" / plant.file).read_text(encoding="utf-8")
        assert source.count(plant.before) == 1, plant.name
        assert plant.before != plant.after
