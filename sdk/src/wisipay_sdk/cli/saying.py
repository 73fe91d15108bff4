"""What the command line says: one line at a time, flushed, without what a terminal would obey."""

import sys
from datetime import datetime


def say(text: str) -> None:
    """Print a line; control characters, which may be a stranger's, are shown and not sent."""
    shown = "".join(letter if letter.isprintable() or letter == "\t" else repr(letter)[1:-1] for letter in text)
    sys.stdout.write(f"{shown}\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """Print a line for the person, beside what a program may read."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def clock_time(moment: datetime) -> str:
    """Return the time of day where the developer is, to the millisecond."""
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]
