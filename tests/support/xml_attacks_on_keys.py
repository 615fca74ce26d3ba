"""Hostile XML signatures that play with methods, keys and certificates, each with the code of its reason."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree  # type: ignore[import-untyped]

from ops.dev.pki import Identity
from tests.support.xml_signing import (
    DS,
    ECDSA_SHA256,
    EXCLUSIVE,
    NOW,
    RSA_SHA256,
    Recipe,
    Ref,
    agency_seal,
    b64,
    canonical,
    der,
    leader,
    seal_recipe,
    signed,
    stranger,
    x509_data,
)
from tests.support.xml_wrapping import Case

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"


def _case(name: str, xml: str, code: str = "") -> Case:
    return Case(name, xml.encode(), code)


def algorithms() -> Iterator[Case]:
    """Yield games with methods and keys."""
    public = leader().certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for bits in ("sha1", "sha256", "sha512"):
        method = (DS if bits == "sha1" else _MORE) + f"hmac-{bits}"
        yield _case(f"algorithm/hmac-{bits}", _hmac(method, bits, public), "xml-method")
    truncated = Recipe(method_inside="<ds:HMACOutputLength>8</ds:HMACOutputLength>")
    yield _case("algorithm/truncated", signed(recipe=truncated), "xml-method")
    for method in ("none", "", "http://www.w3.org/2007/05/xmldsig-more#rsa-pss", DS + "dsa-sha1"):
        yield _case(f"algorithm/{method or 'empty'}", signed(recipe=Recipe(method=method)), "xml-method")
    sha1 = Recipe(method=DS + "rsa-sha1")
    yield _case("algorithm/rsa-sha1", signed(recipe=sha1), "weak-algorithm")
    yield _case(
        "algorithm/digest-sha1", signed(recipe=Recipe(refs=(Ref(digest=DS + "sha1"),))), "weak-algorithm"
    )
    md5 = Recipe(refs=(Ref(digest=_MORE + "md5"),))
    yield _case("algorithm/digest-md5", signed(recipe=md5), "weak-algorithm")
    unknown = Recipe(refs=(Ref(digest=_MORE + "crc32"),))
    yield _case("algorithm/digest-unknown", signed(recipe=unknown), "xml-method")
    yield _case("algorithm/rsa-1024", signed(recipe=Recipe(by=_small())), "weak-algorithm")
    family = Recipe(by=agency_seal(), method=RSA_SHA256)
    yield _case("algorithm/ec-key-as-rsa", signed(recipe=family), "forged")
    yield _case("algorithm/rsa-key-as-ec", signed(recipe=Recipe(method=ECDSA_SHA256)), "forged")
    for name, value in {"zero": bytes(64), "short": b"\1" * 63, "long": b"\1" * 66, "none": b""}.items():
        sealed = signed(recipe=seal_recipe())
        yield _case(f"algorithm/ec-{name}", _with_value(sealed, value), "forged")
    yield _case("algorithm/no-base64", _with_value_text(signed(), "not=base64!"), "xml-base64")
    yield _case("algorithm/url-base64", _with_value_text(signed(), "-_-_"), "xml-base64")
    yield _case(
        "algorithm/value-in-pieces", _with_value_text(signed(), "AA<!-- -->AA"), "xml-comment-in-signature"
    )
    yield _case("algorithm/value-element", _with_value_text(signed(), "AA<b/>AA"), "xml-base64")


def keys() -> Iterator[Case]:
    """Yield games with who signed."""
    value = "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus></ds:RSAKeyValue></ds:KeyValue>"
    good, other = x509_data(leader()), stranger().person("Người lạ", organisation="Cơ quan lạ")
    infos = {
        "none": "",
        "empty": "<ds:KeyInfo/>",
        "value-alone": f"<ds:KeyInfo>{value}</ds:KeyInfo>",
        "name-alone": "<ds:KeyInfo><ds:KeyName>khoa</ds:KeyName></ds:KeyInfo>",
        "retrieval": '<ds:KeyInfo><ds:RetrievalMethod URI="http://127.0.0.1:9/"/></ds:KeyInfo>',
        "retrieval-beside": good.replace("<ds:X509Data>", '<ds:RetrievalMethod URI="#x"/><ds:X509Data>'),
        "subject-alone": "<ds:KeyInfo><ds:X509Data><ds:X509SubjectName>CN=x</ds:X509SubjectName>"
        "</ds:X509Data></ds:KeyInfo>",
        "pgp": "<ds:KeyInfo><ds:PGPData/></ds:KeyInfo>",
        "der-value": '<ds:KeyInfo><k:DEREncodedKeyValue xmlns:k="http://www.w3.org/2009/xmldsig11#"/></ds:KeyInfo>',
        "agreement": '<ds:KeyInfo><e:AgreementMethod xmlns:e="http://www.w3.org/2001/04/xmlenc#"/></ds:KeyInfo>',
    }
    for name, info in infos.items():
        for is_xades in (True, False):
            recipe = Recipe(key_info=info, is_xades=is_xades)
            yield _case(f"key/{name}-{is_xades}", signed(recipe=recipe), "xml-key-info")
    broken = good.replace(b64(der(leader())), b64(der(leader())[:-9]))
    yield _case("key/broken", signed(recipe=Recipe(key_info=broken, is_xades=False)), "xml-key-info")
    many = good.replace("</ds:X509Data>", f"{_certificate(agency_seal())}</ds:X509Data>")
    yield _case("key/two-signers", signed(recipe=Recipe(key_info=many, is_xades=False)), "xml-key-info")
    flood = good.replace("</ds:X509Data>", _certificate(leader()) * 40 + "</ds:X509Data>")
    yield _case("key/flood", signed(recipe=Recipe(key_info=flood)), "xml-key-info")
    yield _case("key/stranger", signed(recipe=Recipe(by=other)), "no-path")
    exchanged = signed(recipe=Recipe(by=other, key_info=good, named=leader()))
    yield _case("key/exchanged", exchanged, "forged")
    yield _case("key/other-named", signed(recipe=Recipe(named=agency_seal())), "xml-other-certificate")
    swapped = signed(recipe=Recipe(key_info=x509_data(agency_seal())))
    yield _case("key/not-the-named", swapped, "xml-other-certificate")
    two = signed().replace("</ds:KeyInfo>", f"</ds:KeyInfo>{good}")
    yield _case("key/two-key-infos", two, "xml-signature-structure")
    split = b64(der(leader()))
    cut = signed().replace(split, f"{split[:40]}<!-- -->{split[40:]}")
    yield _case("key/certificate-in-pieces", cut, "xml-comment-in-signature")


def _hmac(method: str, bits: str, secret: bytes) -> str:
    """A signature made with the public key as a shared secret (CVE-2025-48994)."""
    tree = etree.fromstring(signed(recipe=Recipe(method=method)).encode())
    info = next(tree.iter(f"{{{DS}}}SignedInfo"))
    value = hmac.new(secret, canonical(info, EXCLUSIVE), getattr(hashlib, bits)).digest()
    next(tree.iter(f"{{{DS}}}SignatureValue")).text = b64(value)
    return str(etree.tostring(tree, encoding="unicode"))


def _with_value(xml: str, value: bytes) -> str:
    return _with_value_text(xml, base64.b64encode(value).decode())


def _with_value_text(xml: str, text: str) -> str:
    return re.sub(r"(<ds:SignatureValue>)[^<]*", lambda found: found[1] + text, xml)


def _certificate(identity: Identity) -> str:
    return f"<ds:X509Certificate>{b64(der(identity))}</ds:X509Certificate>"


def _small() -> Identity:
    """A key of 1024 bits."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Khóa ngắn")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return Identity(key, certificate)
