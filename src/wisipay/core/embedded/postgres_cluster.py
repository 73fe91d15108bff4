"""A PostgreSQL cluster on disk: made once with initdb, and the settings the server is started with.

Decides the settings: durable (fsync and synchronous commit on), sized for a small machine. A cluster is made beside its
place and moved there when whole, so a run killed in the middle leaves nothing half-made. Must never touch an existing
cluster.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wisipay.core.embedded.accounts import Account
from wisipay.core.embedded.errors import EmbeddedStoreError
from wisipay.core.embedded.folders import can_be_reached, require_free_space, unusable

SUPERUSER: Final = "wisipay"
ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

_INITDB_TIMEOUT_SECONDS: Final = 120
_NEW_CLUSTER_MEBIBYTES: Final = 256
_MEBIBYTE: Final = 1024 * 1024
_SHARED_BUFFERS_MAX_MEBIBYTES: Final = 512


def data_argument(folder: Path, account: Account | None) -> str:
    """Return the `-D` argument for a program whose working folder is `folder`.

    Below a closed folder such as /root the path is out of the account's reach, but its own working folder is not.
    """
    if account is None or can_be_reached(folder, account.user_id, account.group_id):
        return str(folder)
    return "/proc/self/cwd"


def make_cluster(folder: Path, *, programs: Path, account: Account | None, password: str) -> None:
    """Make the cluster in `folder` unless there is one. Raises `EmbeddedStoreError`."""
    if (folder / "PG_VERSION").exists():
        return
    require_free_space(folder.parent, _NEW_CLUSTER_MEBIBYTES)
    beside = folder.with_name("data.unfinished")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(mode=0o700)
        if account is not None:
            os.chown(beside, account.user_id, account.group_id)
        _initdb(beside, programs=programs, account=account, password=password)
        beside.rename(folder)
    except OSError as error:
        raise unusable(folder, error) from error


def server_settings(port: int) -> Sequence[str]:
    """Return the server's settings as command-line arguments; they win over the cluster's own file."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MEBIBYTE
    settings = {
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "200",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "wal_compression": "pglz",
        # Segments in /dev/shm outlive a server that is killed and whose folder is then removed. Kept in files of the
        # cluster they go with it; those files are not written to before so much of the server's own memory is taken.
        "dynamic_shared_memory_type": "mmap",
        "min_dynamic_shared_memory": "16MB",
        "shared_buffers": f"{min(_SHARED_BUFFERS_MAX_MEBIBYTES, memory // 8)}MB",
        "effective_cache_size": f"{memory // 2}MB",
        "maintenance_work_mem": "128MB",
        "wal_buffers": "16MB",
        "min_wal_size": "128MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        "autovacuum_naptime": "15s",
        "autovacuum_vacuum_scale_factor": "0.05",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_duration_statement": "1s",
        "log_lock_waits": "on",
        "shared_preload_libraries": "pg_stat_statements",
    }
    return [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]


def _initdb(folder: Path, *, programs: Path, account: Account | None, password: str) -> None:
    command = (
        str(programs / "initdb"),
        *("-D", data_argument(folder, account), "-U", SUPERUSER, "--pwfile=/dev/stdin", "--auth=scram-sha-256"),
        *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    )
    reading = _password_pipe(password, account)
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are ours, no shell is involved
            command,
            cwd=folder,
            env=ENVIRONMENT,
            stdin=reading,
            capture_output=True,
            text=True,
            timeout=_INITDB_TIMEOUT_SECONDS,
            check=False,
            user=None if account is None else account.user_id,
            group=None if account is None else account.group_id,
            extra_groups=None if account is None else [],
        )
    except subprocess.SubprocessError as error:
        raise EmbeddedStoreError(f"PostgreSQL's initdb cannot be run: {error}") from error
    finally:
        os.close(reading)
    if done.returncode != 0:
        raise EmbeddedStoreError(_failure(folder, done.stderr))


def _password_pipe(password: str, account: Account | None) -> int:
    """Return a pipe with the password in it, which `account` may open through /dev/stdin; no file holds it."""
    reading, writing = os.pipe()
    os.write(writing, password.encode() + b"\n")
    os.close(writing)
    if account is not None:
        os.fchown(reading, account.user_id, account.group_id)
    return reading


def _failure(folder: Path, output: str) -> str:
    if "No space left" in output:
        return f"The data folder {folder.parent} is full; free some space, or choose another with --data."
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = next((line for line in lines if "error" in line or "FATAL" in line), lines[-1] if lines else "no output")
    return f"PostgreSQL's data folder {folder.parent} cannot be made: {telling}"
