"""Parsing workers: real ones over real files, and ones that misbehave on purpose."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.sandbox import Patience, Sandbox, open_sandbox
from gateway.domain.errors import MalformedDocument, VerificationUnavailable
from gateway.domain.policy import refuse_bad_container
from ops.worker_commands import parsing_worker_command
from signing.report import Verdict
from tests.support.pki import NOW, authority, plain_pdf, signed_by_leader

PDF = "application/pdf"
MEMORY_BYTES = 512 * 1024 * 1024

PRELUDE = """
import errno, os, socket, sys, time
from pathlib import Path
from adapters.workers import Ready, serve
from ops.confinement import allow_cpu, confine, enclose

def verdict(text):
    return b'{"type": "not-readable", "reason": "' + text.encode() + b'"}'

def run(answer, memory=512 * 1024 * 1024):
    serve(lambda: (Ready(confine(memory_growth_bytes=memory)), answer))
"""


def worker(body: str) -> list[str]:
    """The command of a worker of the tests' own."""
    return [sys.executable, "-c", PRELUDE + body]


@asynccontextmanager
async def sandbox(
    command: list[str], *, workers: int = 1, deadline: float = 5, turn: float = 10, files: int = 1000
) -> AsyncIterator[Sandbox]:
    async with open_sandbox(
        command,
        clock=lambda: NOW,
        workers=workers,
        patience=Patience(
            file=timedelta(seconds=deadline),
            packet=timedelta(seconds=deadline),
            turn=timedelta(seconds=turn),
        ),
        files_per_worker=files,
    ) as opened:
        yield opened


def real_worker(folder: Path) -> list[str]:
    trust = authority().write_trust(folder / "trust")
    return parsing_worker_command(trust, bodies_dir=folder, memory_bytes=MEMORY_BYTES)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "document.pdf"
    path.write_bytes(content)
    return path


async def reason_of(opened: Sandbox) -> str:
    """What the tests' own worker says."""
    with pytest.raises(MalformedDocument) as refused:
        await opened.verify(Path("document.pdf"), media_type=PDF)
    return refused.value.reasons[0]


@pytest.fixture
def signed_pdf(tmp_path: Path) -> Path:
    return written(tmp_path, signed_by_leader())


async def test_real_workers_judge_real_files(tmp_path: Path, signed_pdf: Path) -> None:
    async with sandbox(real_worker(tmp_path)) as opened:
        signed = await opened.verify(signed_pdf, media_type=PDF)
        unsigned = await opened.verify(written(tmp_path, plain_pdf()), media_type=PDF)

    assert signed.verdict is Verdict.TOTAL_PASSED
    assert signed.signatures[0].signer == "Chủ tịch UBND – H26.01"
    assert unsigned.verdict is Verdict.UNSIGNED


async def test_what_is_no_pdf_is_a_malformed_document(tmp_path: Path) -> None:
    async with sandbox(real_worker(tmp_path)) as opened:
        with pytest.raises(MalformedDocument) as refused:
            await opened.verify(written(tmp_path, b"PK\x03\x04"), media_type=PDF)

    assert refused.value.reasons == ("the file does not begin like a PDF",)


@pytest.fixture
def cut_pdf(tmp_path: Path, signed_pdf: Path) -> Path:
    return written(tmp_path, signed_pdf.read_bytes()[:-20])


async def test_pdf_that_is_cut_off_has_a_verdict_and_may_not_be_kept(tmp_path: Path, cut_pdf: Path) -> None:
    async with sandbox(real_worker(tmp_path)) as opened:
        report = await opened.verify(cut_pdf, media_type=PDF)

    assert report.verdict in (Verdict.TOTAL_FAILED, Verdict.INDETERMINATE)
    with pytest.raises(MalformedDocument) as refused:
        refuse_bad_container(report)
    assert refused.value.reasons == ("the PDF does not end with its end record",)


async def test_missing_file_is_not_the_senders_fault(tmp_path: Path) -> None:
    async with sandbox(real_worker(tmp_path)) as opened:
        with pytest.raises(VerificationUnavailable):
            await opened.verify(tmp_path / "nowhere.pdf", media_type=PDF)


async def test_worker_that_cannot_read_its_trust_folder_says_so(tmp_path: Path) -> None:
    command = parsing_worker_command(tmp_path / "nowhere", bodies_dir=tmp_path, memory_bytes=MEMORY_BYTES)

    with pytest.raises(VerificationUnavailable) as none:
        async with sandbox(command):
            pass

    assert "nowhere: No such file" in none.value.reasons[0]


@pytest.mark.parametrize("command", [["/nowhere/program"], [sys.executable, "-c", "pass"]])
async def test_worker_that_does_not_start_is_unavailable(command: list[str]) -> None:
    with pytest.raises(VerificationUnavailable):
        async with sandbox(command):
            pass


async def test_file_that_loops_is_refused_at_the_deadline_and_the_next_is_judged() -> None:
    once = worker("run(lambda question: time.sleep(60) if b'loop' in question else verdict('fine'))")

    async with sandbox(once, deadline=0.5) as opened:
        with pytest.raises(MalformedDocument) as refused:
            await opened.verify(Path("loop.pdf"), media_type=PDF)
        afterwards = await reason_of(opened)

    assert refused.value.reasons == ("it took longer than 0.5 seconds",)
    assert afterwards == "fine"


@pytest.mark.parametrize(
    "end",
    [
        "os._exit(1)",
        "os.kill(os.getpid(), 11)",
        "os.write(4, b'\\xff' * 100)",
        "os.write(4, b'\\0\\0\\0\\4{\"a\"')",
        "b'[1, 2, 3]'",
    ],
)
async def test_file_that_ends_its_worker_is_refused_and_the_next_is_judged(end: str) -> None:
    deadly = worker(f"run(lambda question: ({end}) or b'' if b'deadly' in question else verdict('fine'))")

    async with sandbox(deadly) as opened:
        with pytest.raises(MalformedDocument) as refused:
            await opened.verify(Path("deadly.pdf"), media_type=PDF)
        afterwards = await reason_of(opened)

    assert refused.value.reasons == ("it ended the process that read it",)
    assert afterwards == "fine"


async def test_worker_is_replaced_after_its_share_of_files(tmp_path: Path, signed_pdf: Path) -> None:
    async with sandbox(real_worker(tmp_path), files=1) as opened:
        verdicts = [(await opened.verify(signed_pdf, media_type=PDF)).verdict for _ in range(3)]

    assert verdicts == [Verdict.TOTAL_PASSED] * 3


async def test_worker_that_died_between_files_costs_no_verdict(tmp_path: Path) -> None:
    mortal = worker(f"""
first = not os.path.exists({str(tmp_path / "seen")!r})
open({str(tmp_path / "seen")!r}, 'w').close()
run(lambda question: os._exit(1) if first else verdict('fine'))
""")

    async with sandbox(mortal) as opened:
        assert await reason_of(opened) == "fine"


async def test_memory_beyond_the_limit_is_not_to_be_had() -> None:
    greedy = worker(
        """
def answer(question):
    try:
        return verdict(str(len(bytearray(300 * 1024 * 1024))))
    except MemoryError:
        return verdict('no memory')
run(answer, memory=200 * 1024 * 1024)
"""
    )

    async with sandbox(greedy) as opened:
        assert await reason_of(opened) == "no memory"


async def test_cpu_beyond_the_limit_ends_the_worker() -> None:
    busy = worker(
        """
from datetime import timedelta
def answer(question):
    allow_cpu(timedelta(seconds=0))
    while True:
        pass
run(answer)
"""
    )

    async with sandbox(busy, deadline=20) as opened:
        assert await reason_of(opened) == "it ended the process that read it"


async def test_stray_prints_do_not_disturb_the_answers() -> None:
    chatty = worker("run(lambda question: print('hello') or verdict('fine'))")

    async with sandbox(chatty) as opened:
        assert await reason_of(opened) == "fine"


async def test_caller_waits_no_longer_than_its_patience() -> None:
    slow = worker("run(lambda question: time.sleep(60))")

    async with sandbox(slow, deadline=2, turn=0.2) as opened:
        first = asyncio.create_task(opened.verify(Path("slow.pdf"), media_type=PDF))
        await asyncio.sleep(0)  # let it take the only worker
        with pytest.raises(VerificationUnavailable, match="busy"):
            await opened.verify(Path("document.pdf"), media_type=PDF)
        with pytest.raises(MalformedDocument):
            await first


async def test_answer_to_a_caller_who_left_does_not_reach_the_next() -> None:
    slow = worker(
        "run(lambda question: time.sleep(1) or verdict('slow') if b'slow' in question else verdict('own'))"
    )

    async with sandbox(slow) as opened:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await opened.verify(Path("slow.pdf"), media_type=PDF)
        assert await reason_of(opened) == "own"
