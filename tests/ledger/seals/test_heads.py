"""Published heads: signed, in order, and whoever touches a file is found out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from wisipay.ledger import seals

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
PRIVATE, PUBLIC = seals.new_head_key()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for day in (3, 4, 5):
        tail = seals.Tail(block=day, position=day * 10, hash=bytes([day]) * 32)
        seals.publish_head(tmp_path / "heads", tail, date(2026, 1, day), NOW.replace(day=day), PRIVATE)
    return tmp_path / "heads"


def test_published_heads_are_read_in_order(folder: Path) -> None:
    published = seals.read_heads(folder, PUBLIC)
    assert published.differences == ()
    assert [(each.number, each.day.day, each.block) for each in published.statements] == [
        (1, 3, 3),
        (2, 4, 4),
        (3, 5, 5),
    ]
    first, *_ = published.heads()
    assert first == seals.Head("ledger-head-000001-2026-01-03.json", 3, 30, b"\3" * 32)
    assert sorted(path.name for path in folder.iterdir()) == [
        seals.file_name(number, date(2026, 1, number + 2)) for number in (1, 2, 3)
    ]


def test_an_empty_chain_is_published_and_binds_nobody(tmp_path: Path) -> None:
    seals.publish_head(tmp_path, seals.Tail(), date(2026, 1, 3), NOW, PRIVATE)
    published = seals.read_heads(tmp_path, PUBLIC)
    assert len(published.statements) == 1
    assert list(published.heads()) == []


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert seals.read_heads(tmp_path / "none", PUBLIC) == seals.PublishedHeads((), ())


def _second(folder: Path) -> Path:
    return folder / "ledger-head-000002-2026-01-04.json"


def _change(folder: Path) -> None:
    content = _second(folder).read_bytes()
    _second(folder).write_bytes(content.replace(b'"position":40', b'"position":41'))


def _publish_anew(folder: Path) -> None:
    """Sign the same day again with the right key, as somebody who stole it would."""
    elsewhere = folder.parent / "elsewhere"
    seals.publish_head(elsewhere, seals.Tail(block=1), date(2026, 1, 3), NOW, PRIVATE)
    made = seals.publish_head(elsewhere, seals.Tail(block=9), date(2026, 1, 4), NOW, PRIVATE)
    _second(folder).write_bytes((elsewhere / seals.file_name(made.number, made.day)).read_bytes())


def _sign_with_another_key(folder: Path) -> None:
    _second(folder).unlink()
    (folder / "ledger-head-000003-2026-01-05.json").unlink()
    seals.publish_head(folder, seals.Tail(block=9), date(2026, 1, 4), NOW, seals.new_head_key()[0])


TOUCHES: dict[str, tuple[Callable[[Path], object], list[tuple[str, str]]]] = {
    "changed": (
        _change,
        [("2026-01-04", "is not what was signed"), ("2026-01-05", "does not follow the file before it")],
    ),
    "removed": (lambda folder: _second(folder).unlink(), [("2026-01-05", "follows number 1: one is missing")]),
    "emptied": (
        lambda folder: _second(folder).write_bytes(b""),
        [("2026-01-04", "is not what was signed"), ("2026-01-05", "does not follow the file before it")],
    ),
    "renamed": (
        lambda folder: _second(folder).rename(folder / "ledger-head-000002-2026-01-02.json"),
        [("2026-01-02", "says it is number 2 of 2026-01-04")],
    ),
    "signed anew": (
        _publish_anew,
        [("2026-01-04", "does not follow the file before it"), ("2026-01-05", "does not follow the file before it")],
    ),
    "signed by others": (_sign_with_another_key, [("2026-01-04", "is not what was signed with this key")]),
}


@pytest.mark.parametrize("name", TOUCHES)
def test_a_touched_file_is_named(folder: Path, name: str) -> None:
    touch, expected = TOUCHES[name]
    touch(folder)
    differences = seals.read_heads(folder, PUBLIC).differences
    assert [(each.check, each.subject, each.id) for each in differences] == [
        ("head_file", "DAY", day) for day, _ in expected
    ]
    assert [message in each.message for each, (_, message) in zip(differences, expected, strict=True)] == [True] * len(
        expected
    )


def test_a_public_key_belongs_to_its_private_one() -> None:
    assert seals.public_head_key(PRIVATE) == PUBLIC


@pytest.mark.parametrize("key", ["", "ab", "zz" * 32], ids=["none", "short", "no digits"])
def test_a_text_that_is_no_key_is_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - words of the library that reads keys
        seals.publish_head(tmp_path, seals.Tail(), NOW.date(), NOW, key)
    with pytest.raises(ValueError):  # noqa: PT011 - as above
        seals.read_heads(tmp_path, key)
