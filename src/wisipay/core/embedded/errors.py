"""The one error of the embedded stores.

Its text is a single line that says what is wrong and how to mend it; it never holds a password.
"""


class EmbeddedStoreError(Exception):
    """An embedded store cannot be started or stopped; `str(error)` is the line to show to a person."""
