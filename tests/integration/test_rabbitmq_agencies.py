"""An agency's own program on a real RabbitMQ: its queue, its answers, and nothing of anybody else's."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import aio_pika
import msgspec
import pytest
import pytest_asyncio
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import (
    AMQPConnectionError,
    ChannelPreconditionFailed,
    ProbableAuthenticationError,
)
from aiormq.exceptions import ChannelAccessRefused

from broker import topology
from broker.acks import open_acknowledgements
from broker.counters import BrokerCounters
from gateway.domain.errors import Conflict, NotFound, StoreUnavailable
from gateway.domain.model import AgencyCode, DeliveryId
from gateway.domain.states import DeliveryState
from ops.broker_users import BrokerUser, BrokerUsersUnavailable, create, revoke, rotate
from ops.dev.private_rabbitmq import PrivateRabbitMq, private_rabbitmq
from tests.support.agency_programs import PUBLIC_URL, AmqpSite, Program, amqp_site
from tests.support.brokers import until

MALFORMED: list[Any] = [
    b"",
    b"\xff\xfe",
    b"[]",
    b"x" * 70_000,
    {"delivery": "d"},
    {"delivery": "d", "answer": "maybe"},
    {"delivery": "d\x00", "answer": "accepted"},
    {"delivery": "d", "answer": "refused", "reason": "not\x00ours"},
    {"delivery": "no-such-delivery", "answer": "accepted"},
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def node() -> AsyncIterator[PrivateRabbitMq]:
    async with private_rabbitmq(management=True) as running:
        yield running


@pytest.fixture
async def site(node: PrivateRabbitMq, tmp_path: Path) -> AsyncIterator[AmqpSite]:
    async with amqp_site(node, tmp_path) as opened:
        yield opened


# --- the good way ----------------------------------------------------------------------------------


async def test_agency_reads_of_its_document_in_its_queue_and_accepts_it(site: AmqpSite) -> None:
    program = await site.program()
    delivery = await site.send()

    message = await program.read()
    await program.answer({"delivery": delivery.id, "answer": "accepted"})

    ended = await site.reaches(delivery, DeliveryState.DELIVERED)
    assert ended.receipt is not None
    assert await site.exchange.records.receipt(ended.receipt) is not None
    told = msgspec.json.decode(message.body)
    assert (told["delivery"], told["document"], told["from"]) == (delivery.id, delivery.document, "H26.00")
    assert told["files"][0]["url"] == f"{PUBLIC_URL}/v1/documents/{delivery.document}/files/1"
    assert set(told) == {
        "delivery", "document", "document_id", "from", "subject", "kind", "urgency", "number", "notation",
        "label", "files", "expires_at",
    }  # fmt: skip
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert message.message_id


async def test_agency_refuses_with_a_reason(site: AmqpSite) -> None:
    program = await site.program()
    delivery = await site.send()

    await program.answer({"delivery": delivery.id, "answer": "refused", "reason": "sai thẩm quyền"})

    assert (await site.reaches(delivery, DeliveryState.REFUSED)).reason == "sai thẩm quyền"


async def test_answer_given_twice_counts_once_and_is_no_fault(site: AmqpSite) -> None:
    program = await site.program()
    delivery = await site.send()

    for _ in range(2):
        await program.answer({"delivery": delivery.id, "answer": "accepted"})

    await until(lambda: site.counters.acknowledged == 2)
    ended = await site.reaches(delivery, DeliveryState.DELIVERED)
    kinds = [each.kind for each in await _events(site, ended.document) if each.delivery == delivery.id]
    assert kinds.count("delivered") == 1
    assert site.counters.acknowledgements_dropped == 0


async def _events(site: AmqpSite, document: Any) -> list[Any]:
    return [each for each in await site.exchange.records.timeline(document) if hasattr(each, "kind")]


# --- nobody else's ---------------------------------------------------------------------------------

Act = Callable[[Program, AgencyCode], Awaitable[object]]


def _consumes(queue: str) -> Act:
    async def act(program: Program, other: AgencyCode) -> None:
        found = await program.channel.get_queue(queue.format(other=other), ensure=False)
        await found.consume(_take)

    return act


async def _take(_: AbstractIncomingMessage) -> None:
    """Take what comes."""


def _gets(queue: str) -> Act:
    async def act(program: Program, other: AgencyCode) -> None:
        await (await program.channel.get_queue(queue.format(other=other), ensure=False)).get(fail=False)

    return act


def _purges(queue: str) -> Act:
    async def act(program: Program, other: AgencyCode) -> None:
        await (await program.channel.get_queue(queue.format(other=other), ensure=False)).purge()

    return act


def _deletes(queue: str) -> Act:
    async def act(program: Program, other: AgencyCode) -> None:
        await program.channel.queue_delete(queue.format(other=other, own=program.agency))

    return act


def _declares(queue: str) -> Act:
    async def act(program: Program, other: AgencyCode) -> None:
        arguments = topology.quorum(delivery_limit=topology.NO_DELIVERY_LIMIT)
        await program.channel.declare_queue(queue.format(other=other), durable=True, arguments=arguments)

    return act


def _binds(exchange: str) -> Act:
    async def act(program: Program, other: AgencyCode) -> None:
        await (await program.channel.get_queue(program.user, ensure=False)).bind(exchange, "#")

    return act


def _publishes(exchange: str, key: str) -> Act:
    async def act(program: Program, other: AgencyCode) -> None:
        found = (
            await program.channel.get_exchange(exchange, ensure=False)
            if exchange
            else program.channel.default_exchange
        )
        await found.publish(aio_pika.Message(b"{}"), key.format(other=other))

    return act


FORBIDDEN = {
    "consume from another's queue": _consumes("agency.{other}"),
    "get from another's queue": _gets("agency.{other}"),
    "purge another's queue": _purges("agency.{other}"),
    "declare another's queue": _declares("agency.{other}"),
    "delete another's queue": _deletes("agency.{other}"),
    "delete its own queue": _deletes("agency.{own}"),
    "declare a queue": _declares("agency.{other}.x"),
    "consume the work": _consumes("work.normal.inbox"),
    "get the work": _gets("work.normal.amqp"),
    "consume the answers": _consumes("acks"),
    "get an answer": _gets("acks"),
    "hear of events": _binds("lienthong.events"),
    "hear of deliveries": _binds("lienthong.deliveries"),
    "hear of answers": _binds("lienthong.acks"),
    "publish work": _publishes("lienthong.deliveries", "normal.inbox.H26"),
    "publish events": _publishes("lienthong.events", "offered.H26"),
    "publish into another's queue": _publishes("", "agency.{other}"),
    "publish into the answers": _publishes("", "acks"),
    "answer under another's key": _publishes("lienthong.acks", "{other}"),
    "answer under a longer key": _publishes("lienthong.acks", "{other}.x"),
}


@pytest.mark.parametrize("act", FORBIDDEN.values(), ids=FORBIDDEN.keys())
async def test_agency_is_refused_by_the_broker_when_it_would(act: Act, site: AmqpSite) -> None:
    program, other = await site.program(0), await site.program(1)

    with pytest.raises(ChannelAccessRefused):
        await act(program, other.agency)


async def test_answer_in_another_agencys_name_is_refused_by_the_broker(site: AmqpSite) -> None:
    program, other = await site.program(0), await site.program(1)
    delivery = await site.send(1)

    with pytest.raises(ChannelPreconditionFailed):
        await program.answer({"delivery": delivery.id, "answer": "accepted"}, user_id=other.user)

    assert (await site.books.state(delivery)).state is DeliveryState.OFFERED


async def test_answer_about_another_agencys_delivery_changes_nothing(site: AmqpSite) -> None:
    program = await site.program(0)
    delivery = await site.send(1)

    await program.answer({"delivery": delivery.id, "answer": "accepted"})

    await until(lambda: site.counters.acknowledgements_dropped == 1)
    assert (await site.books.state(delivery)).state is DeliveryState.OFFERED


async def test_answer_without_a_user_id_changes_nothing(site: AmqpSite) -> None:
    program = await site.program()
    delivery = await site.send()

    await program.answer({"delivery": delivery.id, "answer": "accepted"}, user_id=None)

    await until(lambda: site.counters.acknowledgements_dropped == 1)
    assert (await site.books.state(delivery)).state is DeliveryState.OFFERED


async def test_malformed_answers_are_counted_and_hold_nobody_up(site: AmqpSite) -> None:
    program = await site.program()
    delivery = await site.send()

    for body in MALFORMED:
        await program.answer(body)
    await program.answer({"delivery": delivery.id, "answer": "accepted"})

    await site.reaches(delivery, DeliveryState.DELIVERED)
    await until(lambda: site.counters.acknowledgements_dropped == len(MALFORMED))


async def test_answer_waits_while_the_ledger_is_away(site: AmqpSite) -> None:
    program = await site.program()
    asked: list[DeliveryId] = []

    async def acknowledge(delivery: DeliveryId, /, **_: Any) -> None:
        asked.append(delivery)
        if len(asked) == 1:
            raise StoreUnavailable

    counters = BrokerCounters()
    async with open_acknowledgements(site.node.url, acknowledge, counters=counters):
        await site.stop_working()
        await program.answer({"delivery": "d-1", "answer": "accepted"})
        await until(lambda: counters.acknowledged == 1)

    assert asked == ["d-1", "d-1"]
    assert counters.acknowledgements_dropped == 0


# --- the broker forgets ----------------------------------------------------------------------------


async def test_what_stood_in_a_lost_queue_is_handed_over_again(site: AmqpSite) -> None:
    program = await site.program()
    delivery = await site.send()
    answered = await site.send()
    await program.answer({"delivery": answered.id, "answer": "accepted"})
    await site.reaches(answered, DeliveryState.DELIVERED)
    await _delete_queue(site, program.user)

    await site.queues.look_after()

    (due,) = await _due(site)
    assert due.delivery == delivery.id
    site.exchange.broker.announce([due])
    told = msgspec.json.decode((await program.read()).body)
    assert told["delivery"] == delivery.id


async def test_a_delivery_that_finds_its_queue_lost_brings_the_others_back(site: AmqpSite) -> None:
    first = await site.send()
    await _delete_queue(site, f"agency.{site.codes[0]}")

    await site.send()

    assert [each.delivery for each in await _due(site)] == [first.id]


async def test_a_wiped_broker_gets_the_agencies_queues_and_what_stood_in_them(site: AmqpSite) -> None:
    delivery = await site.send()

    await site.node.wipe()
    await until(lambda: site.counters.connected and site.counters.consuming, within=60)
    await site.queues.look_after()
    site.exchange.broker.announce(await _due(site))

    program = await site.program()
    assert msgspec.json.decode((await program.read()).body)["delivery"] == delivery.id


async def _delete_queue(site: AmqpSite, queue: str) -> None:
    async with await aio_pika.connect(site.node.url) as connection, connection.channel() as channel:
        await channel.queue_delete(queue)


async def _due(site: AmqpSite) -> list[Any]:
    return await site.exchange.deliveries.overdue(
        list(topology.work_queues()), now=site.exchange.clock(), grace=timedelta(0), limit=100
    )


# --- credentials -----------------------------------------------------------------------------------


async def test_revoked_agency_is_thrown_out_and_cannot_come_back(site: AmqpSite) -> None:
    made = await create(site.settings, site.codes[0])
    program = await site.connect(site.codes[0], made["password"])

    await revoke(site.settings, site.codes[0])

    await until(lambda: program.channel.is_closed)
    with pytest.raises(AMQPConnectionError):
        await site.connect(site.codes[0], made["password"])
    with pytest.raises(NotFound):
        await revoke(site.settings, site.codes[0])


async def test_rotated_password_replaces_the_old_one(site: AmqpSite) -> None:
    made = await create(site.settings, site.codes[0])

    rotated = await rotate(site.settings, site.codes[0])

    await site.connect(site.codes[0], rotated["password"])
    with pytest.raises(ProbableAuthenticationError):
        await site.connect(site.codes[0], made["password"])


async def test_agency_has_one_user_and_only_agencies_have_one(site: AmqpSite) -> None:
    await create(site.settings, site.codes[0])
    with pytest.raises(Conflict):
        await create(site.settings, site.codes[0])
    with pytest.raises(NotFound):
        await create(site.settings, AgencyCode("H26.nobody"))


async def test_without_the_management_api_the_commands_to_run_by_hand_do_the_same(site: AmqpSite) -> None:
    by_hand = msgspec.structs.replace(
        site.settings, broker=msgspec.structs.replace(site.settings.broker, management_url="")
    )
    with pytest.raises(BrokerUsersUnavailable) as told:
        await create(by_hand, site.codes[0])
    for line in told.value.reasons:
        await site.node.ctl(*shlex.split(line)[1:])

    shown = await site.node.ctl("list_permissions", "-p", "/", "--formatter", "json")
    topics = await site.node.ctl("list_topic_permissions", "-p", "/", "--formatter", "json")
    user = BrokerUser(site.codes[0], "/")
    assert {"user": user.name, **user.permissions} in msgspec.json.decode(shown)
    assert {"user": user.name, **user.topic_permissions} in msgspec.json.decode(topics)
