"""Two kinds of workers that judge the same papers, and what it costs them."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from adapters.sandbox import Answer, Judged, JudgeFile
from adapters.workers import NoWorker, Supervised, WorkerLate, WorkerLost
from ops.dev.bench import usage
from ops.dev.bench.site import BenchFailed
from ops.dev.bench.verify_papers import paper_by_another, trust_folder
from ops.worker_commands import parsing_worker_command
from signing.report import Verdict

_WITHIN = timedelta(seconds=120)
_MEMORY_BYTES = 512 * 1024 * 1024
_WARM_UP_SECONDS = 0.3
_PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class Cost:
    """How many papers were judged, in how much CPU time of the worker and in how much time."""

    papers: int
    cpu_seconds: float
    seconds: float

    @property
    def per_cpu_second(self) -> float:
        """Return how many papers one core to itself would judge in a second."""
        return self.papers / self.cpu_seconds


def total(costs: Iterable[Cost]) -> Cost:
    """Return what several stretches cost together."""
    papers, cpu_seconds, seconds = zip(*map(astuple, costs), strict=True)
    return Cost(sum(papers), sum(cpu_seconds), sum(seconds))


@dataclass(frozen=True, slots=True)
class Judge:
    """A running worker that judges papers; what it answers must say that the paper is good."""

    worker: Supervised
    pid: int
    is_good: Callable[[bytes], bool]

    async def judge(self, papers: Iterable[Path], *, seconds: float) -> Cost:
        """Judge papers until they or the time are over, at least one, and return what that cost.

        Raises:
            BenchFailed: A paper was not found good, or the worker ended.
        """
        judged, began, cpu_began = 0, time.perf_counter(), _cpu_seconds(self.pid)
        for paper in papers:
            await self._ask(paper)
            judged += 1
            if time.perf_counter() - began >= seconds:
                break
        return Cost(judged, _cpu_seconds(self.pid) - cpu_began, time.perf_counter() - began)

    async def growth_bytes(self, paper: Path) -> int:
        """Judge a paper and return by how much the worker grew meanwhile: its peak less what it had."""
        had = usage.rss_bytes(self.pid)
        usage.restart_peak(self.pid)
        await self._ask(paper)
        return usage.peak_rss_bytes(self.pid) - had

    async def _ask(self, paper: Path) -> None:
        question = JudgeFile(str(paper), _PDF, datetime.now(UTC))
        try:
            answer = await self.worker.ask(msgspec.json.encode(question), within=_WITHIN)
        except (NoWorker, WorkerLate, WorkerLost) as broken:
            raise BenchFailed(f"{paper.name}: the worker gave no answer: {broken}") from broken
        if not self.is_good(answer):
            raise BenchFailed(f"{paper.name}: was not found good: {answer[:500]!r}")


@asynccontextmanager
async def ours(folder: Path) -> AsyncIterator[Judge]:
    """Yield a parsing worker as the gateway starts it, warm, that has seen none of the measured signers."""
    argv = parsing_worker_command(trust_folder(folder), bodies_dir=folder, memory_bytes=_MEMORY_BYTES)
    async with _running([*argv, f"bench-{secrets.token_hex(4)}"], folder, _has_passed) as judge:
        yield judge


@asynccontextmanager
async def stock(folder: Path) -> AsyncIterator[Judge]:
    """Yield a worker that judges with pyHanko as it comes, warm."""
    argv = [sys.executable, "-m", "ops.dev.bench.verify_stock", str(trust_folder(folder))]
    async with _running(argv, folder, lambda answer: answer == b"1") as judge:
        yield judge


@asynccontextmanager
async def _running(argv: list[str], folder: Path, is_good: Callable[[bytes], bool]) -> AsyncIterator[Judge]:
    worker, before = Supervised(argv), usage.tree(os.getpid())
    try:
        await worker.start()
        (pid,) = set(usage.tree(os.getpid())) - set(before)
        judge = Judge(worker, pid, is_good)
        await judge.judge(_over_and_over(paper_by_another(folder)), seconds=_WARM_UP_SECONDS)
        yield judge
    except NoWorker as none:
        raise BenchFailed(f"the worker cannot be started: {none}") from none
    finally:
        await asyncio.shield(worker.stop())


def _over_and_over(paper: Path) -> Iterable[Path]:
    return iter(lambda: paper, None)


def _has_passed(answer: bytes) -> bool:
    told: Answer = msgspec.json.decode(answer, type=Answer)
    return isinstance(told, Judged) and told.report.verdict is Verdict.TOTAL_PASSED


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of one process, to the nanosecond: /proc counts in hundredths of a second."""
    return time.clock_gettime((~pid << 3) | 2)  # the process's own clock, see clock_getcpuclockid(3)
