"""What every call is made of: who calls, with which parameters, and what the calls work with."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from adapters.vxp.agencies import Agencies
from adapters.vxp.centres import Centre, Centres
from adapters.vxp.listings import Listings
from adapters.vxp.signed_calls import SignedCall
from adapters.vxp.streams import LongAnswer
from gateway.domain.errors import NotAuthenticated, RequestRejected, UnknownDocument
from gateway.edge.body import Body
from gateway.edge.limits import Limits
from gateway.service.exchange import Exchange

DOCUMENTS = "edoc"
STATUSES = "status"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Axis:
    """What the calls work with."""

    exchange: Exchange
    limits: Limits
    centres: Centres
    agencies: Agencies
    listings: Listings
    max_agencies: int
    """How many agencies one centre may register."""
    started_at: datetime
    """Since when this process has remembered the calls it was shown."""


@dataclass(frozen=True, slots=True)
class Call:
    """One signed call. `body` opens its body for at most so many bytes."""

    signed: SignedCall
    content_type: str
    body: Callable[[int], Body]

    @property
    def centre(self) -> Centre:
        """Return who calls."""
        return self.signed.centre

    def parameter(self, name: str) -> str:
        """Return a parameter the call reads, empty when it was not sent."""
        return self.signed.parameters.get(name, "")

    def item_id(self) -> str:
        """Return the id in `docId`.

        Raises:
            UnknownDocument: It is none that this exchange gives out.
        """
        text = self.parameter("docId").strip()
        if not _ID.fullmatch(text):
            raise UnknownDocument
        return text

    def item_kind(self) -> str:
        """Return whether documents or statuses are meant; documents when the call does not say.

        Raises:
            RequestRejected: It says something else.
        """
        text = self.parameter("messagetype").strip().casefold() or DOCUMENTS
        if text not in (DOCUMENTS, STATUSES):
            raise RequestRejected(reasons=("messagetype: must be edoc or status",))
        return text


Reply = bytes | LongAnswer
Answering = Callable[[Axis, Call], Awaitable[Reply]]
"""Answers a call; the bytes are JSON."""


async def only_once(axis: Axis, call: Call) -> None:
    """Pass when the signature of a call was never used before, in any process: for calls that change
    something their signature does not name.

    What was signed before this process began may be a call that another one has read for: it is refused.

    Raises:
        NotAuthenticated: It was, or may have been.
    """
    signed = call.signed
    if signed.signed_at < axis.started_at:
        raise NotAuthenticated("This call was signed before the exchange was started: sign it anew.")
    systems = axis.exchange.systems
    if not await systems.use_call(signed.centre.system.id, signed.sha256, expires_at=signed.expires_at):
        raise NotAuthenticated("This call was made before: sign each call anew.")
