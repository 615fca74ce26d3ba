"""The judgement of one XML signature: its form, what it covers, its cryptography, then who made it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from signing.cms.algorithms import WEAK_DIGESTS, Family, Scheme
from signing.cms.facts import Signer
from signing.cms.keys import VerificationKey, verification_key
from signing.evidence import Evidence
from signing.judgement import Judgement
from signing.xml import reasons
from signing.xml.canonical import INCLUSIVE
from signing.xml.digests import Reckoned, Sought
from signing.xml.key_info import certificates_in, known, lists_in, signer_among
from signing.xml.names import DS
from signing.xml.reasons import NotTaken
from signing.xml.signed_info import LeavesOut, Reference, SignedInfo, base64_of, read_signed_info
from signing.xml.survey import Found, Survey
from signing.xml.tree import Node, demand_no_remarks, is_of_signatures
from signing.xml.xades import Properties, certificate_named, is_properties_object, properties_in


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signature whose form is in order, and the digests it wants of the file."""

    found: Found
    signed_info: SignedInfo
    properties: Properties | None
    wanted: tuple[Sought, ...]
    """One for each reference, in their order."""
    leaves_instructions: bool
    """Whether instructions stand outside the root, where only a signature over the whole document reaches."""


def prepare(found: Found, survey: Survey) -> Prepared:
    """Return what a signature says, checked for its form.

    Args:
        found: The signature element.
        survey: What else stands in the file.

    Raises:
        NotTaken: Its form is not in order, or asks for what is not judged here.
    """
    _demand_structure(found)
    demand_no_remarks(found.node)
    signed_info = read_signed_info(found.node)
    own = frozenset({found.node.tag.ordinal})
    left_out = {LeavesOut.NOTHING: frozenset[int](), LeavesOut.OWN: own, LeavesOut.ALL: survey.ordinals}
    wanted = tuple(
        Sought(each.part, left_out[each.leaves_out], each.method, each.digest_name)
        for each in signed_info.references
    )
    leaves_instructions = survey.has_instruction_outside and all(each.part for each in wanted)
    return Prepared(found, signed_info, properties_in(found.node), wanted, leaves_instructions)


def read_signer(
    prepared: Prepared, reckoned: Mapping[Sought, Reckoned | NotTaken], judgement: Judgement
) -> Signer:
    """Return the facts about who signed; what is wrong with the coverage goes into the judgement.

    Raises:
        NotTaken: A part cannot be had, or no certificate is said to be the signer's.
    """
    parts = list(_parts(prepared, reckoned))
    _check_properties(prepared, parts)
    _check_coverage(prepared, parts, judgement)
    node = prepared.found.node
    certificates = certificates_in(node)
    properties = prepared.properties
    named = properties.certificate_digest if properties is not None else None
    leaf = certificate_named(named, certificates) if named is not None else signer_among(certificates)
    key = _key_of(leaf)
    value_node = node.one("SignatureValue")
    value = base64_of(value_node)
    scheme = prepared.signed_info.scheme
    digests = {scheme.hash, *(each.digest_name for each in prepared.signed_info.references)}
    return Signer(
        certificate=leaf,
        evidence=_evidence(prepared, certificates),
        is_intact=all(part.digest == reference.digest for reference, part in parts),
        is_genuine=_is_genuine(key, scheme, octets=prepared.signed_info.octets, value=value),
        is_weak=key.is_weak or not WEAK_DIGESTS.isdisjoint(digests),
        is_bound=named is not None,
        value=value_node.canonical(properties.stamp_method if properties else INCLUSIVE),
        claimed_at=properties.claimed_at if properties else None,
        time_stamps=properties.time_stamps if properties else (),
    )


def _demand_structure(found: Found) -> None:
    node = found.node
    node.one("SignedInfo")
    node.one("SignatureValue")
    node.maybe("KeyInfo")
    known = ("SignedInfo", "SignatureValue", "KeyInfo", "Object")
    if any(each.tag.namespace != DS or each.tag.local not in known for each in node.children):
        raise NotTaken(reasons.STRUCTURE.about("a stranger among its children"))
    if node.text.strip() or node.one("SignedInfo") is not node.children[0]:
        raise NotTaken(reasons.STRUCTURE.about("order"))


def _parts(
    prepared: Prepared, reckoned: Mapping[Sought, Reckoned | NotTaken]
) -> Iterator[tuple[Reference, Reckoned]]:
    """Yield each reference with what the file holds there.

    Raises:
        NotTaken: There is no such part, or it is not judged.
    """
    own = prepared.found.node.tag.ordinal
    for reference, wanted in zip(prepared.signed_info.references, prepared.wanted, strict=True):
        part = reckoned[wanted]
        if isinstance(part, NotTaken):
            raise part
        if reference.leaves_out is LeavesOut.OWN and own not in part.taken_out:
            raise NotTaken(reasons.NOT_INSIDE)
        is_two_ways = reference.method.asks_for_comments and part.has_comments
        if is_two_ways and part.digest != reference.digest:
            raise NotTaken(reasons.TWO_READINGS, "GENERIC")
        yield reference, part


def _check_properties(prepared: Prepared, parts: list[tuple[Reference, Reckoned]]) -> None:
    """Pass when the XAdES properties, where there are any, are this signature's own and signed by it."""
    said = [part.ordinal for reference, part in parts if reference.is_signed_properties]
    properties = prepared.properties
    own = [properties.signed.tag.ordinal] if properties is not None else []
    if said != own:
        raise NotTaken(reasons.FOREIGN_PROPERTIES)


def _check_coverage(
    prepared: Prepared, parts: list[tuple[Reference, Reckoned]], judgement: Judgement
) -> None:
    """Find whether all of the document is signed, or all that the signature itself envelops."""
    signed = {part.ordinal for _, part in parts}
    objects = [each for each in prepared.found.node.all("Object") if not is_properties_object(each)]
    if any(each.maybe("Manifest") is not None for each in objects):
        judgement.against("SIG_CONSTRAINTS_FAILURE", reasons.MANIFEST, facet="coverage")
    key_infos = [each for each in prepared.found.node.all("KeyInfo") if _holds_strangers(each)]
    if any(each.tag.ordinal not in signed for each in objects + key_infos):
        judgement.against("SIG_CONSTRAINTS_FAILURE", reasons.UNSIGNED_OBJECT, facet="coverage")
    is_whole = bool(objects) if prepared.found.is_root else 0 in signed
    if not is_whole or prepared.leaves_instructions:
        judgement.against("SIG_CONSTRAINTS_FAILURE", reasons.PART_ONLY, facet="coverage")
    judgement.fine("coverage", "changes")


def _holds_strangers(key_info: Node) -> bool:
    return not all(map(is_of_signatures, key_info.walk()))


def _evidence(prepared: Prepared, certificates: tuple[bytes, ...]) -> Evidence:
    own = Evidence(certificates, lists_in(prepared.found.node))
    return own + prepared.properties.evidence if prepared.properties is not None else own


def _key_of(leaf: bytes) -> VerificationKey:
    return verification_key(known(leaf).spki)


def _is_genuine(key: VerificationKey, scheme: Scheme, *, octets: bytes, value: bytes) -> bool:
    if scheme.family is Family.ECDSA:
        if not isinstance(key.public, ec.EllipticCurvePublicKey):
            return False
        half = (key.public.key_size + 7) // 8
        if len(value) != 2 * half:
            return False
        value = encode_dss_signature(int.from_bytes(value[:half]), int.from_bytes(value[half:]))
    return key.has_signed(octets, value, scheme)
