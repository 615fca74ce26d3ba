"""The pool of parsing workers behind the port `Verifier`: strangers' files are parsed only there.

A worker has limits of memory and CPU, no network, no key and no file but the bodies. A file that kills
its worker or breaks the deadline is refused; the next file gets a fresh worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from adapters.workers import NoWorker, Supervised, WorkerLate, WorkerLost
from gateway.domain.errors import MalformedDocument, VerificationUnavailable
from gateway.domain.ports import Clock
from signing.report import VerificationReport

_log = logging.getLogger(__name__)


class JudgeFile(msgspec.Struct, frozen=True):
    """The question: the verdict on a file, at a moment."""

    path: str
    at: datetime


class Judged(msgspec.Struct, frozen=True, tag="judged"):
    """The answer: there is a verdict."""

    report: VerificationReport


class NotReadable(msgspec.Struct, frozen=True, tag="not-readable"):
    """The answer: the file is no PDF that could be judged."""

    reason: str


class NotThere(msgspec.Struct, frozen=True, tag="not-there"):
    """The answer: the file could not be opened, which is not its sender's fault."""

    reason: str


Answer = Judged | NotReadable | NotThere
_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


@dataclass(slots=True)
class Sandbox:
    """Judges files, as many at a time as there are workers; further callers wait their turn."""

    clock: Clock
    deadline: timedelta
    patience: timedelta
    _places: Sequence[Supervised]
    _free: asyncio.LifoQueue[Supervised] = field(default_factory=asyncio.LifoQueue)

    @property
    def isolated(self) -> bool:
        """Return whether every worker is cut off from the network."""
        return all(place.isolated for place in self._places)

    @property
    def enclosed(self) -> bool:
        """Return whether every worker is cut off from all files but those it judges."""
        return all(place.enclosed for place in self._places)

    async def verify(self, path: Path) -> VerificationReport:
        """Return the verdict on a PDF.

        Raises:
            MalformedDocument: It is no readable PDF, or broke the limits of time or memory.
            VerificationUnavailable: No parsing worker could be had.
        """
        place = await self._free_place()
        try:
            answer = await self._ask(place, path)
        finally:
            self._free.put_nowait(place)
        match answer:
            case Judged(report):
                return report
            case NotReadable(reason):
                raise MalformedDocument("The file is not a readable PDF.", reasons=(reason,))
            case NotThere(reason):
                _log.error("verification.file_missing", extra={"reason": reason})
                raise VerificationUnavailable

    async def _free_place(self) -> Supervised:
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                return await self._free.get()
        except TimeoutError as busy:
            raise VerificationUnavailable("All parsing workers are busy.") from busy

    async def _ask(self, place: Supervised, path: Path) -> Answer:
        question = msgspec.json.encode(JudgeFile(str(path), self.clock()))
        for _ in range(2):  # once more in a fresh worker: the first may have died of something else
            try:
                answer = await place.ask(question, within=self.deadline)
                return _answers.decode(answer)
            except NoWorker as none:
                _log.error("verification.no_worker", extra={"reason": str(none)})
                raise VerificationUnavailable from none
            except WorkerLate as late:
                _log.warning("verification.deadline_broken")
                limit = f"{self.deadline.total_seconds():g} seconds"
                raise _beyond_limits(f"it took longer than {limit}") from late
            except (WorkerLost, msgspec.DecodeError):
                await place.stop()
                _log.warning("verification.worker_lost")
        raise _beyond_limits("it ended the process that read it")


def _beyond_limits(reason: str) -> MalformedDocument:
    return MalformedDocument(
        "The file cannot be judged within the limits of time and memory.", reasons=(reason,)
    )


@asynccontextmanager
async def open_sandbox(
    argv: Sequence[str],
    *,
    clock: Clock,
    workers: int,
    deadline: timedelta = timedelta(seconds=10),
    patience: timedelta = timedelta(seconds=20),
    files_per_worker: int = 1_000,
) -> AsyncIterator[Sandbox]:
    """Yield a pool of running parsing workers; they end with the context.

    Args:
        argv: The command that starts one worker.
        clock: What the present is.
        workers: How many files are judged at a time.
        deadline: How long one file may take before its worker is killed.
        patience: How long a caller waits for a free worker.
        files_per_worker: After how many files a worker is replaced by a fresh one.

    Raises:
        VerificationUnavailable: A worker cannot be started; `reasons` says why.
    """
    places = [Supervised(argv, answers_per_worker=files_per_worker) for _ in range(workers)]
    try:
        try:
            await asyncio.gather(*(place.start() for place in places))
        except NoWorker as none:
            raise VerificationUnavailable(reasons=(str(none),)) from none
        sandbox = Sandbox(clock, deadline, patience, places)
        for place in places:
            sandbox._free.put_nowait(place)
        if not sandbox.isolated:
            _log.warning("verification.workers_not_isolated")
        if not sandbox.enclosed:
            _log.warning("verification.workers_not_enclosed")
        yield sandbox
    finally:
        for place in places:
            await place.stop()
