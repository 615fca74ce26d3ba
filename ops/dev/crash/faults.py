"""What a crash run does to the system: each fault strikes once and leaves the system to heal."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import aio_pika

from broker import topology
from ops.dev.crash.supervisor import Supervised, command_line, descendants
from ops.dev.crash.system import Size, System
from ops.dev.private_postgresql import PrivatePostgresql
from ops.dev.private_rabbitmq import PrivateRabbitMq

LONGEST_OUTAGE_SECONDS = 1.5
"""How long a server stays away after a kill, at most, before it is started again."""
BROKER_SECONDS = 10
PARSING_WORKER, KEY_WORKER = "parsing_worker", "key_worker"
WIPES_PER_KILL = 1 / 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault. `strike` returns False when there was nothing to hit just then."""

    kind: str
    strike: Callable[[], Awaitable[bool]]


def kills(system: System, *, dice: random.Random) -> list[Fault]:
    """Return all kinds of kills for a system, those of its own programs twice: they strike most often."""
    roles = ("run",) if system.size is Size.EMBEDDED else ("serve", "worker")
    faults = [Fault(role, partial(_kill_one, system, role, dice)) for role in roles * 2]
    faults += [
        Fault(kind.replace("_", "-"), partial(_kill_below, system, kind, dice))
        for kind in (PARSING_WORKER, KEY_WORKER)
    ]
    if system.postgresql is not None:
        faults += [
            Fault("postgresql", partial(_kill_postgresql, system.postgresql, dice)),
            Fault("postgresql-backend", partial(_kill_backend, system.postgresql, dice)),
        ]
    if system.rabbitmq is not None:
        faults.append(Fault("rabbitmq", partial(_kill_rabbitmq, system.rabbitmq, dice)))
    return faults


def wipe(node: PrivateRabbitMq) -> Fault:
    """Return the fault of a broker that loses its disk."""
    return Fault("rabbitmq-wiped", partial(_wipe, node))


def unbinding(node: PrivateRabbitMq) -> Fault:
    """Return the fault of work queues whose bindings somebody takes away: publishes come back."""
    return Fault("queues-unbound", partial(_unbind, node.url))


def drawn(faults: Sequence[Fault], *, dice: random.Random) -> Iterator[Fault]:
    """Yield faults without end, each kind once in every round, so that a short run has them all."""
    while True:
        yield from dice.sample(faults, len(faults))


def wipe_rounds(kills: int) -> frozenset[int]:
    """Return the numbers of the kills, from 0, that wipe the broker: at least one, spread evenly."""
    wipes = max(1, round(kills * WIPES_PER_KILL))
    return frozenset((2 * n + 1) * kills // (2 * wipes) for n in range(wipes))


# --- processes of ours ---------------------------------------------------------------------------


async def _kill_one(system: System, role: str, dice: random.Random) -> bool:
    alive = [program for program in system.of_role(role) if program.pid is not None]
    return dice.choice(alive).kill9() if alive else False


async def _kill_below(system: System, kind: str, dice: random.Random) -> bool:
    workers = [pid for program in system.programs for pid in _below(program) if kind in command_line(pid)]
    return _kill(dice.choice(workers)) if workers else False


def _below(program: Supervised) -> list[int]:
    return list(descendants(program.pid)) if program.pid is not None else []


def _kill(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


# --- servers -------------------------------------------------------------------------------------


async def _kill_postgresql(server: PrivatePostgresql, dice: random.Random) -> bool:
    await server.kill9()
    await asyncio.sleep(dice.uniform(0, LONGEST_OUTAGE_SECONDS))
    await server.start()
    return True


async def _kill_backend(server: PrivatePostgresql, dice: random.Random) -> bool:
    """Kill the process behind one connection: the server then ends all others and recovers."""
    backends = [pid for pid in descendants(server.pid) if "127.0.0.1(" in command_line(pid)]
    return _kill(dice.choice(backends)) if backends else False


async def _kill_rabbitmq(node: PrivateRabbitMq, dice: random.Random) -> bool:
    await node.kill9()
    await asyncio.sleep(dice.uniform(0, LONGEST_OUTAGE_SECONDS))
    await node.start()
    return True


async def _wipe(node: PrivateRabbitMq) -> bool:
    await node.wipe()
    return True


async def _unbind(url: str) -> bool:
    """Unbind all work queues; whoever publishes next finds out and binds them again."""
    async with asyncio.timeout(BROKER_SECONDS):
        connection = await aio_pika.connect(url)
        async with connection, connection.channel() as channel:
            for lane, channel_kind in topology.work_queues():
                queue = await channel.get_queue(topology.queue_name(lane, channel_kind), ensure=False)
                await queue.unbind(topology.DELIVERIES, f"{lane}.{channel_kind}.#")
    return True
