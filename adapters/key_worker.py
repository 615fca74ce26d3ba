"""The key worker behind the port `RootSigner`: a process of its own holds the receipt key.

It takes a Merkle root of 32 bytes and builds the statement to sign itself; it signs nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from adapters.workers import NoWorker, Supervised, WorkerLate, WorkerLost
from gateway.domain.errors import SigningUnavailable

_log = logging.getLogger(__name__)


class SignRoot(msgspec.Struct, frozen=True):
    """The question: the signed form of a Merkle root."""

    root: bytes


class SignedRoot(msgspec.Struct, frozen=True):
    """The answer: the compact JWS."""

    jws: str


@dataclass(slots=True)
class KeyWorker:
    """Signs roots one after the other."""

    deadline: timedelta
    _place: Supervised
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def isolated(self) -> bool:
        """Return whether the worker is cut off from the network."""
        return self._place.isolated

    async def sign_root(self, root: bytes) -> str:
        """Return the JWS over a Merkle root of 32 bytes.

        Raises:
            SigningUnavailable: The key worker does not answer, also after one restart.
        """
        question = msgspec.json.encode(SignRoot(root))
        async with self._turn:
            for _ in range(2):
                try:
                    answer = await self._place.ask(question, within=self.deadline)
                    return msgspec.json.decode(answer, type=SignedRoot).jws
                except (NoWorker, WorkerLost, WorkerLate, msgspec.DecodeError) as failed:
                    await self._place.stop()
                    _log.error("signing.worker_failed", extra={"reason": type(failed).__name__})
        raise SigningUnavailable


@asynccontextmanager
async def open_key_worker(
    argv: Sequence[str], *, deadline: timedelta = timedelta(seconds=5)
) -> AsyncIterator[KeyWorker]:
    """Yield a running key worker; it ends with the context.

    Args:
        argv: The command that starts it.
        deadline: How long one signature may take before the worker is killed and started again.

    Raises:
        SigningUnavailable: It cannot be started, for instance because the key cannot be read;
            `reasons` says why.
    """
    place = Supervised(argv)
    try:
        try:
            await place.start()
        except NoWorker as none:
            raise SigningUnavailable(reasons=(str(none),)) from none
        yield KeyWorker(deadline, place)
    finally:
        await place.stop()
