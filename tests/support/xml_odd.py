"""Small XML documents with odd names, namespaces and instructions; most of them are ill-formed."""

from __future__ import annotations

from random import Random

from lxml import etree  # type: ignore[import-untyped]

ODD_ATTRIBUTES = (
    'xmlns:="urn:x"',
    ':k="1"',
    'k:="1"',
    'xml:="1"',
    'vb::k="1"',
    'vb:k:l="1"',
    'vb:1k="1"',
    'vb:-k="1"',
    'la:k="1"',
    'xmlns:1a="urn:x"',
    'xmlns:-a="urn:x"',
    'xmlns:a:b="urn:x"',
    'xmlns:rong=""',
    'xmlns:xml="urn:x"',
    'xmlns:xmlns="urn:x"',
    'xmlns:a="http://www.w3.org/XML/1998/namespace"',
    'xmlns:a="http://www.w3.org/2000/xmlns/"',
    'xmlns:a=" urn:x"',
    'xmlns:a="%zz"',
    'xmlns:a="urn:văn-bản"',
    'xmlns:a="http://[x"',
    'xmlns:a="http://x:cong/"',
    'xmlns:a="urn:x#1#2"',
    'xmlns:a="1:2"',
    'xmlns:a="urn:a" xmlns:b="urn:a" a:k="1" b:k="1"',
    'xml:id="1"',
    'xml:id="a:b"',
    'xml:id=""',
)
"""What can be written into a start tag and is no XML with namespaces."""

PLAIN_ATTRIBUTES = (
    'xmlns:a="urn:x"',
    'xmlns:a="http://x.example:80/b?c=1#d"',
    'xmlns:xml="http://www.w3.org/XML/1998/namespace"',
)
"""What can be written into a start tag."""

_NAMES = (
    "a",
    "p:a",
    "q:b",
    "xml:a",
    "xmlns:a",
    ":a",
    "a:",
    "a:b:c",
    "p:1",
    "p:-",
    "p:_",
    "đ:ă",
    "p:·",
    "a.-1",
)
_PREFIXES = ("", ":", ":p", ":q", ":đ", ":xml", ":xmlns", ":p:q", ":1", ":xmlx")
_SPACES = (
    "urn:1",
    "urn:2",
    "",
    "x",
    "urn:é",
    " urn:1",
    "http://www.w3.org/XML/1998/namespace",
    "http://a:b/",
)
_IDS = ("a", "b", "1", "", " a ", "a b", "đ", "a:b")
_PARTS = ("chữ", "<?a b?>", "<?a:b c?>", "<?xml-x y?>", "<!-- x -->", "&amp;", "&la;", "<![CDATA[<]]>")


def odd(choose: Random) -> str:
    """Return a document of a few elements, well-formed now and then."""
    return _element(choose, depth=0)


def _element(choose: Random, *, depth: int) -> str:
    written = ['xmlns:p="urn:1"', 'xmlns:q="urn:2"'] if depth == 0 else []
    if choose.random() < 0.3:
        written.append(f'xmlns{choose.choice(_PREFIXES)}="{choose.choice(_SPACES)}"')
    if choose.random() < 0.2:
        written.append(f'{choose.choice(_NAMES)}="1"')
    if choose.random() < 0.2:
        written.append(f'xml:id="{choose.choice(_IDS)}"')
    inside = "".join(_part(choose, depth=depth) for _ in range(choose.randrange(3)))
    name = choose.choice(_NAMES) if choose.random() < 0.3 else "a"
    return f"<{name} {' '.join(written)}>{inside}</{name}>"


def _part(choose: Random, *, depth: int) -> str:
    if depth < 3 and choose.random() < 0.6:
        return _element(choose, depth=depth + 1)
    return choose.choice(_PARTS)


def is_well_formed(xml: str | bytes) -> bool:
    """Return whether libxml2, strict and aware of namespaces, takes it."""
    try:
        etree.fromstring(xml.encode() if isinstance(xml, str) else xml)
    except etree.XMLSyntaxError:
        return False
    return True
