"""Made-up XML documents with everything that a canonical form has to straighten out.

No namespace has an ampersand: libxml2 forgets to escape it again.
"""

from __future__ import annotations

from random import Random

_PREFIXES = ("", "a", "b", "c")
_NAMESPACES = ("urn:1", "urn:2", "http://x.example/?a=1")
_TEXTS = (
    "văn bản",
    " \n\t ",
    "a &amp; b &lt;c&gt;",
    "&#13;&#10;&#9;",
    "<![CDATA[<x> & ]]>",
    "]]&gt;",
    "\r\n",
    "𝔘",
    "<!-- ghi chú -->",
    "<?lenh  a b ?>",
    "<?lenh?>",
)
_VALUES = ("", "x", "a&#9;b&#10;c&#13;", "a\tb\nc", "&lt;&quot;&apos;&gt;&amp;", " dẫn ")
_DEEPEST = 5


def made_up(choose: Random) -> bytes:
    """Return a document of up to a few dozen elements; one of them has the Id `p-1`."""
    root = _element(choose, {"": None}, depth=0)
    before = choose.choice(("", "<?xml version='1.0'?>", "\ufeff<!-- x -->\n<?a b?>", "<?a?>"))
    return (before + root + choose.choice(("", "\n<!-- x -->", "<?a b?>\n"))).encode()


def _element(choose: Random, scope: dict[str, str | None], *, depth: int) -> str:
    declared = {
        prefix: choose.choice((*_NAMESPACES, "")) if not prefix else choose.choice(_NAMESPACES)
        for prefix in _PREFIXES
        if depth == 0 or choose.random() < 0.25
    }
    scope = {**scope, **declared}
    attributes = [f'xmlns{":" + prefix if prefix else ""}="{value}"' for prefix, value in declared.items()]
    attributes += _attributes(choose, scope)
    if depth == 1 and choose.random() < 0.5:
        attributes.append(choose.choice(('xml:lang="vi"', 'xml:space="preserve"')))
    choose.shuffle(attributes)
    parts = [_part(choose, scope, depth=depth) for _ in range(choose.randrange(5))]
    if depth == 0:
        parts.append(_chosen(choose, scope))
    prefix = choose.choice(list(scope))
    name = f"{prefix}:{choose.choice('xyz')}" if prefix else choose.choice("xyz")
    return f"<{name} {' '.join(attributes)}>{''.join(parts)}</{name}>"


def _chosen(choose: Random, scope: dict[str, str | None]) -> str:
    """The element that can be referred to, two levels down."""
    inside = _element(choose, scope, depth=3)
    return f'<a:giua xmlns:c="urn:giua"><b:phan Id="p-1" c:k="v">{inside}<c:cuoi xmlns=""/></b:phan></a:giua>'


def _attributes(choose: Random, scope: dict[str, str | None]) -> list[str]:
    found: dict[tuple[str | None, str], str] = {}
    for _ in range(choose.randrange(4)):
        prefix, local = choose.choice(list(scope)), choose.choice("klm")
        name = f"{prefix}:{local}" if prefix else local
        found.setdefault((scope[prefix] if prefix else "", local), f'{name}="{choose.choice(_VALUES)}"')
    return list(found.values())


def _part(choose: Random, scope: dict[str, str | None], *, depth: int) -> str:
    if depth < _DEEPEST and choose.random() < 0.5:
        return _element(choose, scope, depth=depth + 1)
    return choose.choice(_TEXTS)
