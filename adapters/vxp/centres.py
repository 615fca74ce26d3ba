"""The connected centres, with their secrets and agencies, remembered until one of them changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.secrets import SecretBox
from adapters.vxp.agencies import Agencies
from adapters.vxp.versions import Version
from gateway.domain.directory_ports import Systems
from gateway.domain.errors import NotYourAgency
from gateway.domain.model import Agency, AgencyCode, System, SystemId
from gateway.domain.ports import Clock

BELIEVED_FOR = timedelta(minutes=1)
"""How long a centre is believed though no version has changed: its row may have been changed by hand, or by
a release that knows no versions."""
REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Centre:
    """A centre as it was a moment ago. `secrets`: the present one, and the one before if it still counted."""

    system: System
    secrets: tuple[str, ...]
    read_at: datetime
    version: str
    """Of all centres, from before it was read."""
    known: Agencies

    @property
    def agencies(self) -> frozenset[AgencyCode]:
        """Return the own codes of the agencies behind it."""
        return self.system.agencies

    @property
    def account(self) -> str:
        """Return whom the limits are counted for; no agency has a code like it."""
        return f"vxp:{self.system.id}"

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        """Return the secrets that count: the present one first."""
        return self.secrets if _counts_previous(self.system, now) else self.secrets[:1]

    async def agency(self, code: str) -> Agency:
        """Return the agency behind this centre that a code means today.

        Raises:
            NotYourAgency: There is none.
        """
        agency = (await self.known.resolve([code])).get(code)
        if agency is None or agency.code not in self.agencies:
            raise NotYourAgency(reasons=(f"{code[:64]}: no agency of {self.system.id}",))
        return agency


class Centres:
    """Finds centres by their system ids."""

    def __init__(self, systems: Systems, agencies: Agencies, *, box: SecretBox, clock: Clock) -> None:
        self._systems = systems
        self._agencies = agencies
        self._box = box
        self._clock = clock
        self._version = Version(systems.version, clock)
        self._remembered: dict[str, Centre] = {}

    async def find(self, system_id: str) -> Centre | None:
        """Return a centre, None when it is unknown or revoked.

        Raises:
            DependencyUnavailable: Its secrets cannot be read.
        """
        now, version = self._clock(), await self._version.current()
        known = self._remembered.get(system_id)
        if (
            known is not None
            and known.version == version
            and timedelta(0) <= now - known.read_at < BELIEVED_FOR
        ):
            return known
        self._remembered.pop(system_id, None)
        system = await self._systems.find(SystemId(system_id))
        if system is None or system.revoked_at is not None:
            return None
        if len(self._remembered) >= REMEMBERED:
            self._remembered.clear()
        centre = Centre(system, self._secrets(system, now), now, version, self._agencies)
        self._remembered[system_id] = centre
        return centre

    def look_again(self) -> None:
        """Ask the record next time: this process has changed a centre or one of its agencies."""
        self._version.ask_again()
        self._agencies.look_again()

    def _secrets(self, system: System, now: datetime) -> tuple[str, ...]:
        sealed = [system.secret]
        if system.previous_secret is not None and _counts_previous(system, now):
            sealed.append(system.previous_secret)
        return tuple(self._box.open(each, owner=system.id) for each in sealed)


def _counts_previous(system: System, now: datetime) -> bool:
    return system.previous_valid_until is not None and now < system.previous_valid_until
