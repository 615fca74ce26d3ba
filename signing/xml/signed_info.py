"""What a signature says it signed, and how: read from the canonical octets that its value is made over."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import Enum, auto

from signing.cms.algorithms import Scheme
from signing.xml import reasons
from signing.xml.algorithms import digest_named, scheme_named, shown
from signing.xml.canonical import INCLUSIVE, Method, method_of
from signing.xml.limits import MAX_REFERENCES, MAX_TRANSFORMS
from signing.xml.names import DS, ENVELOPED, EXCLUSIVE, FILTER_2, MANIFEST, SIGNED_PROPERTIES, XPATH
from signing.xml.reasons import NotTaken
from signing.xml.tree import Node, parsed_again

_NO_SIGNATURE = "not(ancestor-or-self::{}:Signature)"
_ALL_SIGNATURES = ("/descendant::{}:Signature", "//{}:Signature")


class LeavesOut(Enum):
    """Which signature elements are taken out of a signed part."""

    NOTHING = auto()
    OWN = auto()
    ALL = auto()


@dataclass(frozen=True, slots=True)
class Reference:
    """One part that is signed, by its digest."""

    part: str
    """Id of the element, empty for the whole document."""
    kind: str
    leaves_out: LeavesOut
    method: Method
    digest_name: str
    digest: bytes

    @property
    def is_signed_properties(self) -> bool:
        """Return whether it says of itself that it is to the XAdES properties."""
        return self.kind == SIGNED_PROPERTIES


@dataclass(frozen=True, slots=True)
class SignedInfo:
    """The signed part of a signature element."""

    octets: bytes
    scheme: Scheme
    references: tuple[Reference, ...]


def read_signed_info(signature: Node) -> SignedInfo:
    """Return what a signature element says it signed.

    Raises:
        NotTaken: It is not built as the standard says, or asks for what is not judged here.
    """
    written = signature.one("SignedInfo")
    way = written.one("CanonicalizationMethod")
    method = _canonicalisation(way)
    octets = written.canonical(method)
    signed = parsed_again(octets)
    _demand_only(signed, "CanonicalizationMethod", "SignatureMethod", "Reference")
    how = signed.one("SignatureMethod")
    if how.children:
        # HMACOutputLength (CVE-2009-0217), or parameters of methods that are not known here.
        raise NotTaken(reasons.METHOD.about("parameters"), "CRYPTO_CONSTRAINTS_FAILURE")
    references = signed.all("Reference")
    if not references:
        raise NotTaken(reasons.STRUCTURE.about("no Reference"))
    if len(references) > MAX_REFERENCES:
        raise NotTaken(reasons.TOO_MUCH.about(f"more than {MAX_REFERENCES} references"), "GENERIC")
    return SignedInfo(octets, scheme_named(_algorithm(how)), tuple(_reference(each) for each in references))


def base64_of(node: Node) -> bytes:
    """Return the bytes that an element holds in base64; white space is allowed in it.

    Raises:
        NotTaken: It holds something else.
    """
    if node.children:
        raise NotTaken(reasons.BASE64)
    try:
        return base64.b64decode("".join(node.text.split()), validate=True)
    except (binascii.Error, ValueError) as broken:
        raise NotTaken(reasons.BASE64) from broken


def canonicalisation_in(node: Node | None) -> Method:
    """Return the way a CanonicalizationMethod element names; without one it is Canonical XML 1.0.

    Raises:
        NotTaken: It is not one of those known.
    """
    return INCLUSIVE if node is None else _canonicalisation(node)


def _reference(node: Node) -> Reference:
    _demand_only(node, "Transforms", "DigestMethod", "DigestValue")
    uri = node.tag.value("URI")
    kind = node.tag.value("Type") or ""
    if kind == MANIFEST:
        raise NotTaken(reasons.MANIFEST, "SIG_CONSTRAINTS_FAILURE", facet="coverage")
    leaves_out, method = _transforms(node.maybe("Transforms"))
    digest = digest_named(_algorithm(node.one("DigestMethod")))
    return Reference(_part(uri), kind, leaves_out, method, digest, base64_of(node.one("DigestValue")))


def _part(uri: str | None) -> str:
    """Return the Id that a same-document reference names, empty for the whole document."""
    if uri == "":
        return ""
    part = uri[1:] if uri and uri.startswith("#") else ""
    if not part or any(letter in part for letter in "()#%/:"):
        raise NotTaken(reasons.REFERENCE.about(shown(uri or "no URI")), "SIGNED_DATA_NOT_FOUND")
    return part


def _transforms(node: Node | None) -> tuple[LeavesOut, Method]:
    """Return what a list of transforms comes to: signatures are taken out, then it is canonicalised."""
    steps = [] if node is None else node.children
    if len(steps) > MAX_TRANSFORMS:
        raise _transform(f"more than {MAX_TRANSFORMS}")
    leaves_out = LeavesOut.NOTHING
    for place, step in enumerate(steps, start=1):
        if not step.is_(DS, "Transform"):
            raise NotTaken(reasons.STRUCTURE.about("no Transform"))
        removed = _removed(step)
        if removed is None:
            if place != len(steps):
                raise _transform("canonicalised before the end")
            return leaves_out, _canonicalisation(step)
        leaves_out = max(leaves_out, removed, key=lambda each: each.value)
    return leaves_out, INCLUSIVE


def _removed(step: Node) -> LeavesOut | None:
    """Return what a transform takes out, None for a canonicalisation."""
    algorithm = _algorithm(step)
    if algorithm == ENVELOPED:
        if step.children:
            raise _transform("parameters")
        return LeavesOut.OWN
    if algorithm == XPATH:
        expression = _expression(step, DS)
        if expression.text.strip() in _with_prefixes(expression, _NO_SIGNATURE):
            return LeavesOut.ALL
        raise _transform("XPath")
    if algorithm == FILTER_2:
        expression = _expression(step, FILTER_2)
        is_subtract = expression.tag.value("Filter") == "subtract"
        if is_subtract and expression.text.strip() in _with_prefixes(expression, *_ALL_SIGNATURES):
            return LeavesOut.ALL
        raise _transform("XPath Filter 2")
    return None


def _expression(step: Node, namespace: str) -> Node:
    if len(step.children) != 1 or not step.children[0].is_(namespace, "XPath"):
        raise _transform("XPath")
    return step.children[0]


def _with_prefixes(expression: Node, *patterns: str) -> set[str]:
    """Return the patterns with each prefix that stands for XML signatures at this place."""
    prefixes = [prefix for prefix, namespace in expression.tag.scope.items() if namespace == DS and prefix]
    return {pattern.format(prefix) for pattern in patterns for prefix in prefixes}


def _canonicalisation(node: Node) -> Method:
    algorithm = _algorithm(node)
    lists = node.children
    if any(not each.is_(EXCLUSIVE, "InclusiveNamespaces") for each in lists) or len(lists) > 1:
        raise _transform(shown(algorithm))
    method = method_of(algorithm, prefix_list=lists[0].tag.value("PrefixList") if lists else None)
    if method is None:
        raise _transform(shown(algorithm))
    return method


def _algorithm(node: Node) -> str:
    algorithm = node.tag.value("Algorithm")
    if algorithm is None:
        raise NotTaken(reasons.STRUCTURE.about("no Algorithm"))
    return algorithm


def _demand_only(node: Node, *names: str) -> None:
    strangers = [each for each in node.children if each.tag.namespace != DS or each.tag.local not in names]
    if strangers or node.text.strip():
        raise NotTaken(reasons.STRUCTURE.about(shown(node.tag.local)))


def _transform(what: str) -> NotTaken:
    return NotTaken(reasons.TRANSFORM.about(what), "GENERIC")
