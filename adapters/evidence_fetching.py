"""Fetching what verdicts lack: answers of OCSP responders, revocation lists, certificates of authorities.

Strangers' files say where to fetch from. So only hosts that the site has listed are asked, only as
`egress.py` lets us go, no faster and no longer than the rules here. Answers are not read here: hostile bytes
are parsed in parsing workers alone. Those say of a statement about revocation whether it is genuine and when
its authority made it: most of them come over plain http, where anybody may send another or an old one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Protocol

from yarl import URL

from adapters.egress import AnswerTooLong, Egress, EgressAnswer, ForbiddenDestination, NoAnswer
from adapters.evidence_store import EvidenceFolder, Taken
from gateway.domain.errors import MalformedDocument, VerificationUnavailable
from gateway.domain.ports import Clock
from signing.report import Wanted

_log = logging.getLogger(__name__)

_KIB = 1024
_LIST, _CERTIFICATE = "crl", "issuer"
_MAX_WANTED = 20
"""How many pieces of evidence are fetched for one file, and in how many places each is looked for."""
_MAX_PLACES = 4
_MAX_UNDER_WAY = 200
_MAX_HOSTS_TOLD = 100
_LONGEST_HOST = 255
"""How many fetches may wait for their turn; those beyond are left for another time."""
_REMEMBERED = 10_000
"""How many keys are remembered as asked for lately; a forgotten one is only asked for earlier again."""
_DER_SEQUENCE = b"\x30"
"""How every answer begins, if it is one: no web page that says 200 takes the place of evidence."""
_PORTS = {"http": 80, "https": 443}
_ANY_TYPE = {"Accept": "*/*"}
_OCSP_TYPES = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}

_Place = tuple[str, str]
"""A host with its port, and what kind of evidence it is asked for."""


@dataclass(frozen=True, slots=True)
class FetchRules:
    """Whom to ask, and how often.

    `hosts` are names, asked on the usual ports, or `name:port`. What was asked for is not asked for again
    within `again_after`, and a host that gave no answer is not asked for the same kind of evidence for as
    long: it may be too slow for a long list, and quick to answer about one certificate.
    """

    hosts: frozenset[str] = frozenset()
    crl_bytes: int = 16 * _KIB * _KIB
    again_after: timedelta = timedelta(minutes=1)

    def max_bytes(self, kind: str) -> int:
        """Return how long an answer of this kind may be."""
        return self.crl_bytes if kind == _LIST else 64 * _KIB

    def origin(self, url: str) -> str | None:
        """Return `host:port` of a URL, None when it is none that may be asked."""
        try:
            # The same reader as that of `egress.py`: two could take different hosts out of one text.
            parts = URL(url)
            host, port = (parts.raw_host or "").lower(), parts.port
        except ValueError:
            return None
        if parts.scheme not in _PORTS or not host:
            return None
        named = host if port == _PORTS[parts.scheme] else f"{host}:{port}"
        return f"{host}:{port}" if named in self.hosts else None


class Namers(Protocol):
    """Reads evidence out of reach of its bytes."""

    async def name_evidence(self, path: Path, *, wanted: Wanted | None = None) -> dict[str, str]:
        """Return under which keys an answer belongs that may be what is wanted, and its edition under each.

        Raises:
            MalformedDocument: It is not what is wanted.
            VerificationUnavailable: Nobody could be had who reads it.
        """


@dataclass(slots=True)
class _Asked:
    """When a key was last asked for, and when an answer to it came, if one did."""

    at: datetime
    answered_at: datetime | None = None


@dataclass(slots=True)
class Fetcher:
    """Fetches evidence into the store: each key once at a time, each host by one request a kind at a time."""

    clock: Clock
    rules: FetchRules
    _egress: Egress
    _evidence: EvidenceFolder
    _namers: Namers
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many fetches ended how, by kind of evidence: for the metrics."""
    _under_way: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _asked: OrderedDict[str, _Asked] = field(default_factory=OrderedDict)
    _silent_until: dict[_Place, datetime] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _lines: defaultdict[_Place, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def fetch(self, wanted: Sequence[Wanted], *, since: datetime, within: timedelta) -> bool:
        """Return whether an answer to one of these has come since a moment, and try to get them first.

        Lists are long, and say what a responder may have said shorter: they are got when nothing else came.

        Args:
            wanted: What a verdict lacked.
            since: When that verdict was begun: an answer that came meanwhile counts too.
            within: How long the caller waits. What takes longer goes on, for the next who wants it.
        """
        until = monotonic() + within.total_seconds()
        distinct = {each.key: each for each in wanted}.values()  # signers of one authority share its list
        lists = [each for each in distinct if each.kind == _LIST]
        others = [each for each in distinct if each.kind != _LIST]
        for some in (others, lists):
            under_way = [task for each in some[:_MAX_WANTED] if (task := self._started(each)) is not None]
            if under_way:
                await asyncio.wait(under_way, timeout=max(0, until - monotonic()))
            if any(self._has_come(each.key, since) for each in some):
                return True
        return False

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _started(self, wanted: Wanted) -> asyncio.Task[None] | None:
        """Return the fetch that is under way for this, begun now if it may begin."""
        if (running := self._under_way.get(wanted.key)) is not None:
            return running
        asked = self._asked.get(wanted.key)
        if asked is not None and self.clock() < asked.at + self.rules.again_after:
            return None
        if len(self._under_way) >= _MAX_UNDER_WAY:
            self._count(wanted, "put-off")
            return None
        task = asyncio.create_task(self._fetch(wanted), name=f"fetch {wanted.kind}")
        self._under_way[wanted.key] = task
        task.add_done_callback(lambda done: self._ended(wanted, done))
        return task

    def _ended(self, wanted: Wanted, task: asyncio.Task[None]) -> None:
        del self._under_way[wanted.key]
        if not task.cancelled() and (fault := task.exception()) is not None:
            # Whatever it is, it costs evidence and no verdict: nobody but this log hears of it.
            self._count(wanted, "broken")
            _log.error("evidence.fetch_broken", exc_info=fault)

    async def _fetch(self, wanted: Wanted) -> None:
        asked = self._asked[wanted.key] = _Asked(self.clock())
        self._asked.move_to_end(wanted.key)
        while len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
        for url in wanted.urls[:_MAX_PLACES]:
            content = await self._from_place(wanted, url)
            if content is not None and await self._is_kept(wanted, content):
                asked.at = asked.answered_at = self.clock()
                return

    async def _is_kept(self, wanted: Wanted, content: bytes) -> bool:
        """Keep an answer if it is one, and not older than the one at hand; return whether it was kept."""
        try:
            taken = [
                await asyncio.to_thread(self._evidence.keep, key, content, edition=edition)
                for key, edition in (await self._editions(wanted, content)).items()
            ]
        except MalformedDocument as refused:
            outcome, reason = "no-evidence", "; ".join(refused.reasons)
        except (VerificationUnavailable, OSError) as fault:
            outcome, reason = "not-kept", str(fault)
        else:
            outcome, reason = ("older" if Taken.OLDER in taken else "fetched"), ""
        self._count(wanted, outcome)
        fields = {"kind": wanted.kind, "size_bytes": len(content), "outcome": outcome, "reason": reason}
        if outcome == "fetched":
            _log.info("evidence.fetched", extra=fields)
        else:
            _log.warning("evidence.not_taken", extra=fields)
        return outcome == "fetched"

    async def _editions(self, wanted: Wanted, content: bytes) -> dict[str, str]:
        """Return under which keys an answer belongs, and its edition under each; certificates have none.

        Raises:
            MalformedDocument, VerificationUnavailable: As `Namers`.
            OSError: There is no room for it.
        """
        if wanted.kind == _CERTIFICATE:
            return {wanted.key: ""}
        aside = await asyncio.to_thread(self._evidence.put_aside, content)
        try:
            return await self._namers.name_evidence(aside, wanted=wanted)
        finally:
            aside.unlink(missing_ok=True)

    async def _from_place(self, wanted: Wanted, url: str) -> bytes | None:
        """Return the answer of one place, None when it gives none."""
        origin = self.rules.origin(url)
        if origin is None:
            self._count(wanted, "not-listed")
            self._tell_not_listed(url)
            return None
        place = origin, wanted.kind
        async with self._lines[place]:
            silent_until = self._silent_until.get(place)
            if silent_until is not None and self.clock() < silent_until:
                self._count(wanted, "silent")
                return None
            return await self._ask(wanted, url, place=place)

    async def _ask(self, wanted: Wanted, url: str, *, place: _Place) -> bytes | None:
        try:
            answer = await self._egress.fetch(
                url,
                content=wanted.request,
                headers=_OCSP_TYPES if wanted.request else _ANY_TYPE,
                max_bytes=self.rules.max_bytes(wanted.kind),
            )
        except NoAnswer as silence:
            self._silent_until[place] = self.clock() + self.rules.again_after
            outcome, reason = "no-answer", str(silence)
        except AnswerTooLong:
            outcome, reason = "too-long", ""
        except ForbiddenDestination as forbidden:
            outcome, reason = "forbidden", str(forbidden)
        else:
            if _is_evidence(answer):
                return answer.content
            outcome, reason = "no-evidence", f"status {answer.status}"
        self._count(wanted, outcome)
        fields = {"kind": wanted.kind, "host": place[0], "outcome": outcome, "reason": reason}
        _log.warning("evidence.not_fetched", extra=fields)
        return None

    def _has_come(self, key: str, since: datetime) -> bool:
        asked = self._asked.get(key)
        return asked is not None and asked.answered_at is not None and asked.answered_at >= since

    def _tell_not_listed(self, url: str) -> None:
        """Log each host once that would have to be listed; what names it is a stranger's."""
        host = url.split("/", 3)[2][:_LONGEST_HOST] if url.count("/") >= 2 else ""
        if host not in self._told and len(self._told) < _MAX_HOSTS_TOLD:
            self._told.add(host)
            _log.warning("evidence.host_not_listed", extra={"host": host})

    def _count(self, wanted: Wanted, outcome: str) -> None:
        self.outcomes[wanted.kind, outcome] += 1


def _is_evidence(answer: EgressAnswer) -> bool:
    return answer.status == 200 and answer.content.startswith(_DER_SEQUENCE)


@asynccontextmanager
async def open_fetcher(
    egress: Egress, evidence: EvidenceFolder, rules: FetchRules, *, namers: Namers, clock: Clock
) -> AsyncIterator[Fetcher]:
    """Yield a fetcher; what is under way ends with the context."""
    fetcher = Fetcher(clock, rules, egress, evidence, namers)
    try:
        yield fetcher
    finally:
        await fetcher.close()
