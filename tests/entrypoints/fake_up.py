"""`wisipay up` with the real stores and schema, but fake instances and a fake seed: DATA PORT_BASE READY_FILE."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wisipay.core.config import Settings
from wisipay.entrypoints import up
from wisipay.entrypoints.instance import Instance
from wisipay.entrypoints.instances import Introduce
from wisipay.entrypoints.known_errors import is_known
from wisipay.entrypoints.ports import Ports

_FAKE = Path(__file__).with_name("fake_instance.py")


def _instances(
    _settings: Settings,
    ports: Ports,
    data_dir: Path,
    environment: Mapping[str, str],
    introduce: Introduce,
) -> tuple[Instance, ...]:
    return tuple(
        Instance(
            name,
            (sys.executable, str(_FAKE), str(port)),
            data_dir=data_dir,
            environment=environment,
            health_url=f"http://127.0.0.1:{port}/",
            ports=[port],
            after_start=introduce if name == "simulator" else None,
        )
        for name, port in (("simulator", ports.simulator), ("payment", ports.payment))
    )


async def _seed(settings: Settings) -> list[dict[str, Any]]:
    with (settings.data_dir / "seeded").open("a") as count:
        count.write("x")
    return [{"id": "MER-1", "secret": "s", "payin_callback_url": "u", "payout_callback_url": "u"}]


def main() -> None:
    """Run until stopped, with the exit status of the command line."""
    data, port_base, ready_file = sys.argv[1:]
    try:
        asyncio.run(up.up(Path(data), int(port_base), Path(ready_file), seed=_seed, instances=_instances))
    except Exception as error:
        if not is_known(error):
            raise
        sys.exit(f"wisipay: {error}")


main()
