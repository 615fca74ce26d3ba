"""Who is calling: bearer tokens (RFC 6750), in the Authorization header only."""

from __future__ import annotations

import re

from aiohttp import hdrs, web

from gateway.domain.errors import NotAuthenticated
from gateway.edge.surface import address_of, surface_of
from gateway.edge.tokens import Caller

_BEARER = re.compile(r"bearer ([A-Za-z0-9_-]{20,128})", re.IGNORECASE)


async def authenticated(request: web.Request) -> Caller:
    """Return the caller of a request, and count the request against its limits.

    Raises:
        NotAuthenticated: There is no token, or it is unknown, expired or revoked.
        Throttled: The caller's requests or bytes are used up for the moment, or too many wrong tokens
            came from its address.
    """
    surface = surface_of(request)
    headers = request.headers.getall(hdrs.AUTHORIZATION, [])
    bearer = _BEARER.fullmatch(headers[0]) if len(headers) == 1 else None
    if bearer is None:
        raise NotAuthenticated
    # Each wrong token costs a query: counted apart from logins, so that neither locks the other out.
    address = address_of(request)
    surface.wrong_tokens.check(address)
    caller = await surface.tokens.caller(bearer[1])
    if caller is None:
        surface.wrong_tokens.spend(address)
        raise NotAuthenticated
    surface.requests.check(caller.account)
    surface.requests.spend(caller.account)
    surface.bytes.check(caller.account)
    return caller
