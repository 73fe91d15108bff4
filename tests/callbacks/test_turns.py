"""Going round the merchants: everybody has a turn, nobody two in one look."""

from datetime import UTC, datetime, timedelta

from wisipay.callbacks.turns import Turns, WaitingMerchant

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


class _Waiting:
    """Merchants A, B, C, …, the last one due for longest; counts the pages asked for."""

    def __init__(self, ids: str) -> None:
        self.merchants = [
            WaitingMerchant(merchant_id, _NOW - timedelta(seconds=number), is_due=True)
            for number, merchant_id in enumerate(sorted(ids))
        ]
        self.pages = 0

    async def page(self, after: str, limit: int) -> list[WaitingMerchant]:
        self.pages += 1
        return [each for each in self.merchants if each.merchant_id > after][:limit]


def _everyone(_merchant: WaitingMerchant) -> bool:
    return True


async def test_all_are_found_the_longest_due_first() -> None:
    assert await Turns(_Waiting("ABCDE").page, page_size=2).look(100, _everyone) == list("EDCBA")


async def test_a_look_ends_when_it_found_enough_and_the_next_goes_on_there() -> None:
    waiting = _Waiting("ABCDEF")
    turns = Turns(waiting.page, page_size=2)
    looks = [await turns.look(1, _everyone) for _ in range(4)]
    assert looks == [["B", "A"], ["D", "C"], ["F", "E"], ["B", "A"]]
    assert waiting.pages <= 5


async def test_a_look_that_began_in_the_middle_goes_round_once() -> None:
    turns = Turns(_Waiting("ABCDEF").page, page_size=2)
    await turns.look(1, _everyone)
    assert await turns.look(100, _everyone) == list("FEDCBA")


async def test_the_unwanted_are_passed_over_until_somebody_is_wanted() -> None:
    turns = Turns(_Waiting("ABCDEFGH").page, page_size=2)
    assert await turns.look(1, lambda each: each.merchant_id == "H") == ["H"]
    assert await turns.look(1, lambda each: each.merchant_id == "A") == ["A"]


async def test_nobody_waits() -> None:
    assert await Turns(_Waiting("").page).look(5, _everyone) == []
