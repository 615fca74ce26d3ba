"""One line of measurement per request, for whoever keeps the metrics."""

from __future__ import annotations

import time
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

Observer = Callable[[str, str, int, float], None]
"""Takes method, route template, status and seconds. All but the last come from small, fixed sets."""

NOTED_STATUS = web.RequestKey("noted_status", int)
"""The status to note instead of the answer's: of a protocol that answers refusals with 200."""
CLIENT_GONE = 499
"""The status noted when the client left before its answer."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def observed(observer: Observer) -> Middleware:
    """Return a middleware that tells the observer of every request."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        status = CLIENT_GONE
        try:
            response = await handler(request)
            status = request.get(NOTED_STATUS, response.status)
        finally:
            method = request.method if request.method in _METHODS else "OTHER"
            observer(method, _template(request), status, time.perf_counter() - started)
        return response

    return observe


def _template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"
