"""What the API's route table is made of. Handlers, OpenAPI and the readable docs come from one table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.domain.errors import ExchangeError, NotAuthenticated, Throttled

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or a header of a request."""

    name: str
    place: str
    says: str
    type: type = str


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: where it is, who handles it, what goes in and comes out.

    `request` and `response` are wire types; None means no body. `problems` lists what it can answer
    besides what every authenticated request can.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    request: type | None = None
    response: type | None = None
    status: int = 200
    problems: tuple[type[ExchangeError], ...] = ()
    parameters: tuple[Parameter, ...] = ()
    request_type: str = "application/json"
    response_type: str = "application/json"
    is_public: bool = False

    @property
    def every_problem(self) -> tuple[type[ExchangeError], ...]:
        """Return all errors the operation can answer, each once."""
        common = () if self.is_public else (NotAuthenticated, Throttled)
        return tuple(dict.fromkeys((*self.problems, *common)))
