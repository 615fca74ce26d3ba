"""What others say of a CMS signature's cryptography: pyHanko, and OpenSSL's command."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from asn1crypto import cms  # type: ignore[import-untyped]
from pyhanko.sign.general import extract_signer_info
from pyhanko.sign.validation.generic_cms import (
    extract_certs_for_validation,
    extract_self_reported_ts,
    validate_sig_integrity,
)

from signing.cms.facts import Signer
from tests.support.cms_findings import Made
from tests.support.cms_making import digest_of


@dataclass(frozen=True)
class Opinion:
    """What another engine found; what it cannot tell is not there."""

    is_intact: bool
    is_genuine: bool
    certificate: bytes
    others: tuple[bytes, ...]
    claimed_at: object
    time_stamps: tuple[bytes, ...]
    value: bytes

    @staticmethod
    def ours(signer: Signer) -> Opinion:
        """Our own finding in the same form."""
        others = tuple(each for each in signer.evidence.certificates if each != signer.certificate)
        return Opinion(
            signer.is_intact,
            signer.is_genuine,
            signer.certificate,
            others,
            signer.claimed_at,
            signer.time_stamps,
            signer.value,
        )


def pyhanko(made: Made) -> Opinion | None:
    """pyHanko's finding, which decodes everything by asn1crypto; None: it takes it for no signature."""
    try:
        return _pyhanko(made)
    except Exception:  # it raises almost anything, assertions among them
        return None


def _pyhanko(made: Made) -> Opinion:
    parts = cms.ContentInfo.load(made.contents)["content"]
    info = extract_signer_info(parts)
    certificates = extract_certs_for_validation(parts)
    content = parts["encap_content_info"]["content"].native if made.content is None else made.content
    digest = digest_of(info["digest_algorithm"]["algorithm"].native, content)
    is_intact, is_genuine = validate_sig_integrity(info, certificates.signer_cert, "data", digest)
    tokens = [
        value.dump()
        for attribute in (info["unsigned_attrs"] or ())
        if attribute["type"].native == "signature_time_stamp_token"
        for value in attribute["values"]
    ]
    return Opinion(
        is_intact,
        is_genuine,
        certificates.signer_cert.dump(),
        tuple(each.dump() for each in certificates.other_certs),
        extract_self_reported_ts(info),
        tuple(tokens),
        info["signature"].native,
    )


def openssl(*arguments: str | Path, at: Path) -> subprocess.CompletedProcess[bytes]:
    """Run OpenSSL's `cms` in a folder."""
    command = ["openssl", "cms", *map(str, arguments)]
    return subprocess.run(command, cwd=at, capture_output=True, check=False, timeout=60)
