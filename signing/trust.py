"""The trust folder: which certificates every chain must lead to, and what each domain allows.

A folder holds `*.pem` and `*.crt` files (PEM or DER) directly, which are the domain `default`, or
sub-folders, one for each trust domain, or both:

    trust/
      root.pem                     self-signed certificates are anchors, all others intermediates
      cong-vu/                     the public-duty root of Ban Cơ yếu Chính phủ
        domain.toml
        rootca.pem
      cong-cong/                   the national root and the public authorities under it
        domain.toml
        …

A `domain.toml`, every key optional:

    title_vi = "Chứng thư số chuyên dùng Chính phủ"
    title_en = "Public-duty certificates"
    revocation = "if-declared"     # "require": INDETERMINATE without an answer; "none": not asked
    roles = ["person", "seal"]     # a domain with one role gives it to every signer
    closed = false                 # true: only the listed signers count
    time_stamps = true             # whether its time-stamps count; when closed, false unless it says so

    [[signers]]                    # who signs as what: by key, or by the authority's key and serial number
    role = "seal"
    agency = "H26.01"
    spki_sha256 = "…"
    [[signers]]
    role = "person"
    issuer_spki_sha256 = "…"
    serial = "…"

A time-stamp proves the time of every domain's signatures, so a domain of partners should give none.

A certificate is never matched by its name: names can be had twice. When the sub-folders have dates for names
(`2026-11-21`), each is a whole trust folder and the newest that has begun, in Vietnam, is in force; the older
ones stay for judging again. Files and folders whose names begin with a dot are passed over.

An anchor may itself be the signer (a self-signed certificate that somebody put here on purpose). It then has
to pass the same rules of usage as any other, and in a closed domain to be listed. It issues nothing when its
basic constraints say that it is no authority, or its key usage leaves out signing certificates.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signing.chain.certificates import Known, read_certificate
from signing.errors import TrustFolderUnreadable
from signing.trust_domain import Domain, described, read_domain, read_file

_SUFFIXES = {".pem", ".crt"}
_PEM = re.compile(
    rb"-----BEGIN (?P<label>(?:X509 )?CERTIFICATE)-----(?P<block>.*?)-----END (?P=label)-----", re.DOTALL
)
_DEFAULT = "default"
_VIETNAM = timezone(timedelta(hours=7))


@dataclass(frozen=True)
class TrustStore:
    """The anchors and the known intermediates, loaded once and used for every file."""

    anchors: tuple[Known, ...]
    intermediates: tuple[Known, ...]
    domains: Mapping[str, Domain]
    """The domain that decides about chains to an anchor, by the anchor's SHA-256."""
    manifest: bytes
    """What this version consists of: canonical JSON with every policy and the digest of every certificate."""

    @cached_property
    def version(self) -> str:
        """Return the SHA-256 of the manifest, hexadecimal: kept verdicts name it."""
        return hashlib.sha256(self.manifest).hexdigest()

    @cached_property
    def certificates(self) -> Mapping[str, bytes]:
        """Return every certificate in DER by its SHA-256: with the manifest, all there is to keep."""
        return {known.sha256: known.der for known in (*self.anchors, *self.intermediates)}

    @cached_property
    def by_subject(self) -> Mapping[bytes, tuple[Known, ...]]:
        """Return the certificates by the DER of the name they are for, anchors first."""
        found: dict[bytes, tuple[Known, ...]] = {}
        for known in (*self.anchors, *self.intermediates):
            found[known.subject] = (*found.get(known.subject, ()), known)
        return found

    def is_anchor(self, certificate: Known) -> bool:
        """Return whether chains may end at this certificate."""
        return certificate.sha256 in self.domains


def load_trust(folder: Path, *, now: datetime | None = None) -> TrustStore:
    """Return what a trust folder holds, as the module describes it.

    Args:
        folder: The trust folder.
        now: Decides which dated sub-folder is in force; the present when it is not given.

    Raises:
        TrustFolderUnreadable: The folder or one of its files cannot be read, or contradicts itself; the text
            names the file, and the key in it.
    """
    files, folders = _listing(folder)
    versions = {day: path for path in folders if (day := _day(path.name))}
    if versions:
        if files or len(versions) < len(folders):
            raise TrustFolderUnreadable(f"{folder}: holds dated folders and something else beside them")
        files, folders = _listing(_in_force(versions, folder, now=now or datetime.now(UTC)))
    return _store(
        [_read_folder(_DEFAULT, files), *(_read_folder(path.name, _listing(path)[0]) for path in folders)]
    )


def trust_store(certificates: Iterable[x509.Certificate]) -> TrustStore:
    """Return a trust store of these certificates under the usual policy."""
    found = tuple(read_certificate(each.public_bytes(Encoding.DER)) for each in certificates)
    return _store([(Domain(_DEFAULT), found)])


def _listing(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the files that matter and the sub-folders of a folder."""
    try:
        shown = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        folders = [path for path in shown if path.is_dir()]
    except OSError as broken:
        raise TrustFolderUnreadable(f"{folder}: {broken.strerror}") from broken
    files = [path for path in shown if path.suffix in _SUFFIXES or path.name == "domain.toml"]
    return [path for path in files if path not in folders], folders


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name) if len(name) == len("2026-11-21") else None
    except ValueError:
        return None


def _in_force(versions: Mapping[date, Path], folder: Path, *, now: datetime) -> Path:
    today = now.astimezone(_VIETNAM).date()
    begun = [day for day in versions if day <= today]
    if not begun:
        raise TrustFolderUnreadable(f"{folder}: none of the dated folders has begun yet")
    return versions[max(begun)]


def _read_folder(name: str, files: Sequence[Path]) -> tuple[Domain, tuple[Known, ...]]:
    described_in = next((path for path in files if path.name == "domain.toml"), None)
    domain = read_domain(name, described_in) if described_in else Domain(name)
    found = tuple(known for path in files if path.suffix in _SUFFIXES for known in _certificates(path))
    if described_in and not any(_is_self_signed(known) for known in found):
        raise TrustFolderUnreadable(f"{described_in}: the domain has no self-signed certificate to lead to")
    return domain, found


def _store(read: Sequence[tuple[Domain, tuple[Known, ...]]]) -> TrustStore:
    anchors: dict[str, Known] = {}
    intermediates: dict[str, Known] = {}
    domains: dict[str, Domain] = {}
    manifest: list[Mapping[str, object]] = []
    for domain, certificates in read:
        own = {known.sha256: known for known in certificates if _is_self_signed(known)}
        other = {known.sha256: known for known in certificates if known.sha256 not in own}
        for twice in own.keys() & domains.keys():
            raise TrustFolderUnreadable(
                f"{domain.name}: holds an anchor that {domains[twice].name} holds too ({twice[:16]}…)"
            )
        domains |= dict.fromkeys(own, domain)
        anchors |= own
        intermediates |= other
        if certificates:
            manifest.append({**described(domain), "anchors": sorted(own), "intermediates": sorted(other)})
    encoded = json.dumps(
        {"format": 1, "domains": manifest}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    return TrustStore(tuple(anchors.values()), tuple(intermediates.values()), domains, encoded.encode())


def _certificates(path: Path) -> list[Known]:
    try:
        content = read_file(path)
        if b"-----BEGIN" not in content:
            return [read_certificate(content)]
        return [read_certificate(der) for der in _from_pem(content)]
    except OSError as broken:
        raise TrustFolderUnreadable(f"{path}: {broken.strerror}") from broken
    except ValueError as broken:
        raise TrustFolderUnreadable(f"{path}: not a certificate in PEM or DER form ({broken})") from broken


def _from_pem(content: bytes) -> list[bytes]:
    """Return the certificates of a PEM file in DER; the library would refuse sloppy ones altogether.

    Raises:
        ValueError: There is none, or one that is cut off or not in Base64.
    """
    blocks = [match["block"] for match in _PEM.finditer(content)]
    if not blocks or content.count(b"CERTIFICATE-----") != 2 * len(blocks):
        raise ValueError("no certificate between its two lines")
    return [b64decode(b"".join(block.split()), validate=True) for block in blocks]


def _is_self_signed(certificate: Known) -> bool:
    return certificate.subject == certificate.issuer and certificate.is_signed_by(certificate)
