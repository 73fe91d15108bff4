"""Log files of the processes we start: kept within a size, read for the reason when a process dies.

Decides which line of a log tells most. Must never hold more than a tail of a log in memory.
"""

from pathlib import Path
from typing import Final

_LOG_BYTES_MAX: Final = 64 * 1024 * 1024
_TAIL_BYTES: Final = 16 * 1024
_LINE_LENGTH_MAX: Final = 500
_TELLING: Final = ("PANIC", "FATAL", "No space left", "Error", "ERROR", "error")


def rotate(log_file: Path) -> int:
    """Put a log that has grown large aside as `.log.1`; return the size in bytes of the one that goes on."""
    try:
        size = log_file.stat().st_size
    except FileNotFoundError:
        return 0
    if size < _LOG_BYTES_MAX:
        return size
    log_file.replace(log_file.with_suffix(".log.1"))
    return 0


def told(log_file: Path, offset_bytes: int) -> str:
    """Return the most telling line written since `offset_bytes`, as the end of an error message."""
    try:
        with log_file.open("rb") as log:
            log.seek(max(offset_bytes, log_file.stat().st_size - _TAIL_BYTES))
            text = log.read(_TAIL_BYTES).decode(errors="replace")
    except OSError:
        text = ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = next((line for word in _TELLING for line in lines if word in line), lines[-1] if lines else "no output")
    full = "; the disk is full: free some space, or choose another folder with --data" if "No space" in telling else ""
    return f": {telling[:_LINE_LENGTH_MAX]} (log: {log_file}){full}"
