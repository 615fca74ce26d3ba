"""Our canonical form against libxml2's, over made-up documents (row B14)."""

from __future__ import annotations

import hashlib
import io
import random

import pytest
from lxml import etree  # type: ignore[import-untyped]

from signing.xml.canonical import method_of
from signing.xml.digests import Reckoned, Sought, reckon
from signing.xml.reasons import NotTaken
from tests.support.xml_documents import made_up

C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_11 = "http://www.w3.org/2006/12/xml-c14n11"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


def _ours(document: bytes, part: str, algorithm: str, prefixes: str | None = None) -> bytes | str:
    method = method_of(algorithm, prefix_list=prefixes)
    assert method is not None
    wanted = Sought(part, frozenset(), method, "sha256")
    found = reckon(io.BytesIO(document), [wanted])[wanted]
    return found.digest if isinstance(found, Reckoned) else found.reason.code


def _libxml2(document: bytes, part: str, algorithm: str, prefixes: str | None = None) -> bytes:
    tree = etree.parse(io.BytesIO(document), etree.XMLParser(strip_cdata=False))
    if part:
        # By itself: told of an element inside a tree, lxml writes some default namespaces as empty.
        alone = etree.tostring(tree.xpath("//*[@Id=$one]", one=part)[0], with_tail=False)
        tree = etree.ElementTree(etree.fromstring(alone))
    written = io.BytesIO()
    listed = prefixes.split() if prefixes else None
    tree.write_c14n(
        written, exclusive=algorithm == EXCLUSIVE, with_comments=False, inclusive_ns_prefixes=listed
    )
    return hashlib.sha256(written.getvalue()).digest()


@pytest.mark.parametrize("seed", range(500))
def test_b14_our_canonical_form_is_that_of_libxml2(seed: int) -> None:
    document = made_up(random.Random(seed))
    for algorithm in (C14N, C14N_11, EXCLUSIVE):
        assert _ours(document, "", algorithm) == _libxml2(document, "", algorithm), document.decode()
    for prefixes in (None, "a b", "c"):
        theirs = _libxml2(document, "p-1", EXCLUSIVE, prefixes)
        assert _ours(document, "p-1", EXCLUSIVE, prefixes) == theirs, document.decode()


@pytest.mark.parametrize("seed", range(500))
def test_b14_our_canonical_form_of_one_element_is_that_of_libxml2(seed: int) -> None:
    # By itself an element inherits no attribute: there is none to inherit here.
    document = made_up(random.Random(seed)).replace(b" xml:", b" b:")
    for algorithm in (C14N, C14N_11):
        assert _ours(document, "p-1", algorithm) == _libxml2(document, "p-1", algorithm), document.decode()


def _octets(document: str, algorithm: str) -> str:
    """What an element with the Id `p` is in canonical form, found by its digest among some."""
    found = _ours(document.encode(), "p", algorithm)
    candidates = (
        '<p xmlns="urn:a" Id="p" xml:lang="vi"></p>',
        '<p xmlns="urn:a" Id="p" xml:id="x" xml:lang="vi"></p>',
        '<p xmlns="urn:a" Id="p" xml:lang="en"></p>',
        '<p xmlns="urn:a" Id="p"></p>',
    )
    return next((each for each in candidates if hashlib.sha256(each.encode()).digest() == found), str(found))


def test_an_element_inherits_what_canonical_xml_1_0_says() -> None:
    document = '<o xmlns="urn:a" xml:lang="vi" xml:id="x"><p Id="p"/></o>'
    assert _octets(document, C14N) == '<p xmlns="urn:a" Id="p" xml:id="x" xml:lang="vi"></p>'


def test_an_element_inherits_no_id_in_canonical_xml_1_1() -> None:
    document = '<o xmlns="urn:a" xml:lang="vi" xml:id="x"><p Id="p"/></o>'
    assert _octets(document, C14N_11) == '<p xmlns="urn:a" Id="p" xml:lang="vi"></p>'


def test_the_nearest_language_is_inherited() -> None:
    document = '<o xmlns="urn:a" xml:lang="vi"><m xml:lang="en"><p Id="p"/></m></o>'
    assert _octets(document, C14N) == '<p xmlns="urn:a" Id="p" xml:lang="en"></p>'


def test_an_element_inherits_nothing_in_the_exclusive_form() -> None:
    document = '<o xmlns="urn:a" xml:lang="vi"><p Id="p"/></o>'
    assert _octets(document, EXCLUSIVE) == '<p xmlns="urn:a" Id="p"></p>'


def test_a_base_address_to_be_joined_is_not_judged() -> None:
    document = '<o xmlns="urn:a" xml:base="urn:b"><p Id="p"/></o>'
    assert _ours(document.encode(), "p", C14N_11) == "xml-canonicalisation"


@pytest.mark.parametrize("namespace", ["a", "a/b", "../a", "/a"])
def test_b11_a_relative_namespace_has_no_canonical_form(namespace: str) -> None:
    document = f'<o xmlns:a="{namespace}"><p Id="p-1"/></o>'.encode()
    assert _ours(document, "", C14N) == "xml-relative-namespace"


@pytest.mark.parametrize(
    "algorithm", ["", "urn:x", C14N + "#", EXCLUSIVE + "#", EXCLUSIVE[:-1], C14N + "#withcomments"]
)
def test_an_unknown_canonical_form_is_none(algorithm: str) -> None:
    assert method_of(algorithm) is None


def test_the_same_id_twice_names_nothing() -> None:
    document = b'<o><p Id="p"/><q ID="p"/></o>'
    assert _ours(document, "p", EXCLUSIVE) == "xml-ambiguous-id"


def test_utf_16_is_refused_though_expat_takes_it() -> None:
    method = method_of(EXCLUSIVE)
    assert method is not None
    with pytest.raises(NotTaken) as refused:
        reckon(io.BytesIO("<o/>".encode("utf-16")), [Sought("", frozenset(), method, "sha256")])
    assert refused.value.reason.code == "xml-encoding"
