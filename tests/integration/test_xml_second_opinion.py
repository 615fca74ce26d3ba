"""xmlsec1 and signxml on the same files: what they take, what they make (row B14)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from signing.report import FacetState, Verdict
from tests.support.xml_signing import (
    C14N,
    C14N_11,
    DOCUMENT,
    ENVELOPED,
    ENVELOPED_EXCLUSIVE,
    EXCLUSIVE,
    NOT_IN_SIGNATURE,
    SUBTRACT,
    Recipe,
    Ref,
    agency_seal,
    altered,
    leader,
    seal_recipe,
    signed,
    template,
    transform,
    verdict_on,
)
from tests.support.xml_signxml import KINDS, signed_by_signxml, signer_of, signxml_accepts
from tests.support.xml_xmlsec import signed_by_xmlsec, xmlsec_accepts

# Room for the certificates that xmlsec1 puts in.
_EMPTY_DATA = "<ds:KeyInfo><ds:X509Data/></ds:KeyInfo>"
_LANGUAGE = altered(DOCUMENT, ("<vb:van-ban ", '<vb:van-ban xml:lang="vi" xml:space="preserve" '))
_RECIPES = {
    "xades": Recipe(),
    "plain": Recipe(is_xades=False),
    "inclusive": Recipe(
        refs=(Ref(transforms=transform(ENVELOPED) + transform(C14N)),), canonicalisation=C14N
    ),
    "inclusive-1.1": Recipe(
        refs=(Ref(transforms=transform(ENVELOPED) + transform(C14N_11)),), canonicalisation=C14N_11
    ),
    "xpath": Recipe(refs=(Ref(transforms=NOT_IN_SIGNATURE + transform(EXCLUSIVE)),)),
    "filter-2": Recipe(refs=(Ref(transforms=SUBTRACT + transform(C14N)),)),
    "by-id": Recipe(refs=(Ref("#vb-1", ENVELOPED_EXCLUSIVE),)),
    "and-a-part": Recipe(refs=(Ref(), Ref("#nd-1", transform(C14N)))),
    "seal": seal_recipe(),
    "with-comments": Recipe(refs=(Ref(transforms=transform(ENVELOPED) + transform(C14N + "#WithComments")),)),
}
_DOCUMENTS = {
    "simple": DOCUMENT,
    "language": _LANGUAGE,
    "comments": altered(DOCUMENT, ("  <so>", "  <!-- số --><so>")),
    "instructions": altered(DOCUMENT, ("<so>", "<?in  dam ?><so>")),
    "empty-default": altered(DOCUMENT, ("<so>", '<so xmlns="">')),
}


def _unfilled(document: str, recipe: Recipe) -> str:
    return document.replace("</vb:van-ban>", template(recipe) + "</vb:van-ban>")


@pytest.mark.parametrize("document", _DOCUMENTS)
@pytest.mark.parametrize("recipe", _RECIPES)
def test_b14_what_xmlsec_signs_passes(recipe: str, document: str, tmp_path: Path) -> None:
    by = agency_seal() if recipe == "seal" else leader()
    way = replace(_RECIPES[recipe], key_info=_EMPTY_DATA)
    made = signed_by_xmlsec(_unfilled(_DOCUMENTS[document], way), by, tmp_path)
    report = verdict_on(made, tmp_path)
    assert [*report.signatures[0].codes] == []
    assert report.verdict is Verdict.TOTAL_PASSED


@pytest.mark.parametrize("recipe", _RECIPES)
def test_b14_what_we_pass_xmlsec_takes_too(recipe: str, tmp_path: Path) -> None:
    good = signed(recipe=_RECIPES[recipe])
    assert verdict_on(good, tmp_path).verdict is Verdict.TOTAL_PASSED
    assert xmlsec_accepts(good.encode(), tmp_path)
    changed = altered(good, ("100 dong", "900 dong"))
    assert not xmlsec_accepts(changed.encode(), tmp_path)


def test_a_part_inherits_its_language_as_xmlsec_does(tmp_path: Path) -> None:
    for way in (C14N, C14N_11):
        recipe = Recipe(refs=(Ref("#nd-1", transform(way)),), canonicalisation=way, key_info=_EMPTY_DATA)
        made = signed_by_xmlsec(_unfilled(_LANGUAGE, recipe), leader(), tmp_path)
        facets = verdict_on(made, tmp_path).signatures[0].facets
        assert (facets.integrity, facets.coverage) == (FacetState.OK, FacetState.FAILED)


@pytest.mark.parametrize("kind", KINDS)
def test_signxml_says_of_its_own_what_we_say(kind: str, tmp_path: Path) -> None:
    good = signed_by_signxml(kind)
    assert signxml_accepts(good, by=signer_of(kind))
    assert verdict_on(good, tmp_path).verdict is Verdict.TOTAL_PASSED
    changed = good.replace(b"100 dong", b"900 dong")
    assert not signxml_accepts(changed, by=signer_of(kind))
    assert verdict_on(changed, tmp_path).verdict is Verdict.TOTAL_FAILED


def test_signxml_fails_on_two_signatures_that_both_are_valid(tmp_path: Path) -> None:
    two = signed(
        signed(recipe=_RECIPES["xpath"]), seal_recipe(refs=(Ref(transforms=SUBTRACT + transform(C14N)),))
    )
    assert verdict_on(two, tmp_path).verdict is Verdict.TOTAL_PASSED
    assert not signxml_accepts(two.encode(), by=leader())
