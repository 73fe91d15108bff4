"""PostgreSQL's own benchmark on the server that is measured, so that figures of different machines can be compared.

Decides its parameters: the built-in debit-credit transaction (five statements, one commit), in a database of its own.
"""

import asyncio
import re

import asyncpg

from wisipay.core.embedded import postgres_program

DATABASE = "pgbench"
SCALE = 20
CLIENTS = 16
THREADS = 2


async def prepare(server_url: str) -> None:
    """Make the database and its tables."""
    connection = await asyncpg.connect(server_url)
    await connection.execute(f"CREATE DATABASE {DATABASE}")
    await connection.close()
    await _run(server_url, "--initialize", "--quiet", f"--scale={SCALE}")


async def transactions_per_second(server_url: str, seconds: int) -> float:
    """Run for so many seconds; for longer where the disk stood still, and not one transaction ended."""
    text = ""
    for more in (1, 4, 16):
        text = await _run(server_url, f"--client={CLIENTS}", f"--jobs={THREADS}", f"--time={more * seconds}")
        if (found := re.search(r"tps = ([0-9.]+)", text)) is not None:
            return float(found[1])
    raise RuntimeError(f"pgbench told no figure: {text[-500:]}")


async def _run(server_url: str, *options: str) -> str:
    pipe = asyncio.subprocess.PIPE
    url = f"{server_url.rpartition('/')[0]}/{DATABASE}"
    process = await asyncio.create_subprocess_exec(
        str(postgres_program("pgbench")), *options, url, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"pgbench failed: {output.decode()[-500:]}")
    return output.decode()
