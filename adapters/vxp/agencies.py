"""Which agencies codes mean today, remembered until the directory changes."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.vxp.listings import Edition, code_in_lists
from adapters.vxp.versions import Version
from gateway.domain.directory_ports import Directory
from gateway.domain.model import Agency, AgencyCode
from gateway.domain.ports import Clock
from gateway.service.exchange import legal_date

REMEMBERED = 10_000


class Agencies:
    """Finds agencies by their codes; those of a hundred polls are the same ones again and again."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._version = Version(directory.version, clock)
        self._edition: Edition | None = None
        self._meant: dict[str, Agency] = {}

    async def resolve(self, codes: Iterable[str]) -> dict[str, Agency]:
        """Return the agency each of these codes means today, of those that mean any."""
        wanted = set(codes)
        edition = Edition(await self._version.current(), legal_date(self._clock()))
        if edition != self._edition or len(self._meant) > REMEMBERED:
            self._edition, self._meant = edition, {}
        # Its own name for it: another call may put a newer edition in its place meanwhile.
        meant = self._meant
        if unknown := wanted - meant.keys():
            meant |= await self._directory.resolve(unknown, on=edition.day)
        return {code: meant[code] for code in wanted if code in meant}

    async def codes(self, agencies: Iterable[AgencyCode]) -> dict[AgencyCode, str]:
        """Return by own code the code each agency has in lists: the one it has in packets."""
        wanted = set(agencies)
        if not wanted:
            return {}
        known = await self.resolve(wanted)
        today = legal_date(self._clock())
        return {code: code_in_lists(known[code], on=today) if code in known else code for code in wanted}

    def look_again(self) -> None:
        """Ask the directory next time: this process has changed it."""
        self._version.ask_again()
