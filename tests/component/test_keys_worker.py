"""The key worker: a process that holds the receipt key."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.key_worker import open_key_worker
from gateway.domain.errors import SigningUnavailable
from ops.worker_commands import key_worker_command
from signing.jws import verify_root
from signing.keys import create_receipt_key, load_key
from signing.trust import trust_store
from tests.support.pki import NOW

ROOT = bytes(range(32))


@pytest.fixture
def key_path(tmp_path: Path) -> Path:
    path = tmp_path / "receipt.key"
    path.write_bytes(create_receipt_key(now=NOW).private_pem)
    return path


async def test_root_signed_by_the_worker_verifies(key_path: Path) -> None:
    async with open_key_worker(key_worker_command(key_path)) as keys:
        statement = await keys.sign_root(ROOT)

    assert verify_root(statement, trust=trust_store(load_key(key_path).chain), at=NOW) == ROOT


async def test_roots_asked_for_at_once_get_their_own_signatures(key_path: Path) -> None:
    trust = trust_store(load_key(key_path).chain)
    roots = [bytes([number]) * 32 for number in range(20)]

    async with open_key_worker(key_worker_command(key_path)) as keys:
        statements = await asyncio.gather(*(keys.sign_root(root) for root in roots))

    assert [verify_root(each, trust=trust, at=NOW) for each in statements] == roots


async def test_worker_signs_nothing_but_roots(key_path: Path) -> None:
    async with open_key_worker(key_worker_command(key_path)) as keys:
        with pytest.raises(SigningUnavailable):
            await keys.sign_root(b"%PDF-1.7 please sign me")
        assert await keys.sign_root(ROOT)


async def test_killed_worker_is_started_again(key_path: Path) -> None:
    marker = key_path.with_suffix(".pid")
    command = key_worker_command(key_path)
    script = f"import os, runpy, sys; open({str(marker)!r}, 'w').write(str(os.getpid())); " + (
        f"sys.argv = {command[2:]!r}; runpy.run_module('ops.key_worker', run_name='__main__')"
    )
    async with open_key_worker([sys.executable, "-c", script]) as keys:
        assert await keys.sign_root(ROOT)
        os.kill(int(marker.read_text()), signal.SIGKILL)
        assert await keys.sign_root(ROOT)


async def test_worker_that_never_answers_is_unavailable() -> None:
    deaf = (
        "import time; from adapters.workers import Ready, serve; "
        "serve(lambda: (Ready(True), lambda question: time.sleep(60)))"
    )

    async with open_key_worker([sys.executable, "-c", deaf], deadline=timedelta(seconds=0.3)) as keys:
        with pytest.raises(SigningUnavailable):
            await keys.sign_root(ROOT)


async def test_unreadable_key_is_named_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SigningUnavailable) as unavailable:
        async with open_key_worker(key_worker_command(tmp_path / "nowhere.key")):
            pass

    assert "nowhere.key: No such file" in unavailable.value.reasons[0]
