"""The port `Clients`, over every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from adapters.db.clients import SqlClients
from gateway.domain.model import Client, ClientId, Role
from tests.support.exchange_samples import NOW
from tests.support.ledgers import PULLS, Books

SOON = NOW + timedelta(minutes=15)
CLIENT = Client(
    id=ClientId("client-1"),
    role=Role.AGENCY,
    agency=PULLS,
    secret_sha256="5e" * 32,
    public_key="-----BEGIN PUBLIC KEY-----",
    created_at=NOW,
    previous_secret_sha256="5f" * 32,
    previous_valid_until=SOON,
)
ADMINISTRATOR = Client(ClientId("client-2"), Role.ADMINISTRATOR, None, "60" * 32, None, NOW)


async def test_client_is_given_back_as_it_was_added(books: Books) -> None:
    await books.ledger.clients.add(CLIENT)
    assert await books.ledger.clients.find(CLIENT.id) == CLIENT


async def test_unknown_client_is_none(books: Books) -> None:
    assert await books.ledger.clients.find(ClientId("nobody")) is None


async def test_clients_of_an_agency_come_oldest_first(books: Books) -> None:
    younger = replace(CLIENT, id=ClientId("client-0"), created_at=SOON)
    for client in (younger, CLIENT, ADMINISTRATOR):
        await books.ledger.clients.add(client)
    assert await books.ledger.clients.of_agency(PULLS) == [CLIENT, younger]


async def test_replaced_credentials_leave_tokens_alive(books: Books) -> None:
    await books.ledger.clients.add(CLIENT)
    await books.ledger.clients.add_token("token", CLIENT.id, expires_at=SOON)
    rotated = replace(CLIENT, secret_sha256="61" * 32)
    await books.ledger.clients.replace(rotated)
    assert await books.ledger.clients.client_of_token("token", now=NOW) == rotated


async def test_revoking_a_client_ends_its_tokens_and_nobody_elses(books: Books) -> None:
    for client in (CLIENT, ADMINISTRATOR):
        await books.ledger.clients.add(client)
        await books.ledger.clients.add_token(f"token of {client.id}", client.id, expires_at=SOON)
    await books.ledger.clients.replace(replace(CLIENT, revoked_at=NOW))
    await books.ledger.clients.replace(CLIENT)  # not even when the revocation is taken back
    assert await books.ledger.clients.client_of_token("token of client-1", now=NOW) is None
    assert await books.ledger.clients.client_of_token("token of client-2", now=NOW) == ADMINISTRATOR


async def test_token_of_a_revoked_client_is_dead_even_when_given_out_later(books: Books) -> None:
    await books.ledger.clients.add(replace(CLIENT, revoked_at=NOW))
    await books.ledger.clients.add_token("token", CLIENT.id, expires_at=SOON)
    assert await books.ledger.clients.client_of_token("token", now=NOW) is None


async def test_token_lives_until_it_expires(books: Books) -> None:
    await books.ledger.clients.add(CLIENT)
    await books.ledger.clients.add_token("token", CLIENT.id, expires_at=SOON)
    just_before = SOON - timedelta(microseconds=1)
    assert await books.ledger.clients.client_of_token("token", now=just_before) == CLIENT
    assert await books.ledger.clients.client_of_token("token", now=SOON) is None
    assert await books.ledger.clients.client_of_token("another", now=NOW) is None


async def test_assertion_is_used_once_per_client(books: Books) -> None:
    for client in (CLIENT, ADMINISTRATOR):
        await books.ledger.clients.add(client)
    use = books.ledger.clients.use_assertion
    assert await use(CLIENT.id, "jti", expires_at=SOON)
    assert not await use(CLIENT.id, "jti", expires_at=SOON)
    assert await use(ADMINISTRATOR.id, "jti", expires_at=SOON)


async def test_assertion_used_by_many_at_once_is_accepted_once(books: Books) -> None:
    await books.ledger.clients.add(CLIENT)
    uses = [books.ledger.clients.use_assertion(CLIENT.id, "jti", expires_at=SOON) for _ in range(8)]
    assert sum(await asyncio.gather(*uses)) == 1


async def test_expired_tokens_and_assertions_are_forgotten_and_live_ones_kept(books: Books) -> None:
    clients = SqlClients(books.ledger.database)
    await clients.add(CLIENT)
    for name, expires_at in (("old", NOW), ("live", SOON)):
        await clients.add_token(name, CLIENT.id, expires_at=expires_at)
        await clients.use_assertion(CLIENT.id, name, expires_at=expires_at)
    await clients.forget_expired(now=NOW)
    assert await clients.client_of_token("live", now=NOW) == CLIENT
    assert await clients.use_assertion(CLIENT.id, "old", expires_at=SOON)
    assert not await clients.use_assertion(CLIENT.id, "live", expires_at=SOON)
