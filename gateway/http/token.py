"""Access tokens: OAuth 2.0 client credentials (RFC 6749 §4.4), by secret or by signed assertion."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from aiohttp import hdrs, web

from gateway.domain import errors
from gateway.domain.errors import MalformedRequest, NotAuthenticated
from gateway.domain.model import Client, ClientId
from gateway.edge.body import Body
from gateway.edge.problems import TRACE_ID, problem_fields
from gateway.edge.surface import Surface, address_of, surface_of
from gateway.http import views, wire, wire_in
from gateway.http.assertion import check_assertion, claimed_subject
from gateway.http.routes import Route

PATH = "/v1/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_FORM_BYTES = 16 * 1024
_FORM = "application/x-www-form-urlencoded"
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,100}")
_NO_SECRET = "0" * 64
"""Compared with when there is no secret, so that an unknown client takes as long as a known one."""


@dataclass(frozen=True, slots=True)
class _Credentials:
    """What a client shows: its id with a secret or with a signed assertion."""

    client_id: str
    secret: str | None
    assertion: str | None


async def issue_token(request: web.Request) -> web.Response:
    """Return an access token for a client's credentials."""
    surface = surface_of(request)
    try:
        form = await _form(request)
        if form.get("grant_type") != "client_credentials":
            refusal = MalformedRequest("The only grant_type here is client_credentials.")
            return _refused(request, refusal, "unsupported_grant_type")
        client = await _client(surface, _credentials(request, form), address=address_of(request))
    except NotAuthenticated as refusal:
        return _refused(request, refusal, "invalid_client")
    except MalformedRequest as refusal:
        return _refused(request, refusal, "invalid_request")
    account = client.agency or client.id
    surface.requests.check(account)
    surface.requests.spend(account)
    token = await surface.tokens.issue(client)
    return views.answer(wire.TokenOut(token, int(surface.limits.token_life.total_seconds())))


async def _form(request: web.Request) -> dict[str, str]:
    if request.content_type != _FORM:
        raise MalformedRequest(f"Send {_FORM}.")
    raw = await Body(request, max_bytes=MAX_FORM_BYTES).whole()
    try:
        pairs = parse_qsl(raw.decode("utf-8"), errors="strict", max_num_fields=20)
    except ValueError as exc:
        raise MalformedRequest("The form is not well formed.") from exc
    form = dict(pairs)
    if len(form) != len(pairs):
        raise MalformedRequest("A field of the form is given twice.")
    return form


def _credentials(request: web.Request, form: dict[str, str]) -> _Credentials:
    assertion = form.get("client_assertion")
    if hdrs.AUTHORIZATION in request.headers:
        if assertion is not None or "client_secret" in form:
            raise MalformedRequest("Show credentials in one way, not in two.")
        return _basic(request.headers[hdrs.AUTHORIZATION])
    if assertion is None:
        return _Credentials(form.get("client_id", ""), form.get("client_secret", ""), None)
    if form.get("client_assertion_type") != ASSERTION_TYPE or "client_secret" in form:
        raise MalformedRequest(f"With an assertion, client_assertion_type is {ASSERTION_TYPE}.")
    subject = claimed_subject(assertion) or ""
    if form.get("client_id", subject) != subject:
        raise NotAuthenticated
    return _Credentials(subject, None, assertion)


def _basic(header: str) -> _Credentials:
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError(scheme)
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except ValueError as exc:
        raise NotAuthenticated from exc
    return _Credentials(unquote_plus(client_id), unquote_plus(secret), None)


async def _client(surface: Surface, shown: _Credentials, *, address: str) -> Client:
    """Return the client that has shown its credentials; failures are counted and slow the caller down.

    Raises:
        NotAuthenticated: They are wrong; for an unknown client the answer is the same.
        Throttled: There were too many failures for this client from this address, or from the address.
    """
    pair = f"{shown.client_id[:100]} {address}"
    surface.failed_logins.check(pair)
    surface.failed_logins_of_address.check(address)
    try:
        return await _checked(surface, shown)
    except NotAuthenticated:
        surface.failed_logins.spend(pair)
        surface.failed_logins_of_address.spend(address)
        raise


async def _checked(surface: Surface, shown: _Credentials) -> Client:
    x = surface.exchange
    now = x.clock()
    if not _CLIENT_ID.fullmatch(shown.client_id):
        raise NotAuthenticated
    client = await x.clients.find(ClientId(shown.client_id))
    is_live = client is not None and client.revoked_at is None
    if shown.assertion is None:
        if not (_is_right(client, shown.secret or "", now=now) and is_live):
            raise NotAuthenticated
    else:
        if client is None or not is_live:
            raise NotAuthenticated
        audience = surface.public_url + PATH
        await check_assertion(shown.assertion, client=client, clients=x.clients, audience=audience, now=now)
    assert client is not None
    return client


def _is_right(client: Client | None, secret: str, *, now: datetime) -> bool:
    sha256 = hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
    present = client.secret_sha256 if client else None
    previous = client.previous_secret_sha256 if client else None
    overlap = client.previous_valid_until if client else None
    if overlap is None or overlap <= now:
        previous = None
    # No early way out: what is compared, and how often, does not depend on the client.
    is_present = hmac.compare_digest(sha256, present or _NO_SECRET)
    is_previous = hmac.compare_digest(sha256, previous or _NO_SECRET)
    return is_present or is_previous


def _refused(request: web.Request, refusal: MalformedRequest | NotAuthenticated, error: str) -> web.Response:
    """Return a refusal as RFC 6749 §5.2 wants it, with the fields of our problems beside it."""
    fields = problem_fields(refusal, trace_id=request[TRACE_ID], public_url=surface_of(request).public_url)
    fields |= {"error": error, "error_description": refusal.detail}
    headers: dict[str, str] = {}
    if refusal.status == 401:
        headers[hdrs.WWW_AUTHENTICATE] = 'Basic realm="lienthong"'
    response = web.Response(
        status=refusal.status,
        body=msgspec.json.encode(fields),
        headers=headers,
        content_type="application/json",
    )
    if request.can_read_body:
        response.force_close()
    return response


ROUTES = (
    Route(
        "POST",
        PATH,
        issue_token,
        "Get an access token for client credentials (HTTP Basic, form fields, or private_key_jwt).",
        request=wire_in.TokenIn,
        request_type=_FORM,
        response=wire.TokenOut,
        problems=(errors.MalformedRequest, errors.NotAuthenticated, errors.Throttled, errors.TooLarge),
        is_public=True,
    ),
)
