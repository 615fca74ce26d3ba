"""What parsing workers are kept from: the network, other files, the settings and memory of the gateway."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.domain.errors import VerificationUnavailable
from ops.worker_commands import parsing_worker_command
from signing.report import Verdict
from tests.component.test_sandbox import MEMORY_BYTES, PDF, reason_of, sandbox, worker, written
from tests.support.pki import authority, signed_by_leader


async def test_isolated_worker_cannot_reach_even_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        curious = worker(
            f"""
def answer(question):
    try:
        socket.create_connection(('127.0.0.1', {port}), timeout=2)
    except OSError as closed:
        return verdict(str(closed.errno))
    return verdict('connected')
run(answer)
"""
        )
        async with sandbox(curious) as opened:
            # Where the kernel allows no network namespace, the pool must not claim one.
            assert opened.isolated == (await reason_of(opened) != "connected")


async def test_worker_writes_no_file_anywhere(tmp_path: Path) -> None:
    writing = worker(
        f"""
def answer(question):
    try:
        with open({str(tmp_path / "planted")!r}, 'wb', buffering=0) as file:
            return verdict(f'wrote {{file.write(b"x")}}')
    except OSError as closed:
        return verdict(errno.errorcode[closed.errno])
run(answer)
"""
    )

    async with sandbox(writing) as opened:
        assert await reason_of(opened) == "EFBIG"


async def test_enclosed_worker_reads_what_it_is_for_and_changes_nothing(tmp_path: Path) -> None:
    bodies, secret = tmp_path / "bodies", tmp_path / "secret"
    bodies.mkdir()
    for path in (bodies / "body", secret):
        path.write_bytes(b"x")
    curious = worker(
        f"""
def attempt(act):
    try:
        return repr(act())
    except OSError as closed:
        return errno.errorcode[closed.errno]
acts = [
    lambda: open({str(bodies / "body")!r}).read(),
    lambda: open({str(secret)!r}).read(),
    lambda: os.listdir({str(tmp_path)!r}),
    lambda: open(f'/proc/{{os.getppid()}}/environ').read(1),
    lambda: os.unlink({str(bodies / "body")!r}),
    lambda: os.truncate({str(bodies / "body")!r}, 0),
    lambda: os.mkdir({str(bodies / "folder")!r}),
    lambda: os.symlink('/', {str(bodies / "link")!r}),
]
def prepare():
    isolated = confine(memory_growth_bytes=512 * 1024 * 1024)
    enclosed = enclose(readable=[Path({str(bodies)!r})])
    return Ready(isolated, enclosed), lambda question: verdict(' '.join(map(attempt, acts)))
serve(prepare)
"""
    )

    async with sandbox(curious) as opened:
        seen = await reason_of(opened)

    if opened.enclosed:  # where the kernel has no Landlock, the pool must not claim it
        assert seen == "'x' EACCES EACCES EACCES EACCES EACCES EACCES EACCES"
        assert (bodies / "body").read_bytes() == b"x"


async def test_real_worker_reads_no_file_outside_of_its_folders(tmp_path: Path) -> None:
    bodies = tmp_path / "bodies"
    bodies.mkdir()
    outside, inside = written(tmp_path, signed_by_leader()), written(bodies, signed_by_leader())
    trust = authority().write_trust(tmp_path / "trust")
    command = parsing_worker_command(trust, bodies_dir=bodies, memory_bytes=MEMORY_BYTES)

    async with sandbox(command) as opened:
        judged = await opened.verify(inside, media_type=PDF)
        if opened.enclosed:
            with pytest.raises(VerificationUnavailable):
                await opened.verify(outside, media_type=PDF)

    assert judged.verdict is Verdict.TOTAL_PASSED


async def test_pool_says_when_a_worker_is_not_enclosed(caplog: pytest.LogCaptureFixture) -> None:
    open_worker = worker("serve(lambda: (Ready(True), lambda question: verdict('fine')))")

    async with sandbox(open_worker) as opened:
        assert not opened.enclosed
    assert "verification.workers_not_enclosed" in caplog.text


@pytest.mark.parametrize("role", ["run", "serve", "worker"])
def test_gateway_closes_its_memory_before_it_reads_a_setting(tmp_path: Path, role: str) -> None:
    program = """
import atexit, ctypes
from ops.cli import main
atexit.register(lambda: print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)))  # PR_GET_DUMPABLE
main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, "--config", tmp_path / "none.toml", role],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, b"0\n")


async def test_pool_says_when_a_worker_is_not_isolated() -> None:
    open_worker = worker("serve(lambda: (Ready(False), lambda question: verdict('fine')))")

    async with sandbox(open_worker) as opened:
        assert not opened.isolated


async def test_worker_sees_no_setting_and_no_open_file_of_the_gateway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LIENTHONG_DATABASE__PASSWORD", "secret")
    curious = worker(
        """
def is_open(number):
    try:
        return bool(os.fstat(number))
    except OSError:
        return False
open_files = [os.readlink(f'/proc/self/fd/{n}') for n in range(3, 200) if is_open(n)]
run(lambda question: verdict(' '.join(sorted(os.environ)) + ' | ' + ' '.join(open_files)))
"""
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        os.set_inheritable(listening.fileno(), True)
        async with sandbox(curious) as opened:
            seen = await reason_of(opened)

    names, open_files = seen.split(" | ")
    assert set(names.split()) <= {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH"}
    assert "socket" not in open_files
