"""Which errors are shown to a person as one line instead of a traceback.

Decides by name, so that the command line need not import the libraries behind them (`--help` stays fast). Must never
hide a bug: what is not listed here keeps its traceback.
"""

from typing import Final

_KNOWN: Final = frozenset(
    {
        ("wisipay.core.config", "SettingsError"),
        ("wisipay.core.crypto", "SealBroken"),
        ("wisipay.core.database", "DatabaseUnavailable"),
        ("wisipay.core.embedded.errors", "EmbeddedStoreError"),
        ("wisipay.core.errors", "AppError"),
        ("wisipay.core.migrations", "MigrationError"),
        ("wisipay.entrypoints.cli_developer", "DeveloperToolsMissing"),
        ("wisipay.entrypoints.supervisor", "SupervisorError"),
        ("redis.exceptions", "ConnectionError"),
    }
)


def is_known(error: BaseException) -> bool:
    """Tell whether the text of `error` is meant for a person."""
    return any((kind.__module__, kind.__qualname__) in _KNOWN for kind in type(error).__mro__)
