"""Fetching what verdicts lack: answers of OCSP responders, revocation lists, certificates of authorities.

Strangers' files say where to fetch from. So only hosts that the site has listed are asked, only as
`egress.py` lets us go, no faster and no longer than the rules here. Answers are not read here: hostile bytes
are parsed in parsing workers alone, and an answer that answers nothing is wanted again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from yarl import URL

from adapters.egress import AnswerTooLong, Egress, EgressAnswer, ForbiddenDestination, NoAnswer
from adapters.evidence_store import EvidenceFolder
from gateway.domain.ports import Clock
from signing.report import Wanted

_log = logging.getLogger(__name__)

_KIB = 1024
_LIST = "crl"
_MAX_WANTED = 20
"""How many pieces of evidence are fetched for one file, and in how many places each is looked for."""
_MAX_PLACES = 4
_MAX_UNDER_WAY = 200
"""How many fetches may wait for their turn; those beyond are left for another time."""
_REMEMBERED = 10_000
"""How many keys are remembered as asked for lately; a forgotten one is only asked for earlier again."""
_DER_SEQUENCE = b"\x30"
"""How every answer begins, if it is one: no web page that says 200 takes the place of evidence."""
_PORTS = {"http": 80, "https": 443}
_ANY_TYPE = {"Accept": "*/*"}
_OCSP_TYPES = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}


@dataclass(frozen=True, slots=True)
class FetchRules:
    """Whom to ask, and how often.

    `hosts` are names, asked on the usual ports, or `name:port`. What was asked for is not asked for again
    within `again_after`, and a host that gave no answer is left alone for as long.
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


@dataclass(slots=True)
class _Asked:
    """When a key was last asked for, and when an answer to it came, if one did."""

    at: datetime
    answered_at: datetime | None = None


@dataclass(slots=True)
class Fetcher:
    """Fetches evidence into the store: each key once at a time, each host by one request at a time."""

    clock: Clock
    rules: FetchRules
    _egress: Egress
    _evidence: EvidenceFolder
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many fetches ended how, by kind of evidence: for the metrics."""
    _under_way: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _asked: OrderedDict[str, _Asked] = field(default_factory=OrderedDict)
    _silent_until: dict[str, datetime] = field(default_factory=dict)
    _lines: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def fetch(self, wanted: Sequence[Wanted], *, since: datetime, within: timedelta) -> bool:
        """Return whether an answer to one of these has come since a moment, and try to get them first.

        Lists are long, and say what a responder may have said shorter: they are got when nothing else came.

        Args:
            wanted: What a verdict lacked.
            since: When that verdict was begun: an answer that came meanwhile counts too.
            within: How long the caller waits. What takes longer goes on, for the next who wants it.
        """
        if not self.rules.hosts:
            return False
        until = monotonic() + within.total_seconds()
        lists = [each for each in wanted if each.kind == _LIST]
        others = [each for each in wanted if each.kind != _LIST]
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
            if content is None:
                continue
            try:
                await asyncio.to_thread(self._evidence.keep, wanted.key, content)
            except OSError as full:
                self._count(wanted, "not-kept")
                _log.error("evidence.not_kept", extra={"reason": str(full)})
                return
            asked.at = asked.answered_at = self.clock()
            self._count(wanted, "fetched")
            _log.info("evidence.fetched", extra={"kind": wanted.kind, "size_bytes": len(content)})
            return

    async def _from_place(self, wanted: Wanted, url: str) -> bytes | None:
        """Return the answer of one place, None when it gives none."""
        origin = self.rules.origin(url)
        if origin is None:
            self._count(wanted, "not-listed")
            return None
        async with self._lines[origin]:
            silent_until = self._silent_until.get(origin)
            if silent_until is not None and self.clock() < silent_until:
                self._count(wanted, "silent")
                return None
            return await self._ask(wanted, url, origin=origin)

    async def _ask(self, wanted: Wanted, url: str, *, origin: str) -> bytes | None:
        try:
            answer = await self._egress.fetch(
                url,
                content=wanted.request,
                headers=_OCSP_TYPES if wanted.request else _ANY_TYPE,
                max_bytes=self.rules.max_bytes(wanted.kind),
            )
        except NoAnswer as silence:
            self._silent_until[origin] = self.clock() + self.rules.again_after
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
        fields = {"kind": wanted.kind, "host": origin, "outcome": outcome, "reason": reason}
        _log.warning("evidence.not_fetched", extra=fields)
        return None

    def _has_come(self, key: str, since: datetime) -> bool:
        asked = self._asked.get(key)
        return asked is not None and asked.answered_at is not None and asked.answered_at >= since

    def _count(self, wanted: Wanted, outcome: str) -> None:
        self.outcomes[wanted.kind, outcome] += 1


def _is_evidence(answer: EgressAnswer) -> bool:
    return answer.status == 200 and answer.content.startswith(_DER_SEQUENCE)


@asynccontextmanager
async def open_fetcher(
    egress: Egress, evidence: EvidenceFolder, rules: FetchRules, *, clock: Clock
) -> AsyncIterator[Fetcher]:
    """Yield a fetcher; what is under way ends with the context."""
    fetcher = Fetcher(clock, rules, egress, evidence)
    try:
        yield fetcher
    finally:
        await fetcher.close()
