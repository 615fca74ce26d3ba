"""The description of the API (OpenAPI 3.1), made from its route table and wire types."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from gateway.edge.problems import PROBLEM_TYPE
from gateway.http import wire
from gateway.http.routes import Parameter, Route

VERSION = "1.0.0"
Schema = dict[str, Any]

_IN_PATH = re.compile(r"{(\w+)}")


def describe(routes: Sequence[Route], *, public_url: str) -> Schema:
    """Return the OpenAPI document of these routes."""
    paths: dict[str, Schema] = defaultdict(dict)
    for route in routes:
        paths[route.path][route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "lienthong",
            "version": VERSION,
            "description": "Exchange of signed official documents between agencies.",
        },
        "servers": [{"url": public_url}],
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(routes),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "client": {"type": "http", "scheme": "basic"},
            },
        },
    }


def problem_codes(route: Route) -> dict[int, list[str]]:
    """Return the codes of the problems an operation can answer, by HTTP status."""
    codes: dict[int, list[str]] = defaultdict(list)
    for kind in sorted(route.every_problem, key=lambda kind: kind.code):
        codes[kind.status].append(kind.code)
    return dict(sorted(codes.items()))


def schema_name(kind: type) -> str:
    """Return the name a wire type has in the description."""
    return kind.__name__


def _schemas(routes: Sequence[Route]) -> Schema:
    kinds = {kind for route in routes for kind in (route.request, route.response) if kind is not None}
    ordered = sorted(kinds | {wire.Problem, wire.ReceiptFile}, key=schema_name)
    _, components = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    return components


def _operation(route: Route) -> Schema:
    operation: Schema = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "parameters": [*_path_parameters(route.path), *map(_parameter, route.parameters)],
        "responses": {str(route.status): _answer(route)}
        | {str(status): _problem(status, codes) for status, codes in problem_codes(route).items()},
        "security": [{"client": []}, {}] if route.is_public else [{"token": []}],
    }
    if route.request is not None:
        content = {route.request_type: {"schema": _reference(route.request)}}
        required = any(field.required for field in msgspec.structs.fields(route.request))
        operation["requestBody"] = {"required": required, "content": content}
    return operation


def _path_parameters(path: str) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _IN_PATH.findall(path)
    ]


def _parameter(parameter: Parameter) -> Schema:
    kind = "integer" if parameter.type is int else "string"
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.says,
        "schema": {"type": kind},
    }


def _answer(route: Route) -> Schema:
    schema = {} if route.response is None else {"schema": _reference(route.response)}
    return {"description": HTTPStatus(route.status).phrase, "content": {route.response_type: schema}}


def _problem(status: int, codes: Sequence[str]) -> Schema:
    return {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}",
        "content": {PROBLEM_TYPE: {"schema": _reference(wire.Problem)}},
        "x-codes": list(codes),
    }


def _reference(kind: type) -> Schema:
    return {"$ref": f"#/components/schemas/{schema_name(kind)}"}
