"""The pool as every slice gets it."""

from wisipay.core.database import Pool


async def test_jsonb_is_passed_as_python_values(database: Pool) -> None:
    value = {"amount": 12_345, "text": "ünïcode", "nested": [None, True, {"a": 1}]}
    assert await database.fetchval("SELECT $1::jsonb", value) == value
    assert await database.fetchval("SELECT $1::json", value) == value


async def test_every_table_is_empty_before_a_test(database: Pool) -> None:
    assert await database.fetchval("SELECT count(*) FROM pgqueuer") == 0
