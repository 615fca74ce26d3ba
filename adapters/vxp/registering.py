"""A centre keeps its own agencies in the directory: registering, changing, closing them."""

from __future__ import annotations

import re
import unicodedata

import msgspec

from adapters.vxp import wire
from adapters.vxp.calls import Axis, Call, Reply, only_once
from gateway.domain.codes import is_under
from gateway.domain.errors import MalformedRequest, NotYourAgency
from gateway.domain.ledger import Registration
from gateway.domain.model import System
from gateway.domain.texts import is_line, strict_json
from gateway.service.exchange import legal_date

MAX_BYTES = 16 * 1024
_CODE = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z._-]{0,62}[0-9A-Za-z])?")
_NAME_LENGTH = 200
_CONTACT_LENGTH = 100


class RegistrationIn(msgspec.Struct, frozen=True):
    """The body of `registerAgency`. Clients send null where there is nothing, and fields of their own."""

    code: str
    name: str
    id: str | int | None = None
    pcode: str | None = None
    mail: str | None = None
    mobile: str | None = None
    fax: str | None = None


async def register_agency(axis: Axis, call: Call) -> Reply:
    """Put a new agency into the directory, behind this centre; or change one that is behind it.

    Raises:
        MalformedRequest: The body is not what it should be.
        NotYourAgency: Somebody else has the code or has closed the agency, or the centre may not register it
            or not there.
        Conflict: The centre has enough agencies, or they would lie in a circle or too deep.
        NotAuthenticated: The call was made before.
    """
    registration = _read(await call.body(MAX_BYTES).whole())
    await only_once(axis, call)
    x, system = axis.exchange, call.centre.system
    if not await _is_known(axis, registration.code):
        _check_may_register(system, registration.code)
    await x.systems.register(system.id, registration, now=x.clock(), most=axis.max_agencies)
    axis.centres.look_again()
    return wire.encode(wire.Done())


async def delete_agency(axis: Axis, call: Call) -> Reply:
    """Close an agency of the centre from today on. It is never removed: its documents stay.

    Raises:
        NotYourAgency: It is not behind this centre.
        NotAuthenticated: The call was made before.
    """
    agency = await call.centre.agency(call.parameter("AgencyCode").strip())
    await only_once(axis, call)
    x = axis.exchange
    await x.systems.close(call.centre.system.id, agency.code, now=x.clock())
    axis.centres.look_again()
    return wire.encode(wire.Done())


async def _is_known(axis: Axis, code: str) -> bool:
    x = axis.exchange
    return bool(await x.directory.resolve([code], on=legal_date(x.clock())))


def _read(raw: bytes) -> Registration:
    try:
        read = msgspec.convert(strict_json(raw), RegistrationIn)
    except msgspec.ValidationError as error:
        raise MalformedRequest("The body has not the right shape.", reasons=(str(error),)) from error
    name = unicodedata.normalize("NFC", read.name).strip()
    reasons = []
    if not _CODE.fullmatch(read.code):
        reasons.append("code: must be 1 to 64 letters, digits, dots, hyphens or underscores")
    if not 0 < len(name) <= _NAME_LENGTH:
        reasons.append(f"name: must have 1 to {_NAME_LENGTH} characters")
    contacts = {"mail": (read.mail or "").strip(), "mobile": (read.mobile or "").strip()}
    for field, text in contacts.items():
        if len(text) > _CONTACT_LENGTH:
            reasons.append(f"{field}: has more than {_CONTACT_LENGTH} characters")
    for field, text in {"name": name, **contacts}.items():
        if not is_line(text):
            reasons.append(f"{field}: holds characters that cannot be shown")
    if reasons:
        raise MalformedRequest("The agency cannot be registered like this.", reasons=reasons)
    return Registration(
        code=read.code,
        name=name,
        parent=(read.pcode or "").strip() or None,
        email=contacts["mail"] or None,
        phone=contacts["mobile"] or None,
    )


def _check_may_register(system: System, code: str) -> None:
    """Pass when a code is the one the centre may register under, or lies under it."""
    above = system.register_under
    if above is not None and code != above and not is_under(code, above):
        raise NotYourAgency(reasons=(f"{code}: {system.id} may only register agencies under {above}",))
