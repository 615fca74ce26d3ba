"""Agencies that take their documents from RabbitMQ: the exchange's side, and their own programs."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import aio_pika
import msgspec
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from broker import topology
from broker.acks import open_acknowledgements
from broker.agency_queues import AgencyQueues
from broker.consumer import open_consumer
from broker.counters import BrokerCounters
from broker.publisher import open_publisher
from gateway.domain.model import AgencyCode, Channel, Delivery
from gateway.domain.states import DeliveryState
from gateway.service.acknowledge import acknowledge
from gateway.service.deliver import deliver
from gateway.service.exchange import Exchange
from ops.broker_users import create
from ops.dev.private_rabbitmq import PrivateRabbitMq
from ops.settings import Settings, load
from tests.support.brokers import until
from tests.support.exchange_samples import NOW, agency
from tests.support.hand_over import hand_over_floor
from tests.support.ledgers import AmqpBooks, handover

PUBLIC_URL = "https://lienthong.example.vn"
_numbers = itertools.count(101)


@dataclass
class Program:
    """An agency's own program, with the agency's own credentials."""

    agency: AgencyCode
    channel: AbstractChannel

    @property
    def user(self) -> str:
        """Return the name of its broker user."""
        return f"agency.{self.agency}"

    async def read(self) -> AbstractIncomingMessage:
        """Return the next message of its queue; it is acknowledged to the broker."""
        queue = await self.channel.get_queue(self.user, ensure=False)
        async with queue.iterator(timeout=10, no_ack=True) as messages:
            return await anext(messages)

    async def answer(self, body: Any, **properties: Any) -> None:
        """Publish an answer as an honest program does, unless told otherwise."""
        key = properties.pop("routing_key", self.agency)
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        message = aio_pika.Message(content, **({"user_id": self.user} | properties))
        exchange = await self.channel.get_exchange(topology.ACKS, ensure=False)
        await exchange.publish(message, key)


@dataclass
class AmqpSite:
    """An exchange on a private node, and two agencies that have nothing to do with one another."""

    node: PrivateRabbitMq
    settings: Settings
    exchange: Exchange
    books: AmqpBooks
    queues: AgencyQueues
    counters: BrokerCounters
    codes: tuple[AgencyCode, AgencyCode]
    opened: AsyncExitStack
    working: AsyncExitStack

    async def stop_working(self) -> None:
        """End the workers: what arrives now waits on the broker."""
        await self.working.aclose()

    async def program(self, number: int = 0) -> Program:
        """Return the program of one of the agencies, which gets its broker user now."""
        made = await create(self.settings, self.codes[number])
        return await self.connect(self.codes[number], made["password"])

    async def connect(self, code: AgencyCode, password: str) -> Program:
        """Return an agency's program that has this password."""
        url = self.node.url_for(f"agency.{code}", password)
        connection = await self.opened.enter_async_context(await aio_pika.connect(url))
        return Program(code, await connection.channel(on_return_raises=True))

    async def send(self, number: int = 0) -> Delivery:
        """Send a document to one of the agencies; return its delivery, in the agency's queue by now."""
        (delivery,) = await self.books.accept(self.codes[number])
        self.exchange.broker.announce([handover(delivery)])
        return await self.reaches(delivery, DeliveryState.OFFERED)

    async def reaches(self, delivery: Delivery, state: DeliveryState) -> Delivery:
        """Return a delivery once it is in this state."""
        async with asyncio.timeout(20):
            while (delivery := await self.books.state(delivery)).state is not state:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return delivery


@asynccontextmanager
async def amqp_site(node: PrivateRabbitMq, folder: Path) -> AsyncIterator[AmqpSite]:
    """Open an exchange over an empty ledger in a folder, its workers at work."""
    codes = (AgencyCode(f"H26.{next(_numbers)}"), AgencyCode(f"H26.{next(_numbers)}"))
    async with AsyncExitStack() as opened:
        floor = await opened.enter_async_context(hand_over_floor(folder))
        directory = floor.exchange.directory
        await directory.upsert([agency(code, channel=Channel.AMQP) for code in codes], now=NOW)
        counters = BrokerCounters()
        publisher = await opened.enter_async_context(open_publisher(node.url, counters=counters))
        queues = AgencyQueues(
            publisher,
            directory=directory,
            inbox=floor.exchange.inbox,
            public_url=PUBLIC_URL,
            clock=floor.exchange.clock,
        )
        x = replace(floor.exchange, connectors={Channel.AMQP: queues}, broker=publisher)
        working = await opened.enter_async_context(AsyncExitStack())
        for part in (
            open_acknowledgements(node.url, partial(acknowledge, x), counters=counters),
            open_consumer(node.url, partial(deliver, x), counters=counters),
        ):
            await working.enter_async_context(part)
        await until(lambda: counters.connected and counters.consuming)
        books = AmqpBooks(floor.books.ledger, floor.books.ids)
        yield AmqpSite(node, _settings(node, folder), x, books, queues, counters, codes, opened, working)


def _settings(node: PrivateRabbitMq, folder: Path) -> Settings:
    return load(
        None,
        {
            "LIENTHONG_DATABASE_URL": f"sqlite://{folder}/lienthong.db",
            "LIENTHONG_BROKER_URL": node.url,
            "LIENTHONG_BROKER__MANAGEMENT_URL": node.management_url,
        },
    )
