"""The connected centres, with their secrets and agencies, remembered for a few seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.secrets import SecretBox
from gateway.domain.errors import NotYourAgency
from gateway.domain.ledger_ports import Directory, Systems
from gateway.domain.model import Agency, AgencyCode, System, SystemId
from gateway.domain.ports import Clock
from gateway.service.exchange import legal_date

REMEMBERED_FOR = timedelta(seconds=5)
"""How long a centre is believed: a revocation takes effect within it, in every process."""
REMEMBERED = 1_000
CODES_REMEMBERED = 1_000


@dataclass(slots=True)
class Centre:
    """A centre as it was a moment ago. `secrets` are those that count: the present one first."""

    system: System
    secrets: tuple[str, ...]
    read_at: datetime
    directory: Directory
    _meant: dict[str, Agency | None] = field(default_factory=dict)

    @property
    def agencies(self) -> frozenset[AgencyCode]:
        """Return the own codes of the agencies behind it."""
        return self.system.agencies

    @property
    def account(self) -> str:
        """Return whom the limits are counted for; no agency has a code like it."""
        return f"vxp:{self.system.id}"

    async def agency(self, code: str) -> Agency:
        """Return the agency behind this centre that a code means today.

        Raises:
            NotYourAgency: There is none.
        """
        if code not in self._meant:
            if len(self._meant) >= CODES_REMEMBERED:
                self._meant.clear()
            found = await self.directory.resolve([code], on=legal_date(self.read_at))
            self._meant[code] = found.get(code)
        agency = self._meant[code]
        if agency is None or agency.code not in self.agencies:
            raise NotYourAgency(reasons=(f"{code[:64]}: no agency of {self.system.id}",))
        return agency


class Centres:
    """Finds centres by their system ids."""

    def __init__(self, systems: Systems, directory: Directory, *, box: SecretBox, clock: Clock) -> None:
        self._systems = systems
        self._directory = directory
        self._box = box
        self._clock = clock
        self._remembered: dict[str, Centre] = {}

    async def find(self, system_id: str) -> Centre | None:
        """Return a centre, None when it is unknown or revoked.

        Raises:
            DependencyUnavailable: Its secrets cannot be read.
        """
        now = self._clock()
        remembered = self._remembered.get(system_id)
        if remembered is not None and timedelta(0) <= now - remembered.read_at < REMEMBERED_FOR:
            return remembered
        self._remembered.pop(system_id, None)
        system = await self._systems.find(SystemId(system_id))
        if system is None or system.revoked_at is not None:
            return None
        if len(self._remembered) >= REMEMBERED:
            self._remembered.clear()
        centre = Centre(system, self._secrets(system, now), now, self._directory)
        self._remembered[system_id] = centre
        return centre

    def forget(self, system: SystemId) -> None:
        """Read a centre anew next time: its agencies have changed."""
        self._remembered.pop(system, None)

    def _secrets(self, system: System, now: datetime) -> tuple[str, ...]:
        sealed = [system.secret]
        until = system.previous_valid_until
        if system.previous_secret is not None and until is not None and now < until:
            sealed.append(system.previous_secret)
        return tuple(self._box.open(each, owner=system.id) for each in sealed)
