"""The application `/v1`, ready to be served."""

from __future__ import annotations

import msgspec
from aiohttp import web

from gateway.edge.body import expect_later
from gateway.edge.limits import Limits
from gateway.edge.observe import Observer, observed
from gateway.edge.page import page_answer
from gateway.edge.problems import ERRORS_PATH, catalogue, finish_headers, problems
from gateway.edge.surface import SURFACE, make_surface
from gateway.http import (
    agencies,
    documents,
    dossiers,
    inbox,
    lateness,
    receipts,
    reports,
    statuses,
    submission,
    token,
    verifications,
)
from gateway.http.docs import documentation
from gateway.http.openapi import describe
from gateway.service.exchange import Exchange

ROUTES = (
    *token.ROUTES,
    *submission.ROUTES,
    *documents.ROUTES,
    *inbox.ROUTES,
    *statuses.ROUTES,
    *receipts.ROUTES,
    *agencies.ROUTES,
    *dossiers.ROUTES,
    *reports.ROUTES,
    *lateness.ROUTES,
    *verifications.ROUTES,
)


def make_app(
    x: Exchange, limits: Limits, *, public_url: str, observer: Observer = lambda *_: None
) -> web.Application:
    """Return the application over an exchange.

    Args:
        x: The exchange it acts on.
        limits: How much and how fast callers may ask.
        public_url: How clients reach it from outside; part of token audiences and of links.
        observer: Is told of every request, for the metrics.
    """
    app = web.Application(middlewares=[observed(observer), problems])
    app[SURFACE] = make_surface(x, limits, public_url=public_url.rstrip("/"))
    app.on_response_prepare.append(finish_headers)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, route.handler, expect_handler=expect_later)
    # Rendered once: they say the same to everybody and cost more than any other answer.
    description = msgspec.json.encode(describe(ROUTES, public_url=app[SURFACE].public_url))
    docs_page = documentation(ROUTES, public_url=app[SURFACE].public_url)
    errors_page = catalogue()

    async def openapi(_: web.Request) -> web.Response:
        return web.Response(body=description, content_type="application/json")

    async def docs(_: web.Request) -> web.Response:
        return page_answer(docs_page)

    async def errors(_: web.Request) -> web.Response:
        return page_answer(errors_page)

    app.router.add_route("GET", "/v1/openapi.json", openapi)
    app.router.add_route("GET", "/v1/docs", docs)
    app.router.add_route("GET", ERRORS_PATH, errors)
    return app
