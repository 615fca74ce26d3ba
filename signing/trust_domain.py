"""A trust domain: whose certificates they are, and what they may be used for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from signing.chain.certificates import Known
from signing.errors import TrustFolderUnreadable

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SERIAL = re.compile(r"[0-9a-f]{1,42}")


class RevocationRule(StrEnum):
    """When a certificate of a domain has to be proven not revoked."""

    IF_DECLARED = "if-declared"
    """When it says where its revocation is published; with a warning when it does not."""
    REQUIRE = "require"
    NONE = "none"


class Role(StrEnum):
    """What a certificate signs as."""

    PERSON = "person"
    SEAL = "seal"


@dataclass(frozen=True, slots=True)
class ListedSigner:
    """A certificate that a domain names, by its key or by its authority's key and serial number."""

    role: Role
    agency: str | None = None
    spki_sha256: str = ""
    issuer_spki_sha256: str = ""
    serial_number: int = -1

    def names(self, certificate: Known, *, issuer: Known) -> bool:
        """Return whether it is this certificate that is named. Its name in letters counts for nothing."""
        if self.spki_sha256:
            return certificate.spki_sha256 == self.spki_sha256
        return (
            certificate.serial_number == self.serial_number and issuer.spki_sha256 == self.issuer_spki_sha256
        )


@dataclass(frozen=True, slots=True)
class Domain:
    """One folder of the trust folder: anchors under one policy."""

    name: str
    title_vi: str = ""
    title_en: str = ""
    revocation: RevocationRule = RevocationRule.IF_DECLARED
    roles: tuple[Role, ...] = (Role.PERSON, Role.SEAL)
    signers: tuple[ListedSigner, ...] = ()
    is_closed: bool = False
    """Whether only the listed signers count."""
    gives_time_stamps: bool = True
    """Whether what its authorities say about time counts, for the signatures of every domain."""

    def listed(self, certificate: Known, *, issuer: Known) -> ListedSigner | None:
        """Return the entry that names a certificate."""
        return next((each for each in self.signers if each.names(certificate, issuer=issuer)), None)


class _Signer(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    role: Role
    agency: str = ""
    spki_sha256: str = ""
    issuer_spki_sha256: str = ""
    serial: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    title_vi: str = ""
    title_en: str = ""
    revocation: RevocationRule = RevocationRule.IF_DECLARED
    roles: tuple[Role, ...] = (Role.PERSON, Role.SEAL)
    signers: tuple[_Signer, ...] = ()
    closed: bool = False
    time_stamps: bool | None = None


def read_domain(name: str, path: Path) -> Domain:
    """Return the domain that a `domain.toml` describes; without the file, one with the usual policy.

    Raises:
        TrustFolderUnreadable: The file cannot be read or says what it must not; the text names file and key.
    """
    if not path.exists():
        return Domain(name)
    try:
        content = tomllib.loads(read_file(path).decode())
        file = msgspec.convert(content, _File)
    except OSError as broken:
        raise TrustFolderUnreadable(f"{path}: {broken.strerror}") from broken
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as broken:
        raise TrustFolderUnreadable(f"{path}: {broken}") from broken
    if not file.roles:
        raise TrustFolderUnreadable(f"{path}: roles: names no role")
    signers = tuple(
        _signer(entry, roles=file.roles, where=f"{path}: signers[{number}]")
        for number, entry in enumerate(file.signers)
    )
    return Domain(
        name=name,
        title_vi=file.title_vi,
        title_en=file.title_en,
        revocation=file.revocation,
        roles=tuple(dict.fromkeys(file.roles)),
        signers=signers,
        is_closed=file.closed,
        gives_time_stamps=not file.closed if file.time_stamps is None else file.time_stamps,
    )


def read_file(path: Path) -> bytes:
    """Return what is in a file of the trust folder.

    Raises:
        TrustFolderUnreadable: It is something else, like a pipe, on which one would wait for ever.
        OSError: It cannot be read.
    """
    if not path.is_file():
        raise TrustFolderUnreadable(f"{path}: not a file")
    return path.read_bytes()


def described(domain: Domain) -> Mapping[str, object]:
    """Return everything that decides about a domain's certificates, for the manifest."""
    signers = [
        {
            "role": each.role,
            "agency": each.agency,
            "spki_sha256": each.spki_sha256,
            "issuer_spki_sha256": each.issuer_spki_sha256,
            "serial": f"{each.serial_number:x}" if each.issuer_spki_sha256 else "",
        }
        for each in domain.signers
    ]
    return {
        "name": domain.name,
        "title_vi": domain.title_vi,
        "title_en": domain.title_en,
        "revocation": domain.revocation,
        "roles": list(domain.roles),
        "signers": signers,
        "closed": domain.is_closed,
        "time_stamps": domain.gives_time_stamps,
    }


def _signer(entry: _Signer, *, roles: tuple[Role, ...], where: str) -> ListedSigner:
    if entry.role not in roles:
        raise TrustFolderUnreadable(f"{where}.role: the domain has no role {entry.role!s}")
    if (entry.role is Role.SEAL) != bool(entry.agency):
        raise TrustFolderUnreadable(f"{where}.agency: a seal names its agency, a person does not")
    by_key, by_serial = bool(entry.spki_sha256), bool(entry.issuer_spki_sha256 or entry.serial)
    if by_key == by_serial:
        raise TrustFolderUnreadable(f"{where}: give either spki_sha256, or issuer_spki_sha256 and serial")
    if by_key:
        return ListedSigner(
            entry.role,
            entry.agency or None,
            _hexadecimal(entry.spki_sha256, _SHA256, where=f"{where}.spki_sha256"),
        )
    authority = _hexadecimal(entry.issuer_spki_sha256, _SHA256, where=f"{where}.issuer_spki_sha256")
    serial = _hexadecimal(entry.serial, _SERIAL, where=f"{where}.serial")
    return ListedSigner(
        entry.role, entry.agency or None, issuer_spki_sha256=authority, serial_number=int(serial, 16)
    )


def _hexadecimal(value: str, form: re.Pattern[str], *, where: str) -> str:
    """Return hexadecimal digits, however they were grouped."""
    digits = value.replace(":", "").replace(" ", "").lower()
    if not form.fullmatch(digits):
        raise TrustFolderUnreadable(f"{where}: not the hexadecimal digits it must have")
    return digits
