"""What this machine does alone in this hour: figures are compared with these, not with another day's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from adapters.sandbox import open_sandbox
from broker.codec import decode_batch, encode_batch
from gateway.domain.model import AgencyCode, Channel, DeliveryId, Handover, Lane
from ops.worker_commands import parsing_worker_command

SECONDS = 1.0
_BROKER_SECONDS = 60
_MEMORY_BYTES = 512 * 1024 * 1024
_MESSAGES = 1500
_WINDOW = 64
"""Publishes under way at once, as in `broker.publisher`."""


def rsa2048_signs_per_second() -> float:
    """Return how many RSA-2048 signatures one core makes."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    began, times = perf_counter(), 0
    while perf_counter() - began < SECONDS:
        key.sign(b"root", padding.PKCS1v15(), hashes.SHA256())
        times += 1
    return times / (perf_counter() - began)


async def verifications_per_second(papers: Sequence[Path], trust: Path) -> float:
    """Return how many papers one parsing worker judges, asked without a pause."""
    argv = parsing_worker_command(trust, bodies_dir=papers[0].parent, memory_bytes=_MEMORY_BYTES)
    async with open_sandbox(argv, clock=lambda: datetime.now(UTC), workers=1) as sandbox:
        waiting = cycle(papers)

        async def judge_until(end: float) -> int:
            times = 0
            while perf_counter() < end:
                await sandbox.verify(next(waiting), media_type="application/pdf")
                times += 1
            return times

        await judge_until(perf_counter() + SECONDS / 4)
        began = perf_counter()
        judged = await asyncio.gather(*(judge_until(began + SECONDS) for _ in range(2)))
        return sum(judged) / (perf_counter() - began)


async def broker_ids_per_second(url: str, *, batch: int = 1) -> float:
    """Return how many delivery ids pass a quorum queue: published with confirms and consumed meanwhile, so
    many ids in one message."""
    body = encode_batch(
        [
            Handover(DeliveryId(str(uuid4())), 0, Lane.NORMAL, Channel.INBOX, AgencyCode("H26.01"))
            for _ in range(batch)
        ]
    )
    async with asyncio.timeout(_BROKER_SECONDS):
        # Two connections, as the product has them.
        async with await aio_pika.connect(url) as publishing, await aio_pika.connect(url) as consuming:
            return await _pass_messages(publishing, consuming, body) * batch


async def _pass_messages(
    publishing: aio_pika.abc.AbstractConnection, consuming: aio_pika.abc.AbstractConnection, body: bytes
) -> float:
    name = f"yardstick.{uuid4().hex}"
    incoming = await consuming.channel()
    await incoming.set_qos(prefetch_count=_WINDOW)
    queue = await incoming.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
    outgoing = await publishing.channel()
    consumed, all_consumed = 0, asyncio.Event()

    async def consume(message: AbstractIncomingMessage) -> None:
        nonlocal consumed
        decode_batch(message.body)
        await message.ack()
        consumed += 1
        if consumed == _MESSAGES:
            all_consumed.set()

    began = perf_counter()
    tag = await queue.consume(consume)
    async with asyncio.TaskGroup() as publishers:
        for _ in range(_WINDOW):
            publishers.create_task(_publish(outgoing, name, body=body, times=_MESSAGES // _WINDOW))
        publishers.create_task(_publish(outgoing, name, body=body, times=_MESSAGES % _WINDOW))
    await all_consumed.wait()
    seconds = perf_counter() - began
    await queue.cancel(tag)
    await queue.delete(if_unused=False, if_empty=False)
    return _MESSAGES / seconds


async def _publish(channel: aio_pika.abc.AbstractChannel, queue: str, *, body: bytes, times: int) -> None:
    for _ in range(times):
        message = aio_pika.Message(
            body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, message_id=uuid4().hex
        )
        await channel.default_exchange.publish(message, queue, mandatory=True)
