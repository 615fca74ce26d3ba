"""Commands for dossiers: the record's half of taking an existing store in; the other is `ops/intake.py`."""

from __future__ import annotations

import msgspec

from gateway.domain.dossiers import ComponentFile
from gateway.domain.errors import MalformedRequest, NotFound
from gateway.domain.model import AgencyCode
from ops.desk import Command, Desk, Json


async def taken_in(desk: Desk, arguments: Json) -> Json:
    """Return which of some components (`keys`: dossier and component) were taken in before.

    Raises:
        NotFound: There is no such agency.
    """
    await _agency(desk, arguments)
    found = await desk.dossiers.taken_in([(dossier, component) for dossier, component in arguments["keys"]])
    return {"components": [[*key, file.sha256] for key, file in found.items()]}


async def take_in(desk: Desk, arguments: Json) -> Json:
    """Keep components whose bodies are in the store of bodies already.

    Raises:
        NotFound: There is no such agency.
        MalformedRequest: A component is not described as it should be.
    """
    agency = await _agency(desk, arguments)
    try:
        files = msgspec.convert(arguments["files"], list[ComponentFile])
    except msgspec.ValidationError as error:
        raise MalformedRequest(f"files: {error}") from error
    outcome = await desk.dossiers.take_in(files, agency=agency, at=desk.clock())
    return {
        "kept": outcome.kept,
        "foreign": sorted(outcome.foreign),
        "differing": [list(key) for key in sorted(outcome.differing)],
    }


async def _agency(desk: Desk, arguments: Json) -> AgencyCode:
    code = AgencyCode(arguments["agency"])
    if await desk.directory.agency(code) is None:
        raise NotFound(f"There is no agency {code}.")
    return code


COMMANDS: dict[str, Command] = {"dossiers taken-in": taken_in, "dossiers take-in": take_in}
