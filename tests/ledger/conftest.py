"""What tests of the ledger's store start from."""

import pytest

from wisipay.ledger import store


@pytest.fixture(params=[1, store.COPY_FROM], ids=["copied", "inline"])
def written_both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test twice: with entries written by COPY, and within the batch's one statement."""
    monkeypatch.setattr(store, "COPY_FROM", request.param)
