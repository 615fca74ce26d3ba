"""Who is calling: headers signed with HMAC-SHA256 under the centre's secret.

The signature covers the headers it names, not the path and not the body; see ADR-0009 for what follows.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from multidict import CIMultiDictProxy

from adapters.vxp.centres import Centre, Centres
from gateway.domain.errors import MalformedRequest, NotAuthenticated, Throttled
from gateway.domain.model import SystemId
from gateway.domain.ports import Clock
from gateway.domain.texts import strict_json
from gateway.domain.working_days import VIETNAM

PREFIX = "XroadVnpt-"
SYSTEM_ID = f"{PREFIX}systemid"
SIGNED_TEXT = f"{PREFIX}sign-header"
SIGNED_NAMES = f"{PREFIX}sign-header-key"
SIGNATURE = f"{PREFIX}hash-header"
ALWAYS_SIGNED = ("systemid", "timestamp", "content-type")

REMEMBERED = 100_000
"""Signatures kept for each centre: more than its limit of requests lets it make before they are forgotten."""

_TIMESTAMP = re.compile(r"(\d\d)(\d\d)(\d{4})T(\d\d)(\d\d)(\d\d)\+(\d{4})", re.ASCII)
_SYSTEM_ID = re.compile(r"[\x21-\x7e]{1,64}")

Headers = CIMultiDictProxy[str]


class WrongSignature(NotAuthenticated):
    """The system id or the HMAC of the headers is wrong.

    Check the system id and its secret. Three headers are always signed: systemid, timestamp, Content-Type.
    """


@dataclass(frozen=True, slots=True)
class SignedCall:
    """A call whose signature is right: who made it, and the values of the parameters it reads."""

    centre: Centre
    parameters: Mapping[str, str]
    sha256: str
    """Of the signature: the name under which the call is remembered."""
    signed_at: datetime
    expires_at: datetime
    """When its timestamp is too old to be used again."""


@dataclass(slots=True)
class _Seen:
    """The signatures of one centre. Two generations: nothing is forgotten before it expires, and nothing has
    to be searched for."""

    turned_at: datetime
    latest: set[str] = field(default_factory=set)
    earlier: set[str] = field(default_factory=set)

    def turn(self, now: datetime) -> None:
        """Begin a new generation and forget the one before the last."""
        self.earlier, self.latest, self.turned_at = self.latest, set(), now


class SignedCalls:
    """Checks the signatures of calls and remembers them in this process until they expire.

    A timestamp is a wall clock and does not say of which zone: it may be that of any of `zones`.
    """

    def __init__(
        self,
        centres: Centres,
        *,
        clock: Clock,
        window: timedelta,
        zones: Sequence[tzinfo] = (VIETNAM,),
        remembered: int = REMEMBERED,
    ) -> None:
        self._centres = centres
        self._clock = clock
        self._window = window
        self._zones = zones
        self._remembered = remembered
        self._seen: dict[SystemId, _Seen] = {}

    async def check(self, headers: Headers, *, reads: Collection[str]) -> SignedCall:
        """Return the signed call that the headers are; of its parameters only those it `reads`: the
        client leaks those of earlier calls into later ones.

        Raises:
            WrongSignature: The system id is unknown or revoked, or the HMAC is wrong.
            NotAuthenticated: What was signed is not what was sent, or the call is too old or from the
                future.
        """
        centre, signature = await self._signer(headers)
        signed = _signed_values(headers)
        now = self._clock()
        wall_clock = _wall_clock(signed["timestamp"])
        moments = [wall_clock.replace(tzinfo=zone) for zone in self._zones]
        signed_at = min(moments, key=lambda moment: abs(now - moment))
        if abs(now - signed_at) > self._window:
            raise NotAuthenticated(f"The timestamp is more than {self._window} from the present.")
        for name in reads:
            if name.casefold() not in signed and PREFIX + name in headers:
                raise NotAuthenticated(f"{name} is not signed.")
        parameters = {name: signed[name.casefold()] for name in reads if name.casefold() in signed}
        sha256 = hashlib.sha256(signature.encode()).hexdigest()
        # Read in the zone furthest west it may be shown again, and would look fresh.
        return SignedCall(centre, parameters, sha256, signed_at, max(moments) + self._window)

    def remember(self, call: SignedCall, *, changes: bool) -> None:
        """Remember a call; one that `changes` something must not have the signature of any call before.

        One that only reads may have: two that an honest client makes within a millisecond look the same.

        Raises:
            NotAuthenticated: It has.
            Throttled: The centre has made more calls than are remembered.
        """
        now = self._clock()
        seen = self._seen.setdefault(call.centre.system.id, _Seen(now))
        # A timestamp may lie one window ahead and counts until one window behind it.
        if abs(now - seen.turned_at) > 2 * self._window:
            seen.turn(now)
        if call.sha256 in seen.latest or call.sha256 in seen.earlier:
            if changes:
                raise NotAuthenticated("This call was made before: sign each call anew.")
            return
        if len(seen.latest) + len(seen.earlier) >= self._remembered:
            raise Throttled(retry_after=self._window)
        seen.latest.add(call.sha256)

    async def _signer(self, headers: Headers) -> tuple[Centre, str]:
        """Return the centre whose secret the headers are signed with, and the signature."""
        system_id, text, signature = (_only(headers, name) for name in (SYSTEM_ID, SIGNED_TEXT, SIGNATURE))
        centre = await self._centres.find(system_id) if _SYSTEM_ID.fullmatch(system_id) else None
        if centre is None:
            raise WrongSignature
        shown, message = signature.encode("utf-8", "surrogateescape"), text.encode("utf-8", "surrogateescape")
        for secret in centre.secrets_at(self._clock()):
            if hmac.compare_digest(hmac_of(message, secret=secret).encode(), shown):
                return centre, signature
        raise WrongSignature


def hmac_of(message: bytes, *, secret: str) -> str:
    """Return the lower-case hex HMAC-SHA256 that `hash-header` carries for the text of `sign-header`."""
    return hmac.digest(secret.encode(), message, "sha256").hex()


def _only(headers: Headers, name: str) -> str:
    """Return the value of a header that must be there once."""
    values = headers.getall(name, [])
    if len(values) != 1:
        raise WrongSignature(f"{name} must be there once.")
    return values[0]


def _signed_values(headers: Headers) -> dict[str, str]:
    """Return the signed headers by their lower-case names without prefix, each equal to the real one.

    Raises:
        NotAuthenticated: One is not, a name stands twice, the list of names is not the list of what is
            signed, or one of the three that every call must sign is missing.
    """
    try:
        fields = strict_json(_only(headers, SIGNED_TEXT).encode("utf-8", "surrogateescape"))
    except MalformedRequest as error:
        raise NotAuthenticated("sign-header is not a JSON object.", reasons=error.reasons) from error
    if not isinstance(fields, dict):
        raise NotAuthenticated("sign-header is not a JSON object.")
    signed: dict[str, str] = {}
    for name, value in fields.items():
        short = name.casefold().removeprefix(PREFIX.casefold())
        sent = headers.getall(PREFIX + short, [])
        if not isinstance(value, str) or sent != [value.strip()]:
            raise NotAuthenticated(f"The header {name[:64]} is not the one that was signed.")
        signed[short] = sent[0]
    listed = [name.strip().casefold() for name in _only(headers, SIGNED_NAMES).split(";")]
    if sorted(name.removeprefix(PREFIX.casefold()) for name in listed if name) != sorted(signed):
        raise NotAuthenticated("sign-header-key does not list what is signed.")
    if missing := [name for name in ALWAYS_SIGNED if name not in signed]:
        raise NotAuthenticated(f"{', '.join(missing)} must be signed.")
    return signed


def _wall_clock(text: str) -> datetime:
    """Return what the clock showed at a timestamp: the milliseconds stand behind the plus sign."""
    match = _TIMESTAMP.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        day, month, year, hour, minute, second, milliseconds = map(int, match.groups())
        # Added: four digits may be more than a second.
        return datetime(year, month, day, hour, minute, second) + timedelta(milliseconds=milliseconds)
    except (ValueError, OverflowError) as error:
        raise NotAuthenticated("The timestamp is not like 21112026T223615+0602.") from error
