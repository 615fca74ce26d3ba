"""The one place where errors become HTTP answers (RFC 9457), and where every answer gets its headers."""

from __future__ import annotations

import html
import logging
import math
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import chain
from typing import Any

import msgspec
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from gateway.domain.errors import (
    ExchangeError,
    MalformedRequest,
    MethodNotAllowed,
    NotAuthenticated,
    NotFound,
    TooLarge,
)
from gateway.edge.page import page
from gateway.edge.surface import surface_of

log = logging.getLogger(__name__)

ERRORS_PATH = "/v1/errors"
PROBLEM_TYPE = "application/problem+json"
RETRY_AFTER = timedelta(seconds=5)
"""What a client is told when the error itself does not know."""
TRACE_ID = web.RequestKey("trace_id", str)

Shape = Callable[[web.Request, ExchangeError, int | None], web.Response]
"""Returns the answer to an error in another form than a problem; the number is the HTTP status that aiohttp
has chosen (no such address, no such method)."""
ERROR_SHAPE: web.AppKey[Shape] = web.AppKey("error_shape")
"""Set on a sub-application whose protocol has error answers of its own."""

MOST_REASONS = 100
"""Reasons in one answer: a circular to 60,000 unknown codes has that many, and nobody reads them."""

_TRACE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HTTP_ERRORS: dict[int, type[ExchangeError]] = {404: NotFound, 405: MethodNotAllowed, 413: TooLarge}


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors as problem details, each with the id under which the log knows the request."""
    sent = request.headers.get("X-Request-Id", "")
    request[TRACE_ID] = sent if _TRACE_ID.fullmatch(sent) else secrets.token_hex(8)
    try:
        _check_expectation(request)
        return await handler(request)
    except ExchangeError as error:
        log.info("request refused", extra={"event": "http.refused", "code": error.code, **_ids(request)})
        return _problem(request, error)
    except web.HTTPException as found:
        if found.status < 400:
            raise
        return _problem_of_http(request, found)
    except ConnectionError:
        # The client has gone: there is nobody to answer.
        raise
    except Exception:  # border (house style §3): a bug becomes an opaque 500
        log.exception("request failed", extra={"event": "http.failed", **_ids(request)})
        if request.writer.output_size > 0:
            raise ConnectionResetError("the answer had begun") from None
        return _problem(request, ExchangeError())


def problem_fields(error: ExchangeError, *, trace_id: str, public_url: str) -> dict[str, Any]:
    """Return an error as RFC 9457 problem details."""
    return {
        "type": f"{public_url}{ERRORS_PATH}#{error.code}",
        "title": _lines(type(error))[0],
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "reasons": shown_reasons(error),
        "retry": error.retry,
        "trace_id": trace_id,
    }


def shown_reasons(error: ExchangeError) -> Sequence[str]:
    """Return the reasons of an error as answers have them: the first ones, and how many more there are."""
    more = len(error.reasons) - MOST_REASONS
    return error.reasons if more <= 0 else (*error.reasons[:MOST_REASONS], f"… and {more} more")


def retry_headers(error: ExchangeError) -> dict[str, str]:
    """Return the Retry-After header (whole seconds) of an error that passes by itself."""
    if error.retry_after is None and error.status not in (429, 503):
        return {}
    seconds = (error.retry_after or RETRY_AFTER).total_seconds()
    return {hdrs.RETRY_AFTER: str(max(1, math.ceil(seconds)))}


async def finish_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put what every answer carries on it: who may keep it, what a browser must not do with it."""
    headers = response.headers
    headers[hdrs.SERVER] = "lienthong"
    headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    if TRACE_ID in request:
        headers["X-Request-Id"] = request[TRACE_ID]


def _check_expectation(request: web.Request) -> None:
    """Pass when a request expects nothing but what the body does for it.

    Not where aiohttp asks for it: what is raised there is answered past this middleware.
    """
    if request.headers.get(hdrs.EXPECT, "100-continue").lower() != "100-continue":
        raise web.HTTPExpectationFailed


def _ids(request: web.Request) -> dict[str, str]:
    return {"trace_id": request[TRACE_ID], "method": request.method, "path": request.path}


def _problem(
    request: web.Request, error: ExchangeError, *, status: int | None = None, allow: str | None = None
) -> web.Response:
    shape = request.match_info.apps[-1].get(ERROR_SHAPE, _shaped_problem)
    response = shape(request, error, status)
    response.headers.update(retry_headers(error))
    if allow is not None:
        response.headers[hdrs.ALLOW] = allow
    if request.can_read_body:
        # What is left of the body would be taken for the next request's head.
        response.force_close()
    return response


def _shaped_problem(request: web.Request, error: ExchangeError, status: int | None) -> web.Response:
    fields = problem_fields(error, trace_id=request[TRACE_ID], public_url=surface_of(request).public_url)
    headers: dict[str, str] = {}
    if isinstance(error, NotAuthenticated):
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="lienthong"'
    fields["status"] = status or error.status
    return web.Response(
        status=fields["status"],
        body=msgspec.json.encode(fields),
        headers=headers,
        content_type=PROBLEM_TYPE,
    )


def _problem_of_http(request: web.Request, found: web.HTTPException) -> web.Response:
    """Return an error aiohttp raised in our form. Its own text may repeat the request: it is left out."""
    kind = _HTTP_ERRORS.get(found.status, MalformedRequest if found.status < 500 else ExchangeError)
    return _problem(request, kind(), status=found.status, allow=found.headers.get(hdrs.ALLOW))


def every_error() -> list[type[ExchangeError]]:
    """Return all error classes that a client can meet, by code."""
    found: dict[str, type[ExchangeError]] = {}
    waiting: list[type[ExchangeError]] = [ExchangeError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.code, kind)
        waiting += kind.__subclasses__()
    return [found[code] for code in sorted(found)]


def catalogue() -> str:
    """Return the page (HTML) that the `type` of every problem points into."""
    sections = chain.from_iterable(_section(kind) for kind in every_error())
    intro = "<p>Codes are stable; texts may change. “Retry” means the same request may succeed later.</p>"
    return page("Errors", intro + "".join(sections))


def _section(kind: type[ExchangeError]) -> list[str]:
    title, *fix = _lines(kind)
    return [
        f'<h2 id="{kind.code}"><code>{kind.code}</code></h2>',
        f"<p>HTTP {kind.status} · retry: {'yes' if kind.retry else 'no'}</p>",
        *(f"<p>{html.escape(line)}</p>" for line in (title, " ".join(fix)) if line),
    ]


def _lines(kind: type[ExchangeError]) -> list[str]:
    return [line.strip() for line in (kind.__doc__ or kind.code).strip().split("\n")]
