"""The national axis's calls over HTTP, as a sub-application of `/v1`'s application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from functools import partial

from aiohttp import hdrs, web

from adapters.secrets import SecretBox
from adapters.vxp import listings, received, registering, sending, sent, wire
from adapters.vxp.agencies import Agencies
from adapters.vxp.calls import Answering, Axis, Call, Reply
from adapters.vxp.centres import Centres
from adapters.vxp.codes import status_of
from adapters.vxp.listings import Listings
from adapters.vxp.signed_calls import SYSTEM_ID, SignedCall, SignedCalls, WrongSignature
from adapters.vxp.streams import LongAnswer, in_pieces
from gateway.domain.errors import ExchangeError
from gateway.domain.working_days import VIETNAM
from gateway.edge.body import Body, expect_later
from gateway.edge.limits import Limits
from gateway.edge.observe import NOTED_STATUS
from gateway.edge.problems import ERROR_SHAPE
from gateway.edge.surface import SURFACE, address_of, surface_of

log = logging.getLogger(__name__)

PREFIX = "/vxp"
_JSON = "application/json"
_AT_ONCE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: its path and methods, what answers it, the parameters it reads, and whether it changes
    anything."""

    path: str
    answering: Answering
    reads: Collection[str] = ()
    methods: Collection[str] = ("POST",)
    changes: bool = False


async def _agencies(axis: Axis, _: Call) -> Reply:
    return await axis.listings.listed("qcvn102", listings.in_qcvn102)


async def _agencies_qd20(axis: Axis, call: Call) -> Reply:
    text = call.parameter("level").strip()
    level = int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0
    # 0 and what is no number mean all of them.
    render = partial(listings.in_qd20, level=level or None)
    return await axis.listings.listed(f"qd20 {level}", render)


async def _units(axis: Axis, _: Call) -> Reply:
    return await axis.listings.listed("units", listings.as_unit)


_COUNTED = ("GET", "POST")
OPERATIONS = (
    Operation("/getAgenciesList", _agencies),
    Operation("/getAgenciesListQD20", _agencies_qd20, reads=("level",)),
    Operation("/getSynchronizeUnit", _units),
    Operation("/registerAgency", registering.register_agency, changes=True),
    Operation("/deleteAgency", registering.delete_agency, reads=("AgencyCode",), changes=True),
    Operation("/sendEdoc", sending.send_packet, reads=("from", "messagetype", "hash-file"), changes=True),
    Operation("/getReceivedEdocList", received.list_received, reads=("messagetype",)),
    Operation("/getEdoc", received.get_item, reads=("docId",)),
    Operation("/downloadEdoc", received.download_item, reads=("docId",), methods=("GET",)),
    Operation("/updateStatus", received.update_status, reads=("docId", "status"), changes=True),
    Operation("/getSentEdocList", sent.list_sent, reads=("messagetype", "docId")),
    Operation("/countReceiveEdoc", received.count_documents, methods=_COUNTED),
    Operation("/countReceiveStatus", received.count_statuses, methods=_COUNTED),
)


def mount(
    app: web.Application,
    *,
    box: SecretBox,
    window: timedelta,
    max_agencies: int,
    zones: Sequence[tzinfo] = (VIETNAM,),
) -> None:
    """Add the calls to the application of `/v1`, whose limits and deadlines then hold for them too.

    Args:
        app: The application, not yet running.
        box: Opens the secrets of the centres.
        window: How far the timestamp of a call may be from the present.
        max_agencies: How many agencies one centre may register.
        zones: In which time zones the clients' wall clocks may be.
    """
    surface = app[SURFACE]
    x = surface.exchange
    agencies = Agencies(x.directory, x.clock)
    centres = Centres(x.systems, agencies, box=box, clock=x.clock)
    axis = Axis(
        x,
        surface.limits,
        centres,
        agencies,
        Listings(x.directory, x.clock),
        max_agencies=max_agencies,
        started_at=x.clock(),
    )
    calls = SignedCalls(centres, clock=x.clock, window=window, zones=zones)
    vxp = web.Application()
    vxp[ERROR_SHAPE] = _refusal
    for operation in OPERATIONS:
        handler = _Serving(axis, calls, operation).answer
        for method in operation.methods:
            vxp.router.add_route(method, operation.path, handler, expect_handler=expect_later)
    app.add_subapp(PREFIX, vxp)


@dataclass(frozen=True, slots=True)
class _Serving:
    """The handler of one operation."""

    axis: Axis
    calls: SignedCalls
    operation: Operation

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Return the answer to a request."""
        signed = await self._signed(request)
        account = signed.centre.account
        call = Call(
            signed,
            request.headers.get(hdrs.CONTENT_TYPE, ""),
            lambda max_bytes: Body(request, max_bytes=max_bytes, account=account),
        )
        reply = await self.operation.answering(self.axis, call)
        if isinstance(reply, LongAnswer):
            return await _stream(request, reply, limits=self.axis.limits)
        if len(reply) > _AT_ONCE_BYTES:
            return await _stream(request, LongAnswer(in_pieces(reply)), limits=self.axis.limits)
        return web.Response(body=reply, content_type=_JSON, charset="utf-8")

    async def _signed(self, request: web.Request) -> SignedCall:
        """Return the signed call that a request is, and count it against its centre's limits.

        Raises:
            NotAuthenticated: Its signature is wrong, or used up for a call that changes something.
            Throttled: The centre's requests or bytes are used up for the moment, or too many wrong
                signatures came from its address.
        """
        surface = surface_of(request)
        address = address_of(request)
        surface.wrong_tokens.check(address)
        try:
            signed = await self.calls.check(request.headers, reads=self.operation.reads)
        except WrongSignature:
            surface.wrong_tokens.spend(address)
            raise
        account = signed.centre.account
        surface.requests.check(account)
        surface.requests.spend(account)
        surface.bytes.check(account)
        # Last: what is turned away for now may come again as it is, and costs no memory.
        self.calls.remember(signed, changes=self.operation.changes)
        return signed


async def _stream(request: web.Request, answer: LongAnswer, *, limits: Limits) -> web.StreamResponse:
    """Send a long answer. What goes wrong before its first piece is answered as an error; after it the
    connection is cut, so that half an answer is never taken for a whole one.

    Raises:
        ConnectionError: The reader has gone or was too slow, or the rest cannot be had.
    """
    first = await anext(answer.pieces, b"")
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: answer.content_type})
    if answer.filename is not None:
        response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{answer.filename}"'
    await response.prepare(request)
    pace = _Pace(response, limits)
    try:
        await pace.write(first)
        async for piece in answer.pieces:
            await pace.write(piece)
        await response.write_eof()
    except (ExchangeError, TimeoutError) as error:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionAbortedError("the answer broke off") from error
    return response


class _Pace:
    """Writes an answer. A reader is too slow when it falls behind the lowest rate by one idle timeout."""

    def __init__(self, response: web.StreamResponse, limits: Limits) -> None:
        self._response = response
        self._rate = limits.body_min_rate_bytes
        self._deadline = asyncio.get_running_loop().time() + limits.body_idle_timeout.total_seconds()

    async def write(self, piece: bytes) -> None:
        """Write a piece.

        Raises:
            TimeoutError: The reader is too slow.
        """
        self._deadline += len(piece) / self._rate
        async with asyncio.timeout_at(self._deadline):
            await self._response.write(piece)


def _refusal(request: web.Request, error: ExchangeError, status: int | None) -> web.Response:
    """Return an error as the client reads it, and note it under its own status."""
    request[NOTED_STATUS] = status or error.status
    log.info(
        "call refused",
        extra={
            "event": "vxp.refused",
            # As it was claimed: who shows a wrong secret is not that system.
            "system": request.headers.get(SYSTEM_ID, "")[:64],
            "call": request.path.removeprefix(f"{PREFIX}/")[:64],
            "code": error.code,
            "reasons": "; ".join(error.reasons[:5]),
        },
    )
    return web.Response(
        status=status or status_of(error),
        body=wire.encode(wire.failed(error)),
        content_type=_JSON,
        charset="utf-8",
    )
