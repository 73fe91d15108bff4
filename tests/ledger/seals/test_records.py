"""Canonical bytes: what each kind of record looks like, and that no two records share them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from wisipay.ledger.seals import records
from wisipay.ledger.seals.records import AccountEventRecord, EntryRecord, canonical, canonical_json, event_identity

MOMENT = datetime(2026, 1, 5, 12, 0, 0, 5, tzinfo=UTC)

_texts = st.text(st.sampled_from('ab"\\\n,:[]{}é\u2028\x7f\x1f0'), max_size=4)
_some = st.sampled_from
_words = _some([None, "", "null", "0", '"', "\\", "é"])
_numbers = _some([-(2**63), -1, 0, 1, 10, 2**63 - 1])
_maybe_numbers = _some([None, -1, 0, 1])
_moments = _some([MOMENT, MOMENT.replace(microsecond=0), MOMENT.replace(microsecond=500_000), MOMENT.replace(year=1)])
_ids = _some([UUID(int=0), UUID(int=1), UUID("01940000-0000-7000-8000-000000000001")])
_metadata = _some(
    [None, *map(canonical_json, ("{}", '{"a": 1}', '{"a": 1.0}', '{"a": "1"}', '{"a": null}', "[1, 2]", "[12]"))]
)
_lines = _some(
    [
        [],
        [("A", 0, 1, 1, 1, False)],
        [("A", 0, 1, 1, 1, True)],
        [("A", 0, 1, None, None, None)],
        [("A", 0, 11, 1, 1, False)],
        [("A", 0, 1, 11, 1, False)],
        [("A", 0, 1, 1, 1, False), ("B", 0, -1, 1, 1, False)],
        [("B", 0, -1, 1, 1, False), ("A", 0, 1, 1, 1, False)],
    ]
)
_entries = st.builds(
    EntryRecord,
    sequence=_numbers,
    id=_ids,
    kind=_some(["TRANSFER", "PENDING"]),
    posted_at=_moments,
    currency=_some(["INR", "USD"]),
    target_id=st.none() | _ids,
    timeout_at=st.none() | _moments,
    value_date=_some([None, date(2026, 1, 4), date(2026, 1, 5)]),
    narration=_texts,
    external_reference=_words,
    correlation_id=_words,
    idempotency_key=_texts,
    metadata=_metadata,
    lines=_lines,
    operation=st.none(),
)
_events = st.builds(
    AccountEventRecord,
    sequence=_numbers,
    account_number=_numbers,
    kind=_some(["OPENED", "STATUS_CHANGED"]),
    happened_at=_moments,
    account_id=_texts,
    currency=_words,
    stripes=_maybe_numbers,
    parent_id=_words,
    balance_numbers=_some([None, [], [1], [1, 2], [12]]),
    status_before=_words,
    status=_some(["ACTIVE", "FROZEN"]),
    min_balance_before=_maybe_numbers,
    min_balance=_maybe_numbers,
)


def _values(record: records.Record) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in record.__struct_fields__}
    return values | {name: bytes(value) for name, value in values.items() if isinstance(value, msgspec.Raw)}


@settings(max_examples=60)
@given(_entries | _events, _entries | _events)
def test_two_records_have_the_same_bytes_only_if_they_are_the_same(one: records.Record, other: records.Record) -> None:
    same = type(one) is type(other) and _values(one) == _values(other)
    assert (canonical(one) == canonical(other)) == same


@settings(max_examples=60)
@given(_entries, _entries)
def test_every_field_counts_by_itself(one: EntryRecord, other: EntryRecord) -> None:
    """Records are seldom alike by chance: here they differ in one field only."""
    for name in one.__struct_fields__:
        neighbour = msgspec.structs.replace(one, **{name: getattr(other, name)})
        assert (canonical(one) == canonical(neighbour)) == (_values(one) == _values(neighbour)), name


@settings(max_examples=50)
@given(_events)
def test_any_writer_of_plain_json_makes_the_same_bytes(record: records.Record) -> None:
    again = json.dumps(json.loads(canonical(record)), ensure_ascii=False, separators=(",", ":"))
    assert again.encode() == canonical(record)


def test_an_entry_is_written_like_this() -> None:
    record = EntryRecord(
        7,
        UUID("01940000-0000-7000-8000-000000000001"),
        "TRANSFER",
        MOMENT,
        "INR",
        None,
        None,
        date(2026, 1, 4),
        'sale "é"\n',
        None,
        "T1",
        None,
        canonical_json('{"b": 1.50, "a": 10000000000000000000000}'),
        [("ASSET:A:1:CASH", 0, 5, 5, 1, False), ("INCOME:A:1:FEES", 1, -5, -5, 1, False)],
    )
    assert canonical(record).decode() == (
        '{"record":"entry","sequence":7,"id":"01940000-0000-7000-8000-000000000001","kind":"TRANSFER",'
        '"posted_at":"2026-01-05T12:00:00.000005Z","currency":"INR","target_id":null,"timeout_at":null,'
        '"value_date":"2026-01-04","narration":"sale \\"é\\"\\n","external_reference":null,"correlation_id":"T1",'
        '"idempotency_key":null,"metadata":{"a":10000000000000000000000,"b":1.50},'
        '"lines":[["ASSET:A:1:CASH",0,5,5,1,false],["INCOME:A:1:FEES",1,-5,-5,1,false]],"operation":null}'
    )


def test_an_account_event_is_written_like_this() -> None:
    record = AccountEventRecord(
        8, 3, "STATUS_CHANGED", MOMENT.replace(microsecond=0), "ASSET:A:1:CASH", None, None, None, None, "ACTIVE",
        "FROZEN", None, None,
    )  # fmt: skip
    assert canonical(record).decode() == (
        '{"record":"account","sequence":8,"account_number":3,"kind":"STATUS_CHANGED",'
        '"happened_at":"2026-01-05T12:00:00Z","account_id":"ASSET:A:1:CASH","currency":null,"stripes":null,'
        '"parent_id":null,"balance_numbers":null,"status_before":"ACTIVE","status":"FROZEN",'
        '"min_balance_before":null,"min_balance":null}'
    )


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_event_is_never_taken_for_an_entry(sequence: int) -> None:
    identity = event_identity(sequence)
    assert len(identity) == 16
    assert records.is_event(identity)
    assert records.event_sequence(identity) == sequence


@given(st.uuids(version=4) | st.builds(UUID, int=st.integers(0, 2**120)))
def test_an_entry_is_never_taken_for_an_event(entry_id: UUID) -> None:
    assert not records.is_event(entry_id.bytes)
