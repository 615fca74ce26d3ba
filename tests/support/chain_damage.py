"""Certificates that no honest program writes: decoded, damaged, and signed anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from asn1crypto import core, crl  # type: ignore[import-untyped]
from asn1crypto import ocsp as asn1_ocsp_module
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from signing.cms.der import BIT_STRING, OCTET_STRING, SEQUENCE, Element, whole, wrapped
from tests.support.chain_pki import Key, Made


def flipped_signature(made: Made) -> Made:
    """The certificate with the last bit of its signature turned around."""
    damaged = bytearray(made.der)
    damaged[-1] ^= 1
    return Made(x509.load_der_x509_certificate(bytes(damaged)), made.key)


def with_version(made: Made, version: int, *, key: Key) -> Made:
    decoded = asn1.Certificate.load(made.der)
    body = decoded["tbs_certificate"]
    body["version"] = version
    if version == 0:
        del body["extensions"]
    return _signed(body, made, key)


def with_serial(made: Made, serial: int, *, key: Key) -> Made:
    body = asn1.Certificate.load(made.der)["tbs_certificate"]
    body["serial_number"] = serial
    return _signed(body, made, key)


def with_other_algorithm(made: Made) -> Made:
    """The certificate with another signature algorithm beside its signature than was signed."""
    decoded = asn1.Certificate.load(made.der)
    decoded["signature_algorithm"] = {"algorithm": "sha384_ecdsa"}
    return Made(x509.load_der_x509_certificate(decoded.dump(force=True)), made.key)


def with_policy_mappings(made: Made, mappings: Sequence[tuple[str, str]], *, key: Key) -> Made:
    body = asn1.Certificate.load(made.der)["tbs_certificate"]
    mapped = [{"issuer_domain_policy": one, "subject_domain_policy": other} for one, other in mappings]
    value = asn1.PolicyMappings(mapped)
    body["extensions"].append({"extn_id": "policy_mappings", "critical": True, "extn_value": value})
    return _signed(body, made, key)


def signed_with_sha_1(made: Made, *, key: Key) -> Made:
    body = asn1.Certificate.load(made.der)["tbs_certificate"]
    body["signature"] = {"algorithm": "sha1_ecdsa"}
    return _signed(body, made, key, hashes.SHA1())


def with_written_out(made: Made, written: bytes, *, of: bytes, key: Key) -> bytes:
    """The certificate in DER with some of its body written otherwise, and signed anew by an EC key."""
    return signed_with_written_out(made.der, written, of=of, key=key)


def signed_with_written_out(signed: bytes, written: bytes, *, of: bytes, key: Key) -> bytes:
    """A certificate or revocation list with some of its body written otherwise, signed anew by an EC key."""
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    before, algorithm, _ = whole(signed, SEQUENCE).members()
    body = rewritten(before, written, of=of)
    signature = key.sign(body, ec.ECDSA(hashes.SHA256()))
    return wrapped(SEQUENCE, body + algorithm.encoded + wrapped(BIT_STRING, b"\0" + signature))


def rewritten(element: Element, written: bytes, *, of: bytes) -> bytes:
    """The element with each of its members that reads `of` written otherwise, at any depth."""
    if element.encoded == of:
        return written
    if element.tag == OCTET_STRING and element.content[:1] == bytes((SEQUENCE,)):
        inside = whole(element.content, SEQUENCE)
        return wrapped(OCTET_STRING, rewritten(inside, written, of=of))
    if not element.tag & 0x20:
        return element.encoded
    return wrapped(element.tag, b"".join(rewritten(each, written, of=of) for each in element.members()))


def _signed(
    body: asn1.TbsCertificate, made: Made, key: Key, algorithm: hashes.HashAlgorithm | None = None
) -> Made:
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    encoded = body.dump(force=True)
    whole = asn1.Certificate(
        {
            "tbs_certificate": body,
            "signature_algorithm": body["signature"],
            "signature_value": key.sign(encoded, ec.ECDSA(algorithm or hashes.SHA256())),
        }
    )
    return Made(x509.load_der_x509_certificate(whole.dump(force=True)), made.key)


def _signature(content: bytes, key: Key, algorithm: hashes.HashAlgorithm) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(content, padding.PKCS1v15(), algorithm)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(content, ec.ECDSA(algorithm))
    return key.sign(content)


def asn1_ocsp(answer: bytes, change: Callable[[asn1_ocsp_module.BasicOCSPResponse], None]) -> bytes:
    """The OCSP answer with its inner response changed, and nothing signed anew."""
    decoded = asn1_ocsp_module.OCSPResponse.load(answer)
    basic = decoded["response_bytes"]["response"].parsed
    change(basic)
    decoded["response_bytes"]["response"] = core.ParsableOctetString(basic.dump(force=True))
    encoded: bytes = decoded.dump(force=True)
    return encoded


def produced_at(answer: bytes, moment: datetime) -> bytes:
    """The OCSP answer with another day on it; its signature does not fit any more."""

    def date(response: asn1_ocsp_module.BasicOCSPResponse) -> None:
        response["tbs_response_data"]["produced_at"] = moment

    return asn1_ocsp(answer, date)


def signed_anew(answer: bytes, key: Key, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    """The OCSP answer, signed by this key."""

    def sign(response: asn1_ocsp_module.BasicOCSPResponse) -> None:
        content = response["tbs_response_data"].dump()
        response["signature"] = _signature(content, key, algorithm or hashes.SHA256())

    return asn1_ocsp(answer, sign)


def answering_often(answer: bytes, *others: bytes, key: Key) -> bytes:
    """The OCSP answer with the statements of others behind its own, signed anew."""

    def extend(response: asn1_ocsp_module.BasicOCSPResponse) -> None:
        statements = response["tbs_response_data"]["responses"]
        for other in others:
            inner = asn1_ocsp_module.OCSPResponse.load(other)["response_bytes"]["response"].parsed
            statements.append(inner["tbs_response_data"]["responses"][0])

    return signed_anew(asn1_ocsp(answer, extend), key)


def demanding(answer: bytes, *, key: Key) -> bytes:
    """The OCSP answer with a critical extension to its one statement, signed anew."""

    def demand(response: asn1_ocsp_module.BasicOCSPResponse) -> None:
        unknown = {"extn_id": "1.2.3.4.5", "critical": True, "extn_value": core.ParsableOctetString(b"\5\0")}
        response["tbs_response_data"]["responses"][0]["single_extensions"] = [unknown]

    return signed_anew(asn1_ocsp(answer, demand), key)


def ocsp_with_sha_1(answer: bytes, key: Key) -> bytes:
    """The OCSP answer, signed anew with SHA-1."""
    assert isinstance(key, ec.EllipticCurvePrivateKey)

    def sign(response: asn1_ocsp_module.BasicOCSPResponse) -> None:
        response["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}
        response["signature"] = key.sign(response["tbs_response_data"].dump(), ec.ECDSA(hashes.SHA1()))

    return asn1_ocsp(answer, sign)


def ocsp_with_pss(answer: bytes, key: Key) -> bytes:
    """The OCSP answer, signed anew with RSA-PSS."""
    assert isinstance(key, rsa.RSAPrivateKey)
    parameters = {
        "hash_algorithm": {"algorithm": "sha256"},
        "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}},
        "salt_length": 32,
    }

    def sign(response: asn1_ocsp_module.BasicOCSPResponse) -> None:
        response["signature_algorithm"] = {"algorithm": "rsassa_pss", "parameters": parameters}
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        response["signature"] = key.sign(response["tbs_response_data"].dump(), pss, hashes.SHA256())

    return asn1_ocsp(answer, sign)


def crl_with_sha_1(listing: bytes, key: Key) -> bytes:
    """The revocation list, signed anew with SHA-1."""
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    body = crl.CertificateList.load(listing)["tbs_cert_list"]
    body["signature"] = {"algorithm": "sha1_ecdsa"}
    whole = crl.CertificateList(
        {
            "tbs_cert_list": body,
            "signature_algorithm": {"algorithm": "sha1_ecdsa"},
            "signature": key.sign(body.dump(force=True), ec.ECDSA(hashes.SHA1())),
        }
    )
    encoded: bytes = whole.dump(force=True)
    return encoded
