"""Alert rules can be read, ask for metrics that exist and name a place in a runbook that exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from support.source_file import REPOSITORY
from wisipay.core.metrics import REGISTRY
from wisipay.entrypoints import ledger_metrics
from wisipay.providers import HealthStore

FILES: Final = sorted((REPOSITORY / "deploy" / "prometheus").glob("*.rules.yml"))
SEVERITIES: Final = {"critical", "warning"}


def rules(path: Path) -> list[dict[str, Any]]:
    return [rule for group in msgspec.yaml.decode(path.read_bytes())["groups"] for rule in group["rules"]]


def known_metrics() -> set[str]:
    assert ledger_metrics.UNSEALED is not None  # registered by being imported
    assert HealthStore is not None
    found = {
        sample for metric in REGISTRY.collect() for sample in (metric.name, *(each.name for each in metric.samples))
    }
    # A counter with labels has no sample before it has counted.
    return found | {f"{metric.name}_total" for metric in REGISTRY.collect() if metric.type == "counter"}


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in found}


def test_there_are_rules() -> None:
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_alert_asks_for_metrics_that_exist(path: Path) -> None:
    known = known_metrics()
    for rule in rules(path):
        asked = set(re.findall(r"\bwisipay_\w+", rule["expr"]))
        assert asked
        assert asked <= known, rule["alert"]
        assert rule["labels"]["severity"] in SEVERITIES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_alert_says_what_is_wrong_and_names_its_runbook(path: Path) -> None:
    for rule in rules(path):
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (REPOSITORY / page).is_file(), rule["alert"]
        assert not anchor or anchor in headings(REPOSITORY / page), rule["alert"]
        assert rule["annotations"]["summary"]
