"""Signing receipts in batches: one key operation per batch, no added delay (design §3)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.domain.errors import SigningUnavailable
from gateway.domain.ports import RootSigner
from gateway.domain.receipts import assemble, leaf, tree


@dataclass(slots=True)
class _Waiting:
    statement: bytes
    receipt: asyncio.Future[bytes]


@dataclass(slots=True)
class ReceiptBatch:
    """While one root is being signed, all waiting statements join the next one."""

    signer: RootSigner
    _waiting: list[_Waiting] = field(default_factory=list)
    _round: asyncio.Task[None] | None = None

    async def sign(self, statements: Sequence[bytes]) -> list[bytes]:
        """Return the receipt file of each canonical statement, in order.

        Raises:
            SigningUnavailable: The root could not be signed.
        """
        loop = asyncio.get_running_loop()
        mine = [_Waiting(statement, loop.create_future()) for statement in statements]
        self._waiting += mine
        if self._round is None:
            # Owned here, ends by itself: every waiter below awaits its outcome.
            self._round = loop.create_task(self._sign_rounds())
        return list(await asyncio.gather(*(each.receipt for each in mine)))

    async def _sign_rounds(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._sign_one_root(batch)
        finally:
            self._round = None
            for each in self._waiting:
                _fail(each, SigningUnavailable())
            self._waiting.clear()

    async def _sign_one_root(self, batch: list[_Waiting]) -> None:
        root, paths = tree([leaf(each.statement) for each in batch])
        try:
            jws = await self.signer.sign_root(root)
        except SigningUnavailable as unavailable:
            for each in batch:
                _fail(each, unavailable)
            return
        except BaseException:
            for each in batch:
                _fail(each, SigningUnavailable())
            raise
        for each, path in zip(batch, paths, strict=True):
            if not each.receipt.done():
                each.receipt.set_result(assemble(each.statement, path, jws))


def _fail(waiting: _Waiting, error: SigningUnavailable) -> None:
    if not waiting.receipt.done():
        waiting.receipt.set_exception(error)
