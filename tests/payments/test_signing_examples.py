"""The programs of docs/integrate/signing.md, each run as it stands against the running product."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from support.shop import Shop
from support.source_file import REPOSITORY
from wisipay.access import sign, v1_message, v2_message

PAGE = (REPOSITORY / "docs" / "integrate" / "signing.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"^### ([^\n]+)\n\n```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
RUNNERS = {
    "Python": ("python3", "first_payin.py"),
    "Node": ("node", "first_payin.js"),
    "PHP": ("php", "first_payin.php"),
    "Java": ("java", "FirstPayin.java"),
    "Go": ("go", "run", "first_payin.go"),
    "Shell": ("sh", "first_payin.sh"),
    "Node, v1": ("node", "first_payin.js"),
    "PHP, v1": ("php", "first_payin.php"),
}
NEEDS = {"Shell": ("openssl", "curl")}


def test_every_program_of_the_page_is_run() -> None:
    assert list(PROGRAMS) == list(RUNNERS)


@pytest.mark.parametrize("language", RUNNERS)
async def test_the_program_starts_a_payin(language: str, shop: Shop, tmp_path: Path) -> None:
    program, *arguments = RUNNERS[language]
    missing = [name for name in (program, *NEEDS.get(language, ())) if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed, so the {language} program of docs/integrate is unproven")
    (tmp_path / arguments[-1]).write_text(PROGRAMS[language], encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "WISIPAY_URL": shop.url,
            "WISIPAY_MERCHANT": shop.merchant_id,
            "WISIPAY_SECRET": shop.secret,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    answer = json.loads(told)
    assert answer["success"] is True, answer
    assert answer["data"]["paymentUrl"].startswith("http")


def test_the_vectors_of_the_page() -> None:
    timestamp, body = "1770323283897", b'{"event":"payout.processed"}'
    post = v2_message(method="POST", path_and_query="/api/payment/payout/initiate", body=body, timestamp=timestamp)
    get = v2_message(method="GET", path_and_query="/api/payment/ORDER-10001", body=b"", timestamp=timestamp)
    expected = [
        "v2=" + sign(b"secret", post),
        "v2=" + sign(b"secret", get),
        sign(b"secret", v1_message(body, timestamp)),
    ]
    assert re.findall(r"^\| v[12] \| .+ \| `(.+)` \|$", PAGE, re.MULTILINE) == expected
