"""Reading what comes in: JSON bodies, query parameters and headers."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from aiohttp import web

from gateway.domain.errors import MalformedRequest, NotFound
from gateway.domain.texts import strict_json
from gateway.edge.body import Body

MAX_JSON_BYTES = 16 * 1024
MAX_PAGE = 200
PAGE = 50

Wanted = TypeVar("Wanted", bound=msgspec.Struct)

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


async def read_json(request: web.Request, kind: type[Wanted]) -> Wanted:
    """Return the JSON body of a request; no body counts as an empty object.

    Raises:
        MalformedRequest: It is not JSON or not of this shape; `reasons` names the field.
        TooLarge, TooSlow: It breaks a budget.
    """
    raw = await Body(request, max_bytes=MAX_JSON_BYTES).whole()
    try:
        return msgspec.convert(strict_json(raw) if raw else {}, kind)
    except msgspec.ValidationError as exc:
        raise MalformedRequest("The body has not the right shape.", reasons=(str(exc),)) from exc


def id_in(request: web.Request, name: str) -> str:
    """Return an id out of the path.

    Raises:
        NotFound: It is none; the answer is the one for an id that does not exist.
    """
    text = request.match_info[name]
    if not _ID.fullmatch(text):
        raise NotFound
    return text


def whole_number(request: web.Request, name: str, *, default: int, most: int) -> int:
    """Return a query parameter between 0 and `most`; more is taken as `most`.

    Raises:
        MalformedRequest: It is not a whole number.
    """
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise MalformedRequest(reasons=(f"{name}: must be a whole number",))
    return min(int(text), most)


def page_size(request: web.Request) -> int:
    """Return how many items the caller wants on a page, 1 to MAX_PAGE.

    Raises:
        MalformedRequest: `limit` is not a whole number.
    """
    return max(1, whole_number(request, "limit", default=PAGE, most=MAX_PAGE))


def cursor(request: web.Request, *, form: re.Pattern[str] = _ID) -> str | None:
    """Return the cursor of a page, None for the first.

    Raises:
        MalformedRequest: It is none that this API has given out.
    """
    text = request.query.get("cursor")
    if text is not None and not form.fullmatch(text):
        raise MalformedRequest(reasons=("cursor: is none of this list",))
    return text


def idempotency_key(request: web.Request) -> str | None:
    """Return the Idempotency-Key, None when there is none.

    Raises:
        MalformedRequest: It is given twice, or is not 1 to 128 visible ASCII characters.
    """
    keys = request.headers.getall("Idempotency-Key", [])
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise MalformedRequest(reasons=("Idempotency-Key: one key of 1 to 128 visible ASCII characters",))
    return keys[0]
