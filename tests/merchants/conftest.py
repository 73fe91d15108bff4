"""What tests of merchants start from: a secret box, an author, a clock."""

from collections.abc import Callable
from datetime import datetime

import pytest

from support.merchants import NOW, FixedClock
from wisipay.core.config import Settings
from wisipay.core.crypto import SecretBox
from wisipay.merchants import Author


@pytest.fixture
def clock() -> FixedClock:
    """Return a clock that the test moves."""
    return FixedClock()


@pytest.fixture
def box(settings: Settings) -> SecretBox:
    """Return the secret box of the test settings."""
    return SecretBox.from_settings(settings)


@pytest.fixture
def author() -> Author:
    """Return the one who makes the test's changes."""
    return Author("ops@example.com", NOW, reason="test")


@pytest.fixture
def author_at() -> Callable[[datetime], Author]:
    """Return a maker of authors at a moment."""
    return lambda moment: Author("ops@example.com", moment)
