"""The house rules of writing hold, and each of them catches a violation that is planted for it."""

from __future__ import annotations

import re

import pytest

from support import tidy_rules as rules
from support.source_file import REPOSITORY, Rule, SourceFile, repository_paths, source_files, violations

PYTHON = source_files(".py")
CODE = source_files(".py", ".sql", ".lua")
DOCUMENTS = source_files(".md")
RECORDS = tuple(file for file in DOCUMENTS if re.fullmatch(r"docs/adr/\d{4}-.+\.md", file.path))
LOCKS = ("requirements/runtime.txt", "requirements/dev.txt")
TEXTS = source_files(
    ".py", ".sql", ".lua", ".md", ".toml", ".in", ".txt", ".html", ".css", ".mako", ".importlinter", "Makefile", "run"
)
THESE_RULES = {"tests/support/tidy_rules.py", "tests/test_tidy.py"}  # they name what they look for


def test_files_have_one_subject_and_under_400_lines() -> None:
    assert violations(rules.size_of_file, *CODE) == []


def test_half_of_the_files_are_well_under_150_lines() -> None:
    lengths = sorted(len(file.lines) for file in PYTHON if file.path.startswith("src/"))
    assert lengths[len(lengths) // 2] < 120


def test_functions_have_under_70_lines() -> None:
    assert violations(rules.size_of_functions, *PYTHON) == []


def test_every_module_says_what_it_decides() -> None:
    assert violations(rules.module_docstring, *PYTHON) == []


def test_no_notes_to_a_later_self() -> None:
    assert violations(rules.nothing_left_over, *(file for file in TEXTS if file.path not in THESE_RULES)) == []


def test_no_banner_comments() -> None:
    assert violations(rules.no_banners, *CODE) == []


def test_every_silenced_rule_has_its_reason() -> None:
    assert violations(rules.reasons_for_exceptions, *(file for file in PYTHON if file.path not in THESE_RULES)) == []


def test_no_path_of_one_machine_and_no_registry() -> None:
    assert violations(rules.no_place_of_one_machine, *(file for file in TEXTS if file.path not in THESE_RULES)) == []


def test_no_file_over_one_mebibyte() -> None:
    sizes = {path: (REPOSITORY / path).stat().st_size for path in repository_paths()}
    assert {path: size for path, size in sizes.items() if size > rules.FILE_BYTES_MAX} == {}


def test_every_locked_package_has_hashes() -> None:
    for lock in LOCKS:
        text = (REPOSITORY / lock).read_text(encoding="utf-8")
        packages = re.findall(
            r"^[a-z][\w.-]*(?:\[[^]]*\])?==.*(?:\n +--hash=sha256:[0-9a-f]{64}.*)*", text, re.MULTILINE
        )
        assert packages
        assert [package for package in packages if "--hash=" not in package] == []


def test_the_change_log_tells_of_the_version_that_is_built() -> None:
    version = re.search(
        r'^version = "(.+)"$', (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert version
    assert f"## {version[1]}" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")


def test_links_between_documents_lead_somewhere() -> None:
    assert violations(rules.links_lead_somewhere, *DOCUMENTS) == []


def test_every_decision_is_one_page_and_in_the_list() -> None:
    assert violations(rules.decision_record, *RECORDS) == []
    listed = (REPOSITORY / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    assert [file.path for file in RECORDS if f"({file.path.removeprefix('docs/adr/')})" not in listed] == []
    numbers = [file.path[len("docs/adr/") :][:4] for file in RECORDS]
    assert numbers == [f"{number:04}" for number in range(1, len(RECORDS) + 1)]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.size_of_file, "x = 1\n" * 400),
        (rules.size_of_functions, "def f():\n" + "    x = 1\n" * 69),
        (rules.size_of_functions, "class A:\n    async def f(self):\n" + "        x = 1\n" * 69),
        (rules.module_docstring, "x = 1"),
        (rules.nothing_left_over, "x = 1  # TODO: later"),
        (rules.nothing_left_over, "-- FIXME"),
        (rules.no_banners, "# ------- helpers -------"),
        (rules.no_banners, "-- ===================="),
        (rules.reasons_for_exceptions, "x = 1  # noqa"),
        (rules.reasons_for_exceptions, "x = 1  # noqa: S101"),
        (rules.reasons_for_exceptions, "x = 1  # noqa: S101 -"),
        (rules.reasons_for_exceptions, "x = 1  # type: ignore"),
        (rules.reasons_for_exceptions, "x = 1  # type: ignore[arg-type]"),
        (rules.reasons_for_exceptions, "x = 1  # pragma: no cover"),
        (rules.no_place_of_one_machine, "see /home/somebody/notes"),
        (rules.no_place_of_one_machine, "--index-url https://mirror.example"),
        (rules.no_place_of_one_machine, "https://files.pythonhosted.org/packages/x"),
        (rules.links_lead_somewhere, "[there](nowhere.md)"),
        (rules.decision_record, "# A decision\n\n## Context\n\n## Consequences"),
    ],
)
def test_a_planted_violation_is_caught(rule: Rule, text: str) -> None:
    assert violations(rule, SourceFile("src/wisipay/payments/planted.py", text))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.size_of_file, "x = 1\n" * 399),
        (rules.no_banners, "# why this is so\n-- a sentence"),
        (rules.reasons_for_exceptions, "x = 1  # noqa: S101 - a reason in words"),
        (rules.reasons_for_exceptions, "x = 1  # type: ignore[arg-type] # a stand-in"),
        (rules.no_place_of_one_machine, "docs/work/notes and {folder}/home/x"),
        (rules.links_lead_somewhere, "[here](machine.py) and [away](https://example.org/a.md)"),
    ],
)
def test_what_is_allowed_is_not_complained_about(rule: Rule, text: str) -> None:
    assert violations(rule, SourceFile("src/wisipay/payments/planted.py", text)) == []
