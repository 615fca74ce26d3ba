"""Broker credentials of agencies: a RabbitMQ user each, which may read its own queue and answer, no more."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

import aiohttp
from yarl import URL

from adapters.db.ledger import open_ledger
from broker import topology
from gateway.domain.errors import Conflict, DependencyUnavailable, NotFound
from gateway.domain.model import AgencyCode, Channel
from ops.desk import Json, new_secret
from ops.settings import DIRECT, Settings, SettingsError

ANSWER_WITHIN = aiohttp.ClientTimeout(total=10)

Step = tuple[str, str, Json]
"""One request to the management API: method, path, what is sent."""


class BrokerUsersUnavailable(DependencyUnavailable):
    """RabbitMQ's management API did not do it. Look at broker.management_url, its user and its plug-in."""

    code = "broker-management-unavailable"


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """An agency's user on one virtual host. Its name is the name of its queue."""

    agency: AgencyCode
    vhost: str
    password: str = field(default_factory=new_secret, repr=False)

    @property
    def name(self) -> str:
        """Return the user's name."""
        return topology.agency_queue(self.agency)

    @property
    def permissions(self) -> dict[str, str]:
        """Return what it may do: declare nothing, publish its answers, read its own queue."""
        return {
            "configure": "^$",
            "write": f"^{re.escape(topology.ACKS)}$",
            "read": f"^{re.escape(self.name)}$",
        }

    @property
    def topic_permissions(self) -> dict[str, str]:
        """Return which routing keys it may use on the exchange of the answers: its own code."""
        return {"exchange": topology.ACKS, "write": f"^{re.escape(self.agency)}$", "read": "^$"}

    def steps_to_create(self) -> list[Step]:
        """Return how to make it and its queue.

        The permission to publish comes last: without topic permissions any routing key would do.
        """
        vhost, name = quote(self.vhost, safe=""), quote(self.name, safe="")
        arguments = topology.quorum(delivery_limit=topology.NO_DELIVERY_LIMIT)
        return [
            ("PUT", f"exchanges/{vhost}/{topology.ACKS}", {"type": "topic", "durable": True}),
            ("PUT", f"queues/{vhost}/{name}", {"durable": True, "arguments": arguments}),
            self.step_to_set_password(),
            ("PUT", f"topic-permissions/{vhost}/{name}", self.topic_permissions),
            ("PUT", f"permissions/{vhost}/{name}", self.permissions),
        ]

    def step_to_set_password(self) -> Step:
        """Return how it gets its password, and no tag: it may not even look at the management pages."""
        return ("PUT", f"users/{quote(self.name, safe='')}", {"password": self.password, "tags": ""})

    def step_to_delete(self) -> Step:
        """Return how it goes; the broker closes its connections."""
        return ("DELETE", f"users/{quote(self.name, safe='')}", {})

    def commands(self, action: str) -> list[str]:
        """Return what to run by hand on the broker's machine instead; its queue the workers make."""
        by_hand: dict[str, list[Sequence[str]]] = {
            "create": [
                ("add_user", self.name, self.password),
                (
                    "set_topic_permissions", "-p", self.vhost, self.name,
                    *(self.topic_permissions[key] for key in ("exchange", "write", "read")),
                ),
                (
                    "set_permissions", "-p", self.vhost, self.name,
                    *(self.permissions[key] for key in ("configure", "write", "read")),
                ),
            ],
            "rotate": [("change_password", self.name, self.password)],
            "revoke": [("delete_user", self.name)],
        }  # fmt: skip
        return [shlex.join(["rabbitmqctl", *words]) for words in by_hand[action]]


async def create(settings: Settings, agency: AgencyCode) -> Json:
    """Make an agency's user and queue; the password is shown this once.

    Raises:
        NotFound: There is no such agency.
        Conflict: It has a user.
        BrokerUsersUnavailable: RabbitMQ did not do it, or is not reachable for this: `reasons` says how.
        SettingsError: The exchange has no RabbitMQ.
    """
    user = BrokerUser(agency, _vhost(settings))
    channel = await _channel_of(settings, agency)
    async with _management(settings, user, "create") as management:
        if await management.has(user):
            raise Conflict(f"{agency} has a broker user; give it a new password with rotate.")
        for step in user.steps_to_create():
            await management.take(step)
    todo = None if channel is Channel.AMQP else f"import {agency} with channel=amqp, or nothing will come"
    return {**_credentials(user), "queue": user.name, "answers_to": topology.ACKS, "todo": todo}


async def rotate(settings: Settings, agency: AgencyCode) -> Json:
    """Give an agency's user a new password; connections that stand go on.

    Raises:
        NotFound: It has no user.
        BrokerUsersUnavailable, SettingsError: As `create`.
    """
    user = BrokerUser(agency, _vhost(settings))
    async with _management(settings, user, "rotate") as management:
        await management.demand(user)
        await management.take(user.step_to_set_password())
    return _credentials(user)


async def revoke(settings: Settings, agency: AgencyCode) -> Json:
    """Delete an agency's user; its connections are closed at once, its queue stays with what it holds.

    Raises:
        NotFound: It has no user.
        BrokerUsersUnavailable, SettingsError: As `create`.
    """
    user = BrokerUser(agency, _vhost(settings))
    async with _management(settings, user, "revoke") as management:
        await management.demand(user)
        await management.take(user.step_to_delete())
    return {"agency": agency, "revoked": user.name, "queue": user.name}


def _credentials(user: BrokerUser) -> Json:
    return {"agency": user.agency, "user": user.name, "password": user.password, "vhost": user.vhost}


def _vhost(settings: Settings) -> str:
    if settings.broker_url == DIRECT:
        raise SettingsError(["broker_url: the channel amqp needs RabbitMQ"])
    return unquote(urlsplit(settings.broker_url).path[1:]) or "/"


async def _channel_of(settings: Settings, agency: AgencyCode) -> Channel:
    async with open_ledger(settings.record_url) as ledger:
        found = await ledger.directory.agency(agency)
    if found is None:
        raise NotFound(f"There is no agency {agency}.")
    return found.channel


class _Management:
    """RabbitMQ's management API."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def has(self, user: BrokerUser) -> bool:
        """Return whether the user exists."""
        return await self._ask("GET", f"users/{quote(user.name, safe='')}", None) != 404

    async def demand(self, user: BrokerUser) -> None:
        """Pass when the user exists.

        Raises:
            NotFound: It does not.
        """
        if not await self.has(user):
            raise NotFound(f"{user.agency} has no broker user.")

    async def take(self, step: Step) -> None:
        """Take one step.

        Raises:
            BrokerUsersUnavailable: It cannot be taken.
        """
        method, path, sent = step
        if await self._ask(method, path, sent) == 404:
            raise BrokerUsersUnavailable(f"RabbitMQ knows no {path}.")

    async def _ask(self, method: str, path: str, sent: Json | None) -> int:
        """Return 404, or a status that means done."""
        try:
            # Encoded already: the slash in a virtual host's name must arrive as %2F.
            url = URL(f"{self._base}/api/{path}", encoded=True)
            async with self._session.request(method, url, json=sent) as answer:
                status, said = answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise BrokerUsersUnavailable(f"RabbitMQ's management API does not answer: {error!r}") from error
        if status != 404 and not 200 <= status < 300:
            raise BrokerUsersUnavailable(f"RabbitMQ's management API answered {status}: {said[:300]}")
        return status


@asynccontextmanager
async def _management(settings: Settings, user: BrokerUser, action: str) -> AsyncIterator[_Management]:
    url = urlsplit(settings.broker.management_url)
    if not url.hostname:
        raise BrokerUsersUnavailable(
            "broker.management_url is not set. Run on the broker's machine:",
            reasons=tuple(user.commands(action)),
        )
    base = f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path.rstrip('/')}"
    login = aiohttp.encode_basic_auth(unquote(url.username or ""), unquote(url.password or ""))
    async with aiohttp.ClientSession(headers={"Authorization": login}, timeout=ANSWER_WITHIN) as session:
        yield _Management(session, base)
