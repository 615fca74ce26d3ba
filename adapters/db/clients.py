"""Credentials and access tokens. Only hashes of secrets are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, insert, select, update

from adapters.db.engine import Database
from adapters.db.rows import AnyRow
from adapters.db.schema import assertions, clients, tokens
from gateway.domain.model import AgencyCode, Client, ClientId, Role

_CLIENTS: Select[Any] = select(
    clients.c.id,
    clients.c.role,
    clients.c.agency,
    clients.c.secret_sha256,
    clients.c.public_key,
    clients.c.created_at,
    clients.c.revoked_at,
    clients.c.previous_secret_sha256,
    clients.c.previous_valid_until,
)


class SqlClients:
    """Meets the port `Clients`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, client: Client) -> None:
        """Insert a client."""
        async with self._database.write() as connection:
            await connection.execute(insert(clients), _row(client))

    async def replace(self, client: Client) -> None:
        """Change a client's credentials or revoke it; revoking ends its tokens."""
        async with self._database.write() as connection:
            await connection.execute(update(clients).where(clients.c.id == client.id), _row(client))
            if client.revoked_at is not None:
                await connection.execute(delete(tokens).where(tokens.c.client == client.id))

    async def find(self, client: ClientId) -> Client | None:
        """Return a client, revoked or not."""
        return await self._one(_CLIENTS.where(clients.c.id == client))

    async def of_agency(self, agency: AgencyCode) -> list[Client]:
        """Return the clients of an agency, oldest first."""
        query = _CLIENTS.where(clients.c.agency == agency).order_by(clients.c.created_at, clients.c.id)
        async with self._database.read() as connection:
            return [_client(row) for row in await connection.execute(query)]

    async def add_token(self, sha256: str, client: ClientId, *, expires_at: datetime) -> None:
        """Keep the hash of an access token."""
        row = {"sha256": sha256, "client": client, "expires_at": expires_at}
        async with self._database.write() as connection:
            await connection.execute(insert(tokens), row)

    async def client_of_token(self, sha256: str, *, now: datetime) -> Client | None:
        """Return the client of a live token, None when it is unknown, expired or its client revoked."""
        return await self._one(
            _CLIENTS.join(tokens, tokens.c.client == clients.c.id).where(
                tokens.c.sha256 == sha256, tokens.c.expires_at > now, clients.c.revoked_at.is_(None)
            )
        )

    async def use_assertion(self, client: ClientId, jti: str, *, expires_at: datetime) -> bool:
        """Remember a client assertion's id; False when it was used before."""
        row = {"client": client, "jti": jti, "expires_at": expires_at}
        async with self._database.write() as connection:
            stored = await connection.execute(self._database.insert_or_ignore(assertions), row)
            return stored.rowcount == 1

    async def forget_expired(self, *, now: datetime) -> None:
        """Remove tokens and assertion ids that no longer count."""
        async with self._database.write() as connection:
            for table in (tokens, assertions):
                await connection.execute(delete(table).where(table.c.expires_at <= now))

    async def _one(self, query: Select[Any]) -> Client | None:
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _client(row)


def _client(row: AnyRow) -> Client:
    return Client(
        id=row.id,
        role=Role(row.role),
        agency=row.agency,
        secret_sha256=row.secret_sha256,
        public_key=row.public_key,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        previous_secret_sha256=row.previous_secret_sha256,
        previous_valid_until=row.previous_valid_until,
    )


def _row(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "role": client.role.value,
        "agency": client.agency,
        "secret_sha256": client.secret_sha256,
        "public_key": client.public_key,
        "created_at": client.created_at,
        "revoked_at": client.revoked_at,
        "previous_secret_sha256": client.previous_secret_sha256,
        "previous_valid_until": client.previous_valid_until,
    }
