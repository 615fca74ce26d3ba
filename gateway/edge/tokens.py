"""Access tokens: opaque, random, kept as hashes only."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.domain.directory_ports import Clients, Directory
from gateway.domain.errors import NotAllowed
from gateway.domain.model import Agency, Client, Role
from gateway.domain.ports import Clock

REMEMBERED_FOR = timedelta(seconds=5)
"""How long a looked-up token is believed: a revocation takes effect within it, in every process."""
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: a client, and the agency it acts for (None for an administrator)."""

    client: Client
    agency: Agency | None

    @property
    def is_administrator(self) -> bool:
        """Return whether the client looks after the exchange."""
        return self.client.role is Role.ADMINISTRATOR

    @property
    def account(self) -> str:
        """Return whom the limits are counted for."""
        return self.agency.code if self.agency else self.client.id

    def acting_agency(self) -> Agency:
        """Return the agency the client acts for.

        Raises:
            NotAllowed: It acts for none.
        """
        if self.agency is None:
            raise NotAllowed("Only a client of an agency may do this.")
        return self.agency


@dataclass(slots=True)
class Tokens:
    """Gives tokens out and finds their callers, remembering them for a few seconds."""

    clients: Clients
    directory: Directory
    clock: Clock
    life: timedelta
    _remembered: dict[str, tuple[Caller, datetime]] = field(default_factory=dict)

    async def issue(self, client: Client) -> str:
        """Return a fresh token of the client, good for `life`."""
        token = secrets.token_urlsafe(32)
        await self.clients.add_token(_sha256(token), client.id, expires_at=self.clock() + self.life)
        return token

    async def caller(self, token: str) -> Caller | None:
        """Return whose token this is, None when it is unknown, expired or revoked."""
        now = self.clock()
        sha256 = _sha256(token)
        remembered = self._remembered.get(sha256)
        if remembered is not None and timedelta(0) <= now - remembered[1] < REMEMBERED_FOR:
            return remembered[0]
        client = await self.clients.client_of_token(sha256, now=now)
        if client is None:
            self._remembered.pop(sha256, None)
            return None
        agency = await self.directory.agency(client.agency) if client.agency else None
        caller = Caller(client, agency)
        if len(self._remembered) >= REMEMBERED:
            self._remembered.clear()
        self._remembered[sha256] = (caller, now)
        return caller


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
