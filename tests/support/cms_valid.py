"""CMS signatures that any court would accept: in DER, and in the looser forms that true signers write."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

from signing.cms.der import SEQUENCE, SET, whole, wrapped
from tests.support.cms_findings import Made
from tests.support.cms_holders import holder
from tests.support.cms_hostile import indefinite, instead, issuer_and_serial
from tests.support.cms_making import (
    ALGORITHM_PROTECTION,
    CONTENT,
    ESS_V2,
    ID_DATA,
    SIGNATURE_TIME_STAMP,
    SIGNING_TIME,
    algorithm,
    attribute,
    detached,
    digest_algorithm,
    draft,
    enveloping,
    ess_v1,
    ess_v2,
    integer,
    null,
    object_id,
    octets,
    pss_algorithm,
    sequence,
    signature_algorithm,
    signed,
    signed_data,
    time_stamped,
    token,
)

Make = Callable[[], bytes | Made]


def protected() -> bytes:
    """With the algorithms signed as well (RFC 6211)."""
    inside = whole(signature_algorithm("rsa", "sha256"), SEQUENCE).content
    value = sequence(digest_algorithm("sha256"), wrapped(0xA1, inside))
    return signed(added=(attribute(ALGORITHM_PROTECTION, value),))


def by_key_identifier() -> bytes:
    extension = holder().x509.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return signed(named=wrapped(0x80, extension.digest), version=3)


def by_name_written_otherwise() -> bytes:
    """The issuer in printable strings and with another spacing: the same name all the same."""
    relative = []
    for entry in holder().x509.issuer:
        text = str(entry.value).replace(" ", "  ").encode()
        relative.append(wrapped(SET, sequence(object_id(entry.oid.dotted_string), wrapped(0x13, text))))
    return signed(named=sequence(sequence(*relative), integer(holder().x509.serial_number)))


def by_another_library() -> bytes:
    """As `cryptography` writes it: no signing-certificate attribute."""
    who = holder()
    builder = PKCS7SignatureBuilder().set_data(CONTENT).add_signer(who.x509, who.key, hashes.SHA256())  # type: ignore[arg-type]
    return builder.sign(Encoding.DER, [PKCS7Options.DetachedSignature, PKCS7Options.Binary])


def in_pieces() -> bytes:
    """As BouncyCastle streams a document: every length open, the content in pieces."""
    pieces = (
        b"\x24\x80" + b"".join(octets(CONTENT[at : at + 5]) for at in range(0, len(CONTENT), 5)) + b"\0\0"
    )
    who = draft()
    inside = object_id(ID_DATA) + b"\xa0\x80" + pieces + b"\0\0"
    body = (
        integer(1)
        + wrapped(SET, digest_algorithm("sha256"))
        + b"\x30\x80" + inside + b"\0\0"
        + b"\xa0\x80" + who.who.certificate + b"\0\0"
        + b"\x31\x80" + who.made() + b"\0\0"
    )  # fmt: skip
    return b"\x30\x80" + object_id("1.2.840.113549.1.7.2") + b"\xa0\x80\x30\x80" + body + b"\0\0" * 3


def with_longer_length() -> bytes:
    """The outermost length in more bytes than it takes."""
    contents = signed()
    return contents[:1] + b"\x83\0" + contents[2:4] + contents[4:]


def unsorted(*, is_signed_in_order: bool) -> bytes:
    """The attributes in another order than DER demands, and signed in one or the other."""
    loose = draft(is_sorted=False, attributes=tuple(reversed(draft().signed_attributes)))
    over = draft().signed_set if is_signed_in_order else loose.signed_set
    return detached(draft(is_sorted=False, attributes=loose.attributes, signed_over=over))


def _named() -> bytes:
    true = holder().x509
    return issuer_and_serial(true.issuer.public_bytes(), true.serial_number)


GOOD: dict[str, Make] = {
    **{
        f"{kind}, {hash_name}": partial(signed, kind, hash=hash_name)
        for kind, hash_name in [
            ("rsa", "sha224"),
            ("rsa", "sha256"),
            ("rsa", "sha384"),
            ("rsa", "sha512"),
            ("rsa", "sha3_256"),
            ("rsa-3072", "sha256"),
            ("p224", "sha256"),
            ("p256", "sha256"),
            ("p256", "sha512"),
            ("p384", "sha384"),
            ("p521", "sha512"),
            ("brainpool", "sha256"),
            ("ed25519", "sha512"),
            ("ed448", "shake_256"),
        ]
    },
    "RSA-PSS, SHA-256": lambda: signed(is_pss=True),
    "RSA-PSS, SHA-512": lambda: signed(
        is_pss=True, hash="sha512", signature_algorithm=pss_algorithm("sha512", salt=64)
    ),
    "around its document": lambda: Made(enveloping(draft()), None),
    "around an empty document": lambda: Made(enveloping(draft(content=b"")), None),
    "RSA without the null": lambda: signed(signature_algorithm=algorithm("1.2.840.113549.1.1.11")),
    "RSA named as a key": lambda: signed(signature_algorithm=algorithm("1.2.840.113549.1.1.1", null())),
    "digest with a null": lambda: signed(digest_algorithm=algorithm("2.16.840.1.101.3.4.2.1", null())),
    "algorithms protected": protected,
    "named by key identifier": by_key_identifier,
    "name written otherwise": by_name_written_otherwise,
    "certificates in another order": lambda: detached(
        draft(), certificates=[*holder().chain, holder("p256").certificate, holder().certificate]
    ),
    "a certificate twice": lambda: detached(draft(), certificates=[holder().certificate] * 2),
    "certificate named under SHA-512": lambda: instead(ESS_V2, ess_v2(holder().certificate, hash="sha512")),
    "certificate named with issuer": lambda: instead(ESS_V2, ess_v2(holder().certificate, named=_named())),
    "older attribute": lambda: instead(ESS_V2, ess_v1(holder().certificate, named=_named())),
    "both attributes": lambda: signed(added=(ess_v1(holder().certificate),)),
    "no attribute": lambda: instead(ESS_V2),
    "no time claimed": lambda: instead(SIGNING_TIME),
    "time-stamped": time_stamped,
    "another library": by_another_library,
    "zeros behind it": lambda: signed() + bytes(4096),
    "attribute certificate beside": lambda: detached(
        draft(), certificates=[holder().certificate, wrapped(0xA2, sequence(integer(1)))]
    ),
    "unknown attribute": lambda: signed(added=(attribute("1.2.3.4", octets(b"x")),)),
}

LENIENT: dict[str, Make] = {
    "open length outside": lambda: indefinite(signed()),
    "open lengths and a document in pieces": lambda: Made(in_pieces(), None),
    "open length in its time-stamp": lambda: signed(
        unsigned=lambda value: [attribute(SIGNATURE_TIME_STAMP, indefinite(token(value)))]
    ),
    "longer length than needed": with_longer_length,
    "attributes unsorted and signed so": lambda: unsorted(is_signed_in_order=False),
    "attributes unsorted but signed in order": lambda: unsorted(is_signed_in_order=True),
    "ECDSA named as a key": lambda: signed("p256", signature_algorithm=algorithm("1.2.840.10045.2.1")),
    "Ed25519 with SHA-256": lambda: signed("ed25519", hash="sha256"),
    "digest algorithm not announced": lambda: signed_data(
        [draft().made()], certificates=[holder().certificate], digests=[]
    ),
}
