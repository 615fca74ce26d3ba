"""Signature wrapping (XSW): the signed element is moved, and another one stands where it stood.

The eight families are those of Somorovsky et al., "On Breaking SAML" (USENIX Security 2012), adapted; each is
tried with every way of naming the forged element, and with signatures of several profiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from lxml import etree  # type: ignore[import-untyped]

from tests.support.xml_signing import (
    C14N,
    DOCUMENT,
    DS,
    ECDSA_SHA256,
    ENVELOPED,
    ENVELOPED_EXCLUSIVE,
    EXCLUSIVE,
    NOT_IN_SIGNATURE,
    XADES,
    Recipe,
    Ref,
    agency_seal,
    altered,
    signed,
    transform,
)

_WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_SAME = "as the signed element"
_XML = "http://www.w3.org/XML/1998/namespace"


@dataclass(frozen=True)
class Case:
    """One forged file, and the code of a reason that its report must give (empty: any)."""

    name: str
    xml: bytes
    code: str = ""


@dataclass
class _Pieces:
    """What a wrapping is put together from."""

    forged: etree._Element
    """A copy of the document with another text, without signature."""
    original: etree._Element
    """The signed document, still with its signature inside."""
    signature: etree._Element
    """The signature, still inside the original."""

    def bare_original(self) -> etree._Element:
        """Take the signature out of the original."""
        self.original.remove(self.signature)
        return self.original

    def object(self, *inside: etree._Element) -> etree._Element:
        """A new ds:Object at the end of the signature."""
        holder = etree.SubElement(self.signature, f"{{{DS}}}Object")
        holder.extend(inside)
        return holder


def _xsw1(p: _Pieces) -> etree._Element:
    """The original inside the signature, the signature inside the forgery."""
    original = p.bare_original()
    p.signature.append(original)
    p.forged.append(p.signature)
    return p.forged


def _xsw2(p: _Pieces) -> etree._Element:
    """The original beside the signature, both inside the forgery."""
    original = p.bare_original()
    p.forged.extend([original, p.signature])
    return p.forged


def _xsw3(p: _Pieces) -> etree._Element:
    """The forgery before the original, under a new root."""
    root = etree.Element("goi")
    root.extend([p.forged, p.original])
    return root


def _xsw4(p: _Pieces) -> etree._Element:
    """The original, with its signature, inside the forgery."""
    p.forged.append(p.original)
    return p.forged


def _xsw5(p: _Pieces) -> etree._Element:
    """The signature inside the forgery, the original at the end of a new root."""
    original = p.bare_original()
    p.forged.append(p.signature)
    root = etree.Element("goi")
    root.extend([p.forged, original])
    return root


def _xsw6(p: _Pieces) -> etree._Element:
    """The original inside the signature inside the forgery, under a new root."""
    original = p.bare_original()
    p.signature.append(original)
    p.forged.append(p.signature)
    root = etree.Element("goi")
    root.append(p.forged)
    return root


def _xsw7(p: _Pieces) -> etree._Element:
    """The forgery inside an extension element before the original."""
    extension = etree.Element("mo-rong")
    extension.append(p.forged)
    root = etree.Element("goi")
    root.extend([extension, p.original])
    return root


def _xsw8(p: _Pieces) -> etree._Element:
    """The original inside an object of the signature, the signature inside the forgery."""
    original = p.bare_original()
    p.object(original)
    p.forged.append(p.signature)
    return p.forged


def _in_key_info(p: _Pieces) -> etree._Element:
    """The original inside KeyInfo."""
    original = p.bare_original()
    p.signature.find(f"{{{DS}}}KeyInfo").append(original)
    p.forged.append(p.signature)
    return p.forged


def _in_unsigned_properties(p: _Pieces) -> etree._Element:
    """The original inside the unsigned properties of XAdES."""
    original = p.bare_original()
    holder = next(p.signature.iter(f"{{{XADES}}}QualifyingProperties"))
    etree.SubElement(holder, f"{{{XADES}}}UnsignedProperties").append(original)
    p.forged.append(p.signature)
    return p.forged


def _deep_down(p: _Pieces) -> etree._Element:
    """The original with its signature forty elements down in the forgery."""
    place = p.forged
    for _ in range(40):
        place = etree.SubElement(place, "trong")
    place.append(p.original)
    return p.forged


FAMILIES: dict[str, Callable[[_Pieces], etree._Element]] = {
    "xsw1": _xsw1,
    "xsw2": _xsw2,
    "xsw3": _xsw3,
    "xsw4": _xsw4,
    "xsw5": _xsw5,
    "xsw6": _xsw6,
    "xsw7": _xsw7,
    "xsw8": _xsw8,
    "key-info": _in_key_info,
    "unsigned-properties": _in_unsigned_properties,
    "deep-down": _deep_down,
}

NAMES: dict[str, tuple[str, str] | None] = {
    "same-Id": ("Id", _SAME),
    "other-Id": ("Id", "vb-2"),
    "no-Id": None,
    "ID": ("ID", _SAME),
    "id": ("id", _SAME),
    "xml-id": (f"{{{_XML}}}id", _SAME),
    "wsu-Id": (f"{{{_WSU}}}Id", _SAME),
}
"""How the forged element is named."""


def profiles(part: str) -> dict[str, Recipe]:
    """Signatures over the element of an Id, as different programs make them."""
    inclusive = (Ref(f"#{part}", transform(ENVELOPED) + transform(C14N)),)
    exclusive = (Ref(f"#{part}", ENVELOPED_EXCLUSIVE),)
    filtered = (Ref(f"#{part}", NOT_IN_SIGNATURE + transform(EXCLUSIVE)),)
    return {
        "xades": Recipe(refs=exclusive),
        "plain": Recipe(refs=exclusive, is_xades=False),
        "inclusive": Recipe(refs=inclusive, canonicalisation=C14N),
        "filtered": Recipe(refs=filtered),
        "seal": Recipe(by=agency_seal(), method=ECDSA_SHA256, refs=inclusive, is_xades=False),
    }


def wrappings(document: str = DOCUMENT, *, part: str = "vb-1") -> Iterator[Case]:
    """Yield every family with every name and every profile; `part` is the Id of the document's root."""
    for profile, recipe in profiles(part).items():
        good = signed(document, recipe)
        for family, wrap in _families(document).items():
            if family == "unsigned-properties" and not recipe.is_xades:
                continue
            names = NAMES if family in FAMILIES else ("same-Id", "no-Id")
            for named in names:
                wrapped = _wrapped(good, wrap, NAMES[named], part=part)
                yield Case(f"{profile}/{family}/{named}", wrapped)


def _families(document: str) -> dict[str, Callable[[_Pieces], etree._Element]]:
    """The named families, and the original at each place of the forgery."""
    places = len(list(etree.fromstring(document.encode()).iter("*")))
    return {**FAMILIES, **{f"place-{number}": partial(_at, number=number) for number in range(places)}}


def _at(p: _Pieces, *, number: int) -> etree._Element:
    """The original with its signature inside the forgery's element of a number."""
    list(p.forged.iter("*"))[number].append(p.original)
    return p.forged


def _wrapped(
    good: str,
    wrap: Callable[[_Pieces], etree._Element],
    attribute: tuple[str, str] | None,
    *,
    part: str,
) -> bytes:
    original = etree.fromstring(good.encode())
    signature = original.find(f"{{{DS}}}Signature")
    forged = etree.fromstring(altered(good, ("100 dong", "900 dong")).encode())
    forged.remove(forged.find(f"{{{DS}}}Signature"))
    del forged.attrib["Id"]
    if attribute is not None:
        name, value = attribute
        forged.set(name, part if value == _SAME else value)
    result: bytes = etree.tostring(wrap(_Pieces(forged, original, signature)))
    return result
