"""Signed XML, made with lxml's canonical form and by hand, so that every piece of it can be wrong."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree  # type: ignore[import-untyped]

from ops.dev.pki import DemoAuthority, Identity
from signing.basis import Basis
from signing.report import VerificationReport
from signing.trust import TrustStore, trust_store
from signing.xml.verify import verify_xml

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_11 = "http://www.w3.org/2006/12/xml-c14n11"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DS + "enveloped-signature"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
PSS_SHA256 = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
_HASHES = {SHA256: "sha256", DS + "sha1": "sha1", "http://www.w3.org/2001/04/xmldsig-more#md5": "md5"}

NOT_IN_SIGNATURE = (
    '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
    "<ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>"
)
SUBTRACT = (
    '<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2">'
    '<f2:XPath xmlns:f2="http://www.w3.org/2002/06/xmldsig-filter2" Filter="subtract">'
    "/descendant::ds:Signature</f2:XPath></ds:Transform>"
)

DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<vb:van-ban xmlns:vb="urn:vn:van-ban" xmlns="urn:vn:khac" Id="vb-1" loai="QĐ">\n'
    "  <vb:gui>H26.01</vb:gui>\n  <so>12/QĐ-UBND</so>\n"
    '  <vb:noi-dung Id="nd-1" thu=\'"5 &lt; 6"\'>Chi 100 dong &amp; hết</vb:noi-dung>\n'
    "</vb:van-ban>"
)


@cache
def authority() -> DemoAuthority:
    """The authority whose root the tests trust."""
    return DemoAuthority(now=NOW)


@cache
def stranger() -> DemoAuthority:
    """Another authority, of the same name, that nobody trusts."""
    return DemoAuthority(now=NOW)


@cache
def trust() -> TrustStore:
    """What the tests trust."""
    return trust_store([authority().root.certificate])


@cache
def leader() -> Identity:
    return authority().person("Chủ tịch UBND – H26.01", organisation="UBND phường Một")


@cache
def agency_seal() -> Identity:
    return authority().seal("UBND phường Một", elliptic=True)


def transform(algorithm: str) -> str:
    """One plain transform."""
    return f'<ds:Transform Algorithm="{algorithm}"/>'


ENVELOPED_EXCLUSIVE = transform(ENVELOPED) + transform(EXCLUSIVE)


@dataclass(frozen=True)
class Ref:
    """A reference to be signed."""

    uri: str = ""
    transforms: str = ENVELOPED_EXCLUSIVE
    digest: str = SHA256
    kind: str = ""


@dataclass(frozen=True)
class Recipe:
    """How a signature is to be made; every piece can be replaced by a wrong one."""

    by: Identity = field(default_factory=leader)
    refs: tuple[Ref, ...] = (Ref(),)
    method: str = RSA_SHA256
    canonicalisation: str = EXCLUSIVE
    id: str = "ky-1"
    is_xades: bool = True
    named: Identity | None = None
    """Whose certificate the properties name; None: the signer's."""
    key_info: str | None = None
    objects: str = ""
    target: str | None = None
    method_inside: str = ""
    stamp: Callable[[bytes], bytes] | None = None
    """Makes a time-stamp token over the canonical signature value."""
    unsigned: str = ""


def basis(at: datetime = NOW) -> Basis:
    """By what the tests judge."""
    return Basis(trust(), at)


def verdict_on(xml: bytes | str, folder: Path, *, at: datetime = NOW) -> VerificationReport:
    """What `verify_xml` says of these bytes."""
    path = folder / "document.xml"
    path.write_bytes(xml.encode() if isinstance(xml, str) else xml)
    return verify_xml(path, basis=basis(at))


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def der(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


def x509_data(identity: Identity) -> str:
    """The KeyInfo that carries an identity's certificates."""
    chain = (identity.certificate, *identity.chain)
    inside = "".join(
        f"<ds:X509Certificate>{b64(each.public_bytes(Encoding.DER))}</ds:X509Certificate>" for each in chain
    )
    return f"<ds:KeyInfo><ds:X509Data>{inside}</ds:X509Data></ds:KeyInfo>"


def signed(document: str = DOCUMENT, recipe: Recipe | None = None, *, into: str = "/*") -> str:
    """The document with one more signature, as the last child of the element that the XPath `into` names."""
    recipe = recipe or Recipe()
    tree = etree.fromstring(document.encode())
    parent = tree.xpath(into)[0]
    parent.append(etree.fromstring(template(recipe)))
    whole = etree.tostring(tree.getroottree(), encoding="unicode")
    return filled(whole, recipe)


def filled(whole: str, recipe: Recipe) -> str:
    """The document with the digests and the value of the signature of this Id put in."""
    tree = etree.fromstring(whole.encode())
    signature = tree.xpath(f"//*[local-name()='Signature' and @Id='{recipe.id}']")[0]
    for reference in signature.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference"):
        method = reference.find(f"{{{DS}}}DigestMethod").get("Algorithm")
        octets = referred(tree, reference, recipe.id)
        digest = hashlib.new(_HASHES.get(method, "sha256"), octets).digest()
        reference.find(f"{{{DS}}}DigestValue").text = b64(digest)
    signed_info = signature.find(f"{{{DS}}}SignedInfo")
    value = signature.find(f"{{{DS}}}SignatureValue")
    value.text = b64(raw_signature(recipe, canonical(signed_info, recipe.canonicalisation)))
    if recipe.stamp is not None:
        token = recipe.stamp(canonical(value, C14N))
        for holder in signature.iter(f"{{{XADES}}}EncapsulatedTimeStamp"):
            holder.text = b64(token)
    return str(etree.tostring(tree.getroottree(), encoding="unicode"))


def template(recipe: Recipe) -> str:
    """A signature element that still lacks its digests and its value."""
    refs = list(recipe.refs)
    objects = recipe.objects
    if recipe.is_xades:
        refs.append(Ref(f"#{recipe.id}-props", transform(EXCLUSIVE), kind=PROPERTIES))
        objects += _properties(recipe)
    key_info = x509_data(recipe.by) if recipe.key_info is None else recipe.key_info
    return (
        f'<ds:Signature xmlns:ds="{DS}" Id="{recipe.id}"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{recipe.canonicalisation}"/>'
        f'<ds:SignatureMethod Algorithm="{recipe.method}">{recipe.method_inside}</ds:SignatureMethod>'
        f"{''.join(map(_reference, refs))}</ds:SignedInfo>"
        f"<ds:SignatureValue>AAAA</ds:SignatureValue>{key_info}{objects}</ds:Signature>"
    )


def _reference(ref: Ref) -> str:
    kind = f' Type="{ref.kind}"' if ref.kind else ""
    transforms = f"<ds:Transforms>{ref.transforms}</ds:Transforms>" if ref.transforms else ""
    return (
        f'<ds:Reference{kind} URI="{ref.uri}">{transforms}<ds:DigestMethod Algorithm="{ref.digest}"/>'
        "<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>"
    )


def _properties(recipe: Recipe) -> str:
    digest = b64(hashlib.sha256(der(recipe.named or recipe.by)).digest())
    target = f"#{recipe.id}" if recipe.target is None else recipe.target
    stamp = (
        "<xades:SignatureTimeStamp><xades:EncapsulatedTimeStamp>AAAA</xades:EncapsulatedTimeStamp>"
        "</xades:SignatureTimeStamp>"
        if recipe.stamp is not None
        else ""
    )
    unsigned = stamp + recipe.unsigned
    if unsigned:
        unsigned = (
            "<xades:UnsignedProperties><xades:UnsignedSignatureProperties>"
            f"{unsigned}</xades:UnsignedSignatureProperties></xades:UnsignedProperties>"
        )
    return (
        f'<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="{target}">'
        f'<xades:SignedProperties Id="{recipe.id}-props"><xades:SignedSignatureProperties>'
        f"<xades:SigningTime>{NOW.isoformat()}</xades:SigningTime>"
        "<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
        f'<ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue>{digest}</ds:DigestValue>'
        "</xades:CertDigest></xades:Cert></xades:SigningCertificateV2>"
        "</xades:SignedSignatureProperties></xades:SignedProperties>"
        f"{unsigned}</xades:QualifyingProperties></ds:Object>"
    )


def referred(tree: etree._Element, reference: etree._Element, own_id: str) -> bytes:
    """The octets that a reference stands for, by lxml."""
    uri = reference.get("URI") or ""
    # Instructions outside the root belong to the whole document alone.
    whole = etree.fromstring(etree.tostring(tree if uri else tree.getroottree()))
    part = whole if not uri.startswith("#") else whole.xpath("//*[@Id=$one]", one=uri[1:])[0]
    steps = [each.get("Algorithm") for each in reference.iter(f"{{{DS}}}Transform")]
    for signature in list(part.iter(f"{{{DS}}}Signature")):
        is_own = signature.get("Id") == own_id
        is_filtered = any("xpath" in each.lower() or "filter2" in each for each in steps)
        if is_filtered or (is_own and ENVELOPED in steps):
            _take_out(signature)
    last = steps[-1] if steps and "c14n" in steps[-1] else C14N
    return canonical(part, last)


def _take_out(element: etree._Element) -> None:
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        return
    if before is None:
        parent.text = (parent.text or "") + (element.tail or "")
    else:
        before.tail = (before.tail or "") + (element.tail or "")
    parent.remove(element)


def canonical(element: etree._Element, algorithm: str) -> bytes:
    """The canonical form by libxml2, of a whole document when the element is its root."""
    is_exclusive = algorithm.startswith("http://www.w3.org/2001/10/xml-exc")
    # By itself: told of an element inside a tree, lxml writes some default namespaces as empty.
    alone = (
        element if element.getparent() is None else etree.fromstring(etree.tostring(element, with_tail=False))
    )
    target = io.BytesIO()
    etree.ElementTree(alone).write_c14n(target, exclusive=is_exclusive, with_comments=False)
    return target.getvalue()


def raw_signature(recipe: Recipe, octets: bytes) -> bytes:
    """The signature value that belongs to a method."""
    key = recipe.by.key
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)
    assert isinstance(key, rsa.RSAPrivateKey)
    if recipe.method == PSS_SHA256:
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return key.sign(octets, pss, hashes.SHA256())
    algorithm = hashes.SHA1() if recipe.method.endswith("sha1") else hashes.SHA256()
    return key.sign(octets, padding.PKCS1v15(), algorithm)


def seal_recipe(**changes: object) -> Recipe:
    """A recipe for the agency's seal, with an elliptic key."""
    return Recipe(by=agency_seal(), method=ECDSA_SHA256, id="dau-1", **changes)  # type: ignore[arg-type]


def altered(xml: str, *changes: tuple[str, str]) -> str:
    """The XML with texts replaced; each must be there."""
    for old, new in changes:
        assert old in xml, old
        xml = xml.replace(old, new)
    return xml


@cache
def commitment_only() -> Identity:
    """A certificate whose key usage is nonRepudiation alone, as some authorities issue them."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    issuer = authority().issuer
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Chỉ chống chối bỏ")])
    usage = [False, True, False, False, False, False, False, False, False]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(issuer.certificate.not_valid_before_utc)
        .not_valid_after(issuer.certificate.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(*usage), critical=True)
        .sign(issuer.key, hashes.SHA256())
    )
    return Identity(key, certificate, (issuer.certificate,))


def codes(report: VerificationReport) -> Sequence[str]:
    """The codes of every reason in a report."""
    return [code for signature in report.signatures for code in signature.codes]
