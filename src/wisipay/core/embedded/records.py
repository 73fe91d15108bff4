"""What is written down about a running server in its store's folder, for whoever comes next.

Decides the form of that file. It holds the store's password, so it must never be readable by others; and it must never
be believed without looking at the process itself.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from wisipay.core.embedded.folders import write_text
from wisipay.core.embedded.process import ProcessIdentity, is_alive

_FILE_NAME: Final = "server.json"
_HOMES: Final = {"database_url": "postgres", "redis_url": "valkey", "mongodb_uri": "mongodb"}


@dataclass(frozen=True)
class Record:
    """A server: its main process, its address, and the command line it was started with."""

    identity: ProcessIdentity
    url: str = field(repr=False)
    arguments: tuple[str, ...]


def write_record(home: Path, record: Record) -> None:
    """Write down the server of the store in `home`. Raises `EmbeddedStoreError`."""
    identity = record.identity
    content = {"pid": identity.pid, "started": identity.started, "url": record.url, "arguments": record.arguments}
    write_text(home / _FILE_NAME, json.dumps(content) + "\n")


def read_record(home: Path) -> Record | None:
    """Return what was written down, None when there is nothing readable."""
    try:
        content = json.loads((home / _FILE_NAME).read_text())
        identity = ProcessIdentity(int(content["pid"]), str(content["started"]))
        return Record(identity, str(content["url"]), tuple(content["arguments"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def running_urls(data_dir: Path) -> dict[str, str]:
    """Return the addresses of the stores that run in `data_dir`, by the name of their setting (`database_url` …)."""
    records = {name: read_record(data_dir / home) for name, home in _HOMES.items()}
    return {name: record.url for name, record in records.items() if record is not None and is_alive(record.identity)}
