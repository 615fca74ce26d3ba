"""Plain pages that need neither scripts nor anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import html

from aiohttp import web

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1, h2, h3 { line-height: 1.25 } h2 { margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem }
code, pre { font: 14px/1.45 ui-monospace, monospace; background: #f3f4f6; border-radius: 4px }
code { padding: 1px 4px } pre { padding: 12px; overflow-x: auto } pre code { padding: 0 }
table { border-collapse: collapse } td, th { text-align: left; vertical-align: top; padding: 4px 12px 4px 0 }
a { color: #0b57a4 }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'"


def page(title: str, body: str) -> str:
    """Return a whole page as HTML; `body` is HTML already escaped by the caller."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)} · lienthong</title><style>{_STYLE}</style></head>"
        f"<body><h1>{html.escape(title)}</h1>{body}</body></html>"
    )


def page_answer(content: str) -> web.Response:
    """Return a page of ours as an answer that lets nothing but its own style in."""
    headers = {"Content-Security-Policy": _POLICY}
    return web.Response(text=content, content_type="text/html", headers=headers)
