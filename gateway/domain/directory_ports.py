"""Ports to the part of the record that says who is who: agencies, their clients, their centres."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Protocol

from gateway.domain.ledger import (
    DirectoryChanges,
    Registration,
)
from gateway.domain.model import (
    Agency,
    AgencyCode,
    Client,
    ClientId,
    System,
    SystemId,
)


class Directory(Protocol):
    """The agencies and all their codes."""

    async def resolve(self, codes: Collection[str], *, on: date) -> dict[str, Agency]:
        """Return the agency each given code or alias means on that day; unknown ones are left out.

        Closed agencies are returned too. An own code wins over an alias.
        """

    async def agency(self, code: AgencyCode) -> Agency | None:
        """Return one agency by its own code."""

    async def page(self, *, after: AgencyCode | None, limit: int) -> list[Agency]:
        """Return agencies in the order of their own codes, those behind `after` first."""

    async def version(self) -> str:
        """Return a short text that changes whenever any agency does."""

    async def upsert(self, agencies: Sequence[Agency], *, now: datetime) -> DirectoryChanges:
        """Insert or change these agencies and their aliases; others stay as they are.

        Raises:
            Conflict: An alias would mean two agencies on the same day, or a parent is unknown;
                `reasons` names them all and nothing is changed.
        """


class Clients(Protocol):
    """Credentials and access tokens. Only hashes of secrets are kept."""

    async def add(self, client: Client) -> None:
        """Insert a client."""

    async def replace(self, client: Client) -> None:
        """Change a client's credentials or revoke it; revoking ends its tokens."""

    async def find(self, client: ClientId) -> Client | None:
        """Return a client, revoked or not."""

    async def of_agency(self, agency: AgencyCode) -> list[Client]:
        """Return the clients of an agency, oldest first."""

    async def add_token(self, sha256: str, client: ClientId, *, expires_at: datetime) -> None:
        """Keep the hash of an access token."""

    async def client_of_token(self, sha256: str, *, now: datetime) -> Client | None:
        """Return the client of a live token, None when it is unknown, expired or its client revoked."""

    async def use_assertion(self, client: ClientId, jti: str, *, expires_at: datetime) -> bool:
        """Remember a client assertion's id; False when it was used before."""

    async def forget_expired(self, *, now: datetime) -> None:
        """Remove tokens and assertion ids that no longer count."""


class Systems(Protocol):
    """Connected centres (VXP) and the agencies behind them."""

    async def add(self, system: System) -> None:
        """Insert a centre and its agencies.

        Raises:
            Conflict: Its id is taken, or an agency is unknown or behind another centre.
        """

    async def replace(self, system: System) -> None:
        """Change a centre itself; who is behind it stays as it is.

        Raises:
            Conflict: There is no such centre.
        """

    async def place(self, system: SystemId, agencies: Collection[AgencyCode]) -> None:
        """Put agencies behind a centre; those behind it already stay there.

        Raises:
            Conflict: An agency is unknown or behind another centre.
        """

    async def remove(self, system: SystemId, agencies: Collection[AgencyCode]) -> None:
        """Take agencies away from a centre; those not behind it are left alone."""

    async def register(
        self, system: SystemId, registration: Registration, *, now: datetime, most: int
    ) -> None:
        """Insert or change an agency and put it behind a centre. One that the centre has closed is open
        again. A parent nobody knows is left out.

        Raises:
            NotYourAgency: Another agency has, or ever had, its code, in any letters; or it is there already
                and not behind this centre; or it was closed by somebody else; or the centre may not put it
                beneath this parent.
            Conflict: There are `most` agencies behind the centre; or they would lie in a circle or too deep.
        """

    async def close(self, system: SystemId, agency: AgencyCode, *, now: datetime) -> None:
        """Close an agency of the centre from today on; one that is closed stays as it is.

        Raises:
            NotYourAgency: It is not behind this centre.
        """

    async def find(self, system: SystemId) -> System | None:
        """Return a centre, revoked or not."""

    async def every(self) -> list[System]:
        """Return all centres in the order of their ids."""

    async def version(self) -> str:
        """Return a short text that changes whenever any centre does, or who is behind it."""

    async def use_call(self, system: SystemId, sha256: str, *, expires_at: datetime) -> bool:
        """Remember a signed call; False when it was used before."""

    async def forget_expired(self, *, now: datetime) -> None:
        """Remove signed calls that no longer count."""
