"""What the health of channels is told of how payments end."""

from __future__ import annotations

from typing import Any, cast

import pytest
from msgspec.structs import replace

from support.desk_bench import DeskBench
from wisipay.core.database import Pool
from wisipay.entrypoints.engine import ended_teller
from wisipay.payments import Kind, Status


class _Ear:
    """Hears what health is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bool]] = []

    def ended(self, _channel_id: str, kind: str, *, well: bool) -> None:
        self.heard.append((kind, well))


@pytest.mark.parametrize(
    ("not_found", "status", "heard"),
    [
        (0, Status.SUCCESS, [("payin", True)]),
        (2, Status.SUCCESS, [("payin", True)]),
        (0, Status.FAILED, [("payin", False)]),
        (2, Status.FAILED, []),
    ],
)
async def test_what_a_provider_never_took_is_no_end_of_a_payment_with_it(
    database: Pool, not_found: int, status: Status, heard: list[tuple[str, bool]]
) -> None:
    bench = DeskBench(database)
    await bench.open_accounts()
    payment = await bench.opened(Kind.PAYIN)
    ear = _Ear()
    ended_teller(cast("Any", ear))(replace(payment, not_found=not_found), status)
    assert ear.heard == heard
