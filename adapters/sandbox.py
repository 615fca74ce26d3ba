"""The pool of parsing workers: strangers' files and packets are parsed only there. Meets the port `Verifier`.

A worker has limits of memory and CPU, no network and no key. Of files it can read all bodies, those of other
documents too, and write to one folder of its own: what it took out of a packet is moved from there before
anybody looks at it, and out of the reach of all workers. A file that kills its worker or breaks the deadline
is refused; the next file gets a fresh worker.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from adapters.containers.findings import ACTIVE
from adapters.edxml.packet import Read
from adapters.workers import NoWorker, Supervised, WorkerLate, WorkerLost
from gateway.domain.errors import MalformedDocument, MalformedPacket, VerificationUnavailable
from gateway.domain.model import Sha256
from gateway.domain.ports import Clock
from signing.report import VerificationReport, Wanted

_log = logging.getLogger(__name__)


class JudgeFile(msgspec.Struct, frozen=True, tag="judge-file"):
    """The question: the verdict on a file of this type, at a moment. `content` is the file that a detached
    signature is about; `looks` is that of `signing.basis.Basis`."""

    path: str
    media_type: str
    at: datetime
    content: str | None = None
    looks: bool = True


class ReadPacket(msgspec.Struct, frozen=True, tag="read-packet"):
    """The question: what a packet says, its attachments unpacked into a folder."""

    path: str
    into: str


class NameEvidence(msgspec.Struct, frozen=True, tag="name-evidence"):
    """The question: under which keys a revocation list or a responder's answer, in DER, belongs at a moment;
    whether it is what is wanted, when it was fetched for that."""

    path: str
    at: datetime
    wanted: Wanted | None = None


class TellTrust(msgspec.Struct, frozen=True, tag="tell-trust"):
    """The question: whom the worker believes, once it has read the trust folder anew at a moment."""

    at: datetime


Question = JudgeFile | ReadPacket | NameEvidence | TellTrust


class Judged(msgspec.Struct, frozen=True, tag="judged"):
    """The answer: there is a verdict."""

    report: VerificationReport


class PacketRead(msgspec.Struct, frozen=True, tag="packet-read"):
    """The answer: what the packet says, or every mistake in it."""

    read: Read


class EvidenceNamed(msgspec.Struct, frozen=True, tag="evidence-named"):
    """The answer: the keys, and the edition of the evidence under each."""

    editions: dict[str, str]


class TrustTold(msgspec.Struct, frozen=True, tag="trust-told"):
    """The answer: a version of the trust folder. `version` is the hash of `manifest`; that names the rest."""

    version: str
    manifest: bytes
    certificates: list[bytes]


class NotReadable(msgspec.Struct, frozen=True, tag="not-readable"):
    """The answer: the file is broken, or hides something."""

    reason: str


class NotThere(msgspec.Struct, frozen=True, tag="not-there"):
    """The answer: the file could not be opened, which is not its sender's fault."""

    reason: str


_SUBJECTS = {JudgeFile: "file", ReadPacket: "packet", NameEvidence: "evidence", TellTrust: "trust folder"}

Answer = Judged | PacketRead | EvidenceNamed | TrustTold | NotReadable | NotThere
_Kind = TypeVar("_Kind", Judged, PacketRead, EvidenceNamed, TrustTold)
_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take before a worker is killed (`file`, `packet`), or a caller is sent away because
    all workers are busy (`turn`).

    `file` is for each of two tries, so a verdict takes up to twice that: a file that broke its worker or this
    limit is judged once more without looking at how it is drawn, which is what bombs are made for.
    """

    file: timedelta = timedelta(seconds=10)
    packet: timedelta = timedelta(seconds=30)
    turn: timedelta = timedelta(seconds=20)


@dataclass(slots=True)
class _Place:
    """A place for one worker, and the name of the folder that is all it may write to."""

    worker: Supervised
    name: str
    folder: Path | None = None
    """The folder, once there was a packet to unpack."""

    async def ask(self, question: Question, *, within: timedelta) -> Answer:
        """Return the worker's answer; in a packet's answer the folder `into` holds what it took out.

        Raises:
            NoWorker, WorkerLost, WorkerLate: As `Supervised.ask`.
            OSError: There is no room to unpack to.
        """
        if not isinstance(question, ReadPacket):
            return await self._answer(question, within=within)
        into = Path(question.into)
        async with self._empty_folder(beside=into) as unpacked:
            own = msgspec.structs.replace(question, into=str(unpacked))
            answer = await self._answer(own, within=within)
            if isinstance(answer, PacketRead):
                unpacked.rename(into)  # which is empty
            return answer

    async def _answer(self, question: Question, *, within: timedelta) -> Answer:
        answer = await self.worker.ask(msgspec.json.encode(question), within=within)
        try:
            return _answers.decode(answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as nonsense:
            raise WorkerLost("the answer is none") from nonsense

    @asynccontextmanager
    async def _empty_folder(self, *, beside: Path) -> AsyncIterator[Path]:
        """Lend a new folder in the worker's own; a try before may have left anything in the last one."""
        self.folder = beside.parent / self.name
        if not self.folder.is_dir():
            # Swept away while it was idle: the worker may write to this one no more, and to no other.
            await self.worker.stop()
            self.folder.mkdir(mode=0o700)
        folder = self.folder / secrets.token_hex(16)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            if folder.exists():
                await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))

    async def close(self) -> None:
        """End the worker, and its folder with it."""
        await self.worker.stop()
        if self.folder is not None:
            await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)


@dataclass(slots=True)
class Sandbox:
    """Judges files and reads packets, as many at a time as there are workers; others wait their turn."""

    clock: Clock
    patience: Patience
    refuse_active: bool
    """Whether files with active content are refused instead of flagged."""
    _places: Sequence[_Place]
    _free: asyncio.LifoQueue[_Place] = field(default_factory=asyncio.LifoQueue)

    @property
    def isolated(self) -> bool:
        """Return whether every worker is cut off from the network."""
        return all(place.worker.isolated for place in self._places)

    @property
    def enclosed(self) -> bool:
        """Return whether every worker is cut off from all files but those it judges."""
        return all(place.worker.enclosed for place in self._places)

    async def verify(
        self,
        path: Path,
        *,
        media_type: str,
        sha256: Sha256 | None = None,  # noqa: ARG002 - the port's shape; verdicts are remembered elsewhere
        content: Path | None = None,
    ) -> VerificationReport:
        """Return the verdict on a file; one that carries no signature we can judge counts as unsigned.

        Raises:
            MalformedDocument: It is broken, hides something, holds active content where that is refused, or
                broke the limits of time or memory.
            VerificationUnavailable: No parsing worker could be had.
        """
        detached_from = str(content) if content else None
        question = JudgeFile(str(path), media_type, self.clock(), detached_from)
        return self._let_pass((await self._ask(question, Judged, within=self.patience.file)).report)

    async def read_packet(self, path: Path, *, into: Path) -> Read:
        """Return what a packet says; its attachments are files in the folder `into` afterwards.

        Nothing in the answer is to be believed more than the packet itself: a hostile one may have taken over
        the worker that wrote it.

        Raises:
            MalformedPacket: It broke the limits of time or memory, or ended its worker.
            VerificationUnavailable: No parsing worker could be had.
        """
        question = ReadPacket(str(path), str(into))
        try:
            return (await self._ask(question, PacketRead, within=self.patience.packet)).read
        except MalformedDocument as broken:
            raise MalformedPacket(broken.detail, reasons=broken.reasons) from broken

    async def name_evidence(self, path: Path, *, wanted: Wanted | None = None) -> dict[str, str]:
        """Return under which keys a revocation list or a responder's answer, in DER, belongs, and its edition
        under each: texts that sort by time.

        Raises:
            MalformedDocument: It is neither, says nothing, or not what is wanted.
            VerificationUnavailable: No parsing worker could be had.
        """
        question = NameEvidence(str(path), self.clock(), wanted)
        return (await self._ask(question, EvidenceNamed, within=self.patience.file)).editions

    async def trust(self) -> TrustTold:
        """Return whom the workers believe.

        Raises:
            VerificationUnavailable: No parsing worker could be had.
        """
        return await self._ask(TellTrust(self.clock()), TrustTold, within=self.patience.file)

    def _let_pass(self, report: VerificationReport) -> VerificationReport:
        active = [each for each in report.warnings if each.code in ACTIVE]
        if self.refuse_active and active:
            reasons = tuple(f"{each.code}: {each.detail}" for each in active)
            raise MalformedDocument(
                "The file holds active content, which is not taken here.", reasons=reasons
            )
        return report

    async def _ask(self, question: Question, kind: type[_Kind], *, within: timedelta) -> _Kind:
        place = await self._free_place()
        try:
            answer = await _answer_of(place, question, within=within)
        finally:
            self._free.put_nowait(place)
        if isinstance(answer, kind):
            return answer
        if isinstance(answer, NotReadable):
            raise MalformedDocument(
                f"The {_SUBJECTS[type(question)]} cannot be read.", reasons=(answer.reason,)
            )
        raise _no_answer(answer)

    async def _free_place(self) -> _Place:
        try:
            async with asyncio.timeout(self.patience.turn.total_seconds()):
                return await self._free.get()
        except TimeoutError as busy:
            raise VerificationUnavailable("All parsing workers are busy.") from busy


async def _answer_of(place: _Place, question: Question, *, within: timedelta) -> Answer:
    """Return the answer of the first worker asked, or of a second, fresh one.

    Raises:
        MalformedDocument: Neither lived to answer within the limits.
        VerificationUnavailable: There is no worker, or no room to unpack to.
    """
    try:
        return await _tried(place, question, within=within)
    except (WorkerLate, WorkerLost) as failed:
        again = _second_question(question, failed)
        if again is None:
            raise _beyond_limits(_what_it_did(failed, within=within)) from failed
    try:
        return await _tried(place, again, within=within)
    except (WorkerLate, WorkerLost) as failed:
        raise _beyond_limits(_what_it_did(failed, within=within)) from failed


async def _tried(place: _Place, question: Question, *, within: timedelta) -> Answer:
    try:
        return await place.ask(question, within=within)
    except (NoWorker, OSError) as none:
        _log.error("verification.no_worker", extra={"reason": str(none)})
        raise VerificationUnavailable from none
    except WorkerLate:
        _log.warning("verification.deadline_broken")
        raise
    except WorkerLost:
        await place.worker.stop()
        _log.warning("verification.worker_lost")
        raise


def _second_question(question: Question, failed: WorkerLate | WorkerLost) -> Question | None:
    """Return what to ask after the first try; None is nothing more."""
    if isinstance(question, JudgeFile):
        # Its signatures can be judged all the same: a bomb in it must not hide them.
        return msgspec.structs.replace(question, looks=False)
    # A worker may have died of something else; it was not late by something else.
    return None if isinstance(failed, WorkerLate) else question


def _what_it_did(failed: WorkerLate | WorkerLost, *, within: timedelta) -> str:
    if isinstance(failed, WorkerLate):
        return f"it took longer than {within.total_seconds():g} seconds"
    return "it ended the process that read it"


def _no_answer(answer: Answer) -> VerificationUnavailable:
    """Return the error for an answer that does not answer: a missing file, or one to another question."""
    reason = answer.reason if isinstance(answer, NotThere) else type(answer).__name__
    _log.error("verification.file_missing", extra={"reason": reason})
    return VerificationUnavailable()


def _beyond_limits(reason: str) -> MalformedDocument:
    return MalformedDocument("It cannot be read within the limits of time and memory.", reasons=(reason,))


@asynccontextmanager
async def open_sandbox(
    argv: Sequence[str],
    *,
    clock: Clock,
    workers: int,
    patience: Patience | None = None,
    refuse_active: bool = False,
    files_per_worker: int = 1_000,
) -> AsyncIterator[Sandbox]:
    """Yield a pool of running parsing workers; they end with the context.

    Args:
        argv: The command that starts one worker; the name of its own folder is added at its end.
        clock: What the present is.
        workers: How many files are judged, or packets read, at a time.
        patience: How long each may take.
        refuse_active: Whether files with active content are refused instead of flagged.
        files_per_worker: After how many answers a worker is replaced by a fresh one.

    Raises:
        VerificationUnavailable: A worker cannot be started; `reasons` says why.
    """
    places = []
    for _ in range(workers):
        name = f"worker-{secrets.token_hex(8)}"
        places.append(_Place(Supervised([*argv, name], answers_per_worker=files_per_worker), name))
    try:
        try:
            await asyncio.gather(*(place.worker.start() for place in places))
        except NoWorker as none:
            raise VerificationUnavailable(reasons=(str(none),)) from none
        sandbox = Sandbox(clock, patience or Patience(), refuse_active, places)
        for place in places:
            sandbox._free.put_nowait(place)
        if not sandbox.isolated:
            _log.warning("verification.workers_not_isolated")
        if not sandbox.enclosed:
            _log.warning("verification.workers_not_enclosed")
        yield sandbox
    finally:
        for place in places:
            await place.close()
