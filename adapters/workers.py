"""A supervised child process that answers frames: what parsing workers and the key worker share.

A frame is a length (4 bytes, big endian) and that many bytes. The child reads questions from its
standard input and writes one answer each to its standard output; its first frame says that it is ready.
It ends when its standard input does. What it prints goes to standard error.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import BinaryIO

import msgspec

_LENGTH = struct.Struct(">I")
_MAX_FRAME_BYTES = 8 * 1024 * 1024
_START_WITHIN = timedelta(seconds=30)
_END_WITHIN = timedelta(seconds=5)


class NoWorker(Exception):
    """A worker cannot be started; the text says why."""


class WorkerLost(Exception):
    """The worker died, or answered with nonsense, before it had answered the question."""


class WorkerLate(Exception):
    """The worker did not answer within the deadline and was killed."""


class Ready(msgspec.Struct, frozen=True):
    """The first frame of a worker."""

    isolated: bool
    """Whether it cut itself off from the network."""

    enclosed: bool = False
    """Whether it cut itself off from all files but those it is for."""

    failure: str | None = None
    """Why it cannot work; it ends after saying so."""


# --- the child's side ----------------------------------------------------------------------------


def serve(prepare: Callable[[], tuple[Ready, Callable[[bytes], bytes]]]) -> None:
    """Answer frames until the parent closes the pipe. `prepare` runs before anything is read."""
    questions, answers = _take_pipes()
    ready, answer = prepare()
    with suppress(BrokenPipeError):  # the parent died meanwhile, and we with it
        _write(answers, msgspec.json.encode(ready))
        while ready.failure is None and (question := _read(questions)) is not None:
            _write(answers, answer(question))


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return the pipes to the parent, and keep stray prints out of them."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return questions, answers


def _read(stream: BinaryIO) -> bytes | None:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return stream.read(_LENGTH.unpack(head)[0])


def _write(stream: BinaryIO, frame: bytes) -> None:
    stream.write(_LENGTH.pack(len(frame)) + frame)
    stream.flush()


# --- the parent's side ---------------------------------------------------------------------------


@dataclass(slots=True)
class Supervised:
    """A place for one worker: started when needed, killed when it misbehaves, then started again.

    Not for use by two at a time.
    """

    argv: Sequence[str]
    answers_per_worker: int | None = None
    """After how many answers it is replaced by a fresh one; None is never."""
    isolated: bool = False
    enclosed: bool = False
    _worker: _Worker | None = field(default=None, init=False)
    _answered: int = field(default=0, init=False)

    async def start(self) -> None:
        """Start the worker unless it runs.

        Raises:
            NoWorker: It cannot be started.
        """
        if self._worker is None or not self._worker.is_alive:
            await self.stop()
            self._worker, ready = await _Worker.start(self.argv)
            self.isolated, self.enclosed = ready.isolated, ready.enclosed
            self._answered = 0

    async def ask(self, question: bytes, *, within: timedelta) -> bytes:
        """Return the worker's answer.

        Raises:
            NoWorker: It cannot be started.
            WorkerLost: It died before it had answered.
            WorkerLate: It did not answer within the deadline; it is dead now.
        """
        await self.start()
        worker = self._worker
        assert worker is not None
        try:
            answer = await worker.ask(question, within=within)
        except BaseException:
            # Cancelled or failed: a half-read answer must not meet the next question.
            await self.stop()
            raise
        self._answered += 1
        if self._answered == self.answers_per_worker:
            await self.stop()
        return answer

    async def stop(self) -> None:
        """Kill the worker, if there is one, and wait for its end."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop()


@dataclass(slots=True)
class _Worker:
    child: asyncio.subprocess.Process
    questions: asyncio.StreamWriter
    answers: asyncio.StreamReader

    @classmethod
    async def start(cls, argv: Sequence[str]) -> tuple[_Worker, Ready]:
        try:
            child = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=_environment(os.environ),
                close_fds=True,
                start_new_session=True,
            )
        except OSError as broken:
            raise NoWorker(f"{argv[0]}: {broken.strerror}") from broken
        assert child.stdin is not None
        assert child.stdout is not None
        worker = cls(child, child.stdin, child.stdout)
        try:
            async with asyncio.timeout(_START_WITHIN.total_seconds()):
                ready = msgspec.json.decode(await worker._next_frame(), type=Ready)
            if ready.failure is not None:
                raise NoWorker(ready.failure)
        except (TimeoutError, WorkerLost, msgspec.DecodeError) as broken:
            await worker.stop()
            raise NoWorker("the worker did not become ready") from broken
        except BaseException:
            await worker.stop()
            raise
        return worker, ready

    @property
    def is_alive(self) -> bool:
        return self.child.returncode is None

    async def ask(self, question: bytes, *, within: timedelta) -> bytes:
        try:
            async with asyncio.timeout(within.total_seconds()):
                self.questions.write(_LENGTH.pack(len(question)) + question)
                await self.questions.drain()
                return await self._next_frame()
        except TimeoutError as late:
            raise WorkerLate from late
        except ConnectionError as gone:
            raise WorkerLost from gone

    async def _next_frame(self) -> bytes:
        try:
            (length,) = _LENGTH.unpack(await self.answers.readexactly(_LENGTH.size))
            if length > _MAX_FRAME_BYTES:
                raise WorkerLost("an answer is longer than any can be")
            return await self.answers.readexactly(length)
        except asyncio.IncompleteReadError as gone:
            raise WorkerLost("the worker has ended") from gone

    async def stop(self) -> None:
        self.questions.close()
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(self.child.pid, signal.SIGKILL)
        async with asyncio.timeout(_END_WITHIN.total_seconds()):
            await self.child.wait()


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return what a worker may know of our environment: no setting, so no secret."""
    wanted = {name: own[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in own}
    # The same packages as here, installed or run from a source tree.
    return {**wanted, "PYTHONPATH": os.pathsep.join(folder or os.getcwd() for folder in sys.path)}
