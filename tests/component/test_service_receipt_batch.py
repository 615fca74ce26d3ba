from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import pytest

from gateway.domain.errors import SigningUnavailable
from gateway.domain.receipts import Step, canonical, climb, leaf
from gateway.service.receipt_batch import ReceiptBatch


@dataclass
class KeyWorker:
    """Signs one root at a time, each only when it is let go; fails when told."""

    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    roots: list[bytes] = field(default_factory=list)
    failure: Exception | None = None

    async def sign_root(self, root: bytes) -> str:
        self.roots.append(root)
        self.busy.set()
        await self.turns.acquire()
        if self.failure is not None:
            raise self.failure
        return f"signed {root.hex()}"

    def let_go(self, count: int) -> None:
        for _ in range(count):
            self.turns.release()


def statement(number: int) -> bytes:
    return canonical({"receipt": str(number)})


def is_genuine(receipt: bytes) -> bool:
    file = json.loads(receipt)
    path = [Step(step["side"], bytes.fromhex(step["hash"])) for step in file["path"]]
    root = climb(leaf(canonical(file["statement"])), path)
    return bool(file["root"] == f"signed {root.hex()}")


async def all_waiting(
    batch: ReceiptBatch, worker: KeyWorker, *, groups: list[list[bytes]]
) -> list[list[bytes]]:
    """Sign groups of statements: the first alone, the others while the key is busy with it."""
    async with asyncio.TaskGroup() as requests:
        first = requests.create_task(batch.sign(groups[0]))
        await worker.busy.wait()
        others = [requests.create_task(batch.sign(group)) for group in groups[1:]]
        await asyncio.sleep(0)
        worker.let_go(2)
    return [first.result(), *(each.result() for each in others)]


async def test_statements_that_come_while_the_key_is_busy_share_one_key_operation() -> None:
    worker = KeyWorker()
    groups = [[statement(n)] for n in range(300)]
    signed = await all_waiting(ReceiptBatch(worker), worker, groups=groups)
    assert len(worker.roots) == 2
    assert all(is_genuine(receipt) for (receipt,) in signed)


async def test_each_waiter_gets_the_receipts_of_its_own_statements_in_order() -> None:
    worker = KeyWorker()
    groups = [[statement(0)], [statement(1), statement(2)], [], [statement(3)]]
    signed = await all_waiting(ReceiptBatch(worker), worker, groups=groups)
    numbers = [[json.loads(receipt)["statement"]["receipt"] for receipt in group] for group in signed]
    assert numbers == [["0"], ["1", "2"], [], ["3"]]


async def test_statement_alone_is_signed_at_once() -> None:
    worker = KeyWorker()
    worker.let_go(1)
    (receipt,) = await ReceiptBatch(worker).sign([statement(1)])
    assert json.loads(receipt)["path"] == []


async def test_failure_reaches_everybody_who_waits() -> None:
    worker = KeyWorker(failure=SigningUnavailable("the key worker is gone"))
    batch = ReceiptBatch(worker)
    requests = [asyncio.create_task(batch.sign([statement(n), statement(-n)])) for n in range(1, 20)]
    worker.let_go(2)
    ends = await asyncio.gather(*requests, return_exceptions=True)
    assert {str(end) for end in ends} == {"the key worker is gone"}


async def test_batch_works_again_when_the_key_is_back() -> None:
    worker = KeyWorker(failure=SigningUnavailable())
    batch = ReceiptBatch(worker)
    worker.let_go(2)
    with pytest.raises(SigningUnavailable):
        await batch.sign([statement(1)])
    worker.failure = None
    (receipt,) = await batch.sign([statement(2)])
    assert is_genuine(receipt)


async def test_waiter_that_gives_up_takes_nothing_from_the_others() -> None:
    worker = KeyWorker()
    batch = ReceiptBatch(worker)
    gone, patient = (asyncio.create_task(batch.sign([statement(n)])) for n in range(2))
    await worker.busy.wait()
    gone.cancel()
    worker.let_go(2)
    (receipt,) = await patient
    assert is_genuine(receipt)
    assert gone.cancelled()
