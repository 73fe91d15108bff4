"""The audit log keeps what was changed, by whom, and no secret."""

from datetime import UTC, datetime

import asyncpg
import pytest

from wisipay import audit
from wisipay.core.database import Pool

MOMENT = datetime(2026, 2, 5, 12, 0, tzinfo=UTC)


async def test_a_record_holds_actor_action_entity_and_both_states(database: Pool) -> None:
    async with database.acquire() as conn:
        await audit.record(
            conn,
            "ops@example.com",
            "merchant.change",
            ("merchant", "MER-1"),
            {"status": "ACTIVE", "dailyLimit": 500_000_000},
            {"status": "INACTIVE", "dailyLimit": None},
            happened_at=MOMENT,
            reason="asked by mail",
            request_id="REQ1",
            trace_id="T1",
        )
        row = await conn.fetchrow("SELECT * FROM audit_log")
    assert row is not None
    assert (row["actor"], row["action"]) == ("ops@example.com", "merchant.change")
    assert (row["entity_type"], row["entity_id"]) == ("merchant", "MER-1")
    assert row["state_before"] == {"status": "ACTIVE", "dailyLimit": 500_000_000}
    assert row["state_after"] == {"status": "INACTIVE", "dailyLimit": None}
    assert (row["happened_at"], row["reason"], row["request_id"], row["trace_id"]) == (
        MOMENT,
        "asked by mail",
        "REQ1",
        "T1",
    )


async def test_values_under_names_of_secrets_are_hidden_and_switches_are_shown(database: Pool) -> None:
    after = {
        "secret_enabled": True,
        "apiSecret": "s3cret",
        "nested": [{"password": "p"}, {"token": None}],
        "deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": "too deep"}}}}}}},
    }
    async with database.acquire() as conn:
        await audit.record(conn, "cli:x", "test", ("merchant", "M"), None, after)
        row = await conn.fetchrow("SELECT state_before, state_after FROM audit_log")
    assert row is not None
    assert row["state_before"] is None
    kept = row["state_after"]
    assert kept["secret_enabled"] is True
    assert kept["apiSecret"] == "[redacted]"
    assert kept["nested"] == [{"password": "[redacted]"}, {"token": None}]
    assert "too deep" not in str(kept)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
async def test_the_audit_log_is_append_only(database: Pool, statement: str) -> None:
    async with database.acquire() as conn:
        await audit.record(conn, "cli:x", "test", ("merchant", "M"), None, None)
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await conn.execute(statement)


async def test_what_came_to_be_of_one_thing_is_read_oldest_first(database: Pool) -> None:
    async with database.acquire() as conn:
        for day, entity_id in ((2, "head"), (1, "head"), (3, "tail")):
            moment = MOMENT.replace(day=day)
            await audit.record(
                conn, "job", "ledger.publish", ("ledger", entity_id), None, {"day": day}, happened_at=moment
            )
        assert await audit.states(conn, ("ledger", "head")) == [{"day": 1}, {"day": 2}]
