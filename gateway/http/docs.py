"""The readable side of the API description: one page, from the same table, without scripts."""

from __future__ import annotations

import html
from collections.abc import Sequence
from string import Template
from typing import Any

import msgspec

from gateway.edge.page import page
from gateway.edge.problems import ERRORS_PATH
from gateway.http.openapi import describe, problem_codes, schema_name
from gateway.http.routes import Route

_QUICK_START = Template("""\
# 1. a token, good for 15 minutes (your operator gives you the client id and secret)
TOKEN=$$(curl -s -u "$$CLIENT_ID:$$CLIENT_SECRET" -d grant_type=client_credentials \\
  $url/v1/token | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')

# 2. send a document; with the same Idempotency-Key it is always safe to send again
curl -H "Authorization: Bearer $$TOKEN" -H "Idempotency-Key: 2026-000123" \\
  -F 'envelope={"document_id": "2026-000123", "number": "12", "notation": "QĐ-UBND",
                "subject": "Về việc nghỉ lễ", "to": ["H26.01"]}' \\
  -F 'file=@decision.pdf' \\
  $url/v1/documents

# 3. what waits for your agency; the answer comes as soon as there is something, after 30 s at the latest
curl -H "Authorization: Bearer $$TOKEN" '$url/v1/inbox?wait=30'

# 4. take a delivery; the answer is the signed receipt
curl -X POST -H "Authorization: Bearer $$TOKEN" $url/v1/inbox/$$DELIVERY/accept -o receipt.json
""")


def documentation(routes: Sequence[Route], *, public_url: str) -> str:
    """Return the page (HTML) for people who connect their own system."""
    schemas = describe(routes, public_url=public_url)["components"]["schemas"]
    quick_start = html.escape(_QUICK_START.substitute(url=public_url))
    body = [
        '<p>The machine-readable description is at <a href="/v1/openapi.json">/v1/openapi.json</a>, ',
        f'the errors are explained at <a href="{ERRORS_PATH}">{ERRORS_PATH}</a>.</p>',
        f"<h2>Quick start</h2><pre><code>{quick_start}</code></pre>",
        *(_operation(route) for route in routes),
        "<h2>Shapes</h2>",
        *(_shape(name, schema) for name, schema in sorted(schemas.items())),
    ]
    return page("lienthong /v1", "".join(body))


def _operation(route: Route) -> str:
    rows = [(parameter.name, f"{parameter.place}: {parameter.says}") for parameter in route.parameters]
    if route.request is not None:
        rows.append(("request", f"{route.request_type}, {schema_name(route.request)}"))
    shape = schema_name(route.response) if route.response else "the bytes"
    rows.append((f"answer {route.status}", f"{route.response_type}, {shape}"))
    rows += [(f"answer {status}", ", ".join(codes)) for status, codes in problem_codes(route).items()]
    return (
        f"<h2><code>{route.method} {route.path}</code></h2><p>{html.escape(route.summary)}</p>{_table(rows)}"
    )


def _shape(name: str, schema: dict[str, Any]) -> str:
    fields: dict[str, Any] = schema.get("properties", {})
    required = set(schema.get("required", ()))
    rows = [
        (field if field in required else f"{field}?", msgspec.json.encode(kind).decode())
        for field, kind in fields.items()
    ]
    choices = ", ".join(map(str, schema.get("enum", ())))
    told = " ".join(filter(None, (schema.get("description"), choices)))
    return f'<h3 id="{name}"><code>{name}</code></h3><p>{html.escape(told)}</p>{_table(rows)}'


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><th><code>{html.escape(name)}</code></th><td>{html.escape(text)}</td></tr>"
        for name, text in rows
    )
    return f"<table>{cells}</table>" if cells else ""
