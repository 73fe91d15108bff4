"""The file that tells scripts that everything runs, and where.

Decides its content and that it exists only while everything is up. It holds merchants' secrets and store passwords,
so it must never be readable by others.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wisipay.core.config import Settings
from wisipay.core.embedded import EmbeddedStoreError
from wisipay.core.embedded.folders import write_text


def ready_content(settings: Settings, merchants: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the content: URLs of the instances and stores, and the seeded merchants with their secrets."""
    host = settings.bind_host
    return {
        "api": {"url": f"http://{host}:{settings.api_port}"},
        "payment": {"url": f"http://{host}:{settings.payment_port}"},
        "worker": {"metrics_url": f"http://{host}:{settings.worker_metrics_port}/metrics"},
        "simulator": {"url": settings.simulator_url},
        "postgres": {"url": settings.database_url},
        "redis": {"url": settings.redis_url},
        "mongodb": {"url": settings.mongodb_uri},
        "merchants": [dict(merchant) for merchant in merchants],
    }


def write_ready_file(path: Path, content: Mapping[str, Any]) -> None:
    """Write the file as a whole. Raises `EmbeddedStoreError` when its folder cannot be written."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def remove_ready_file(path: Path | None) -> None:
    """Remove the file, if there is one. Raises `EmbeddedStoreError` when that is not allowed."""
    try:
        if path is not None:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise EmbeddedStoreError(f"The ready file {path} cannot be removed: {error.strerror}; remove it.") from error
