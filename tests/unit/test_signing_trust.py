"""The trust folder."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signing.errors import TrustFolderUnreadable
from signing.trust import load_trust
from signing.trust_domain import RevocationRule, Role
from tests.support.chain_pki import Made, authority, root, signer

TOP = root()
ISSUING = authority("Issuing", by=TOP)
OTHER = root("Other Root")
LEADER = signer("Leader", by=ISSUING)
KEY = "a" * 64


def put(path: Path, *certificates: Made, encoding: Encoding = Encoding.PEM) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(each.certificate.public_bytes(encoding) for each in certificates))
    return path


def describe(folder: Path, text: str) -> Path:
    """A domain with one anchor and this `domain.toml`."""
    put(folder / "root.pem", TOP)
    (folder / "domain.toml").write_text(text)
    return folder


def test_self_signed_certificates_are_anchors_and_others_intermediates(tmp_path: Path) -> None:
    put(tmp_path / "root.pem", TOP)
    put(tmp_path / "issuing.crt", ISSUING)

    trust = load_trust(tmp_path)

    assert [known.der for known in trust.anchors] == [TOP.der]
    assert [known.der for known in trust.intermediates] == [ISSUING.der]


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_both_encodings_are_read(tmp_path: Path, encoding: Encoding) -> None:
    put(tmp_path / "root.crt", TOP, encoding=encoding)

    assert len(load_trust(tmp_path).anchors) == 1


def test_several_certificates_in_one_file_are_all_read(tmp_path: Path) -> None:
    put(tmp_path / "chain.pem", TOP, ISSUING)

    trust = load_trust(tmp_path)

    assert (len(trust.anchors), len(trust.intermediates)) == (1, 1)


def test_same_certificate_in_two_files_counts_once(tmp_path: Path) -> None:
    put(tmp_path / "a.pem", TOP)
    put(tmp_path / "b.pem", TOP)

    assert len(load_trust(tmp_path).anchors) == 1


@pytest.mark.parametrize("name", ["README.txt", ".hidden.pem", "root.pem.bak"])
def test_other_files_are_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("not a certificate")

    assert load_trust(tmp_path).anchors == ()


def test_folders_that_begin_with_a_dot_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "..2026_11_21" / "root.pem", TOP)

    assert load_trust(tmp_path).anchors == ()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.pem").write_bytes(content)

    with pytest.raises(TrustFolderUnreadable, match=r"broken\.pem: not a certificate"):
        load_trust(tmp_path)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrustFolderUnreadable, match="nowhere: No such file"):
        load_trust(tmp_path / "nowhere")


def test_self_issued_certificate_of_another_key_is_no_anchor(tmp_path: Path) -> None:
    put(tmp_path / "rolled.pem", authority("Root", by=TOP, key=OTHER.key))

    assert load_trust(tmp_path).anchors == ()


def test_sub_folders_are_domains_with_their_own_policy(tmp_path: Path) -> None:
    describe(
        tmp_path / "cong-vu",
        'title_vi = "Chuyên dùng Chính phủ"\nrevocation = "require"\nroles = ["seal"]\nclosed = true\n'
        f'[[signers]]\nrole = "seal"\nagency = "H26.01"\nspki_sha256 = "{KEY}"\n',
    )
    put(tmp_path / "partner" / "root.pem", OTHER)

    trust = load_trust(tmp_path)

    domains = {trust.domains[known.sha256].name: trust.domains[known.sha256] for known in trust.anchors}
    assert set(domains) == {"cong-vu", "partner"}
    assert domains["cong-vu"].revocation is RevocationRule.REQUIRE
    assert domains["cong-vu"].roles == (Role.SEAL,)
    assert domains["cong-vu"].is_closed
    assert domains["cong-vu"].signers[0].agency == "H26.01"
    assert domains["partner"].revocation is RevocationRule.IF_DECLARED


def test_loose_files_beside_domains_are_the_default_domain(tmp_path: Path) -> None:
    put(tmp_path / "root.pem", TOP)
    put(tmp_path / "partner" / "root.pem", OTHER)

    trust = load_trust(tmp_path)

    assert {domain.name for domain in trust.domains.values()} == {"default", "partner"}


def test_anchor_in_two_domains_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "one" / "root.pem", TOP)
    put(tmp_path / "two" / "root.pem", TOP)

    with pytest.raises(TrustFolderUnreadable, match="two: holds an anchor that one holds too"):
        load_trust(tmp_path)


def test_described_domain_without_an_anchor_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "empty" / "issuing.pem", ISSUING)
    (tmp_path / "empty" / "domain.toml").write_text("")

    with pytest.raises(TrustFolderUnreadable, match=r"domain\.toml: the domain has no self-signed"):
        load_trust(tmp_path)


MISTAKES = {
    "no TOML": ("title_vi = ", "Invalid value"),
    "an unknown key": ('colour = "red"', "colour"),
    "an unknown rule": ('revocation = "sometimes"', r"revocation"),
    "an unknown role": ('roles = ["king"]', r"roles"),
    "no role": ("roles = []", "roles: names no role"),
    "a word for yes": ('closed = "yes"', "closed"),
    "a signer without a role": (f'[[signers]]\nspki_sha256 = "{KEY}"', r"role"),
    "a signer by name": ('[[signers]]\nrole = "person"\ncommon_name = "Leader"', "common_name"),
    "a signer of a role that is not there": (
        f'roles = ["person"]\n[[signers]]\nrole = "seal"\nagency = "H26"\nspki_sha256 = "{KEY}"',
        r"signers\[0\]\.role: the domain has no role seal",
    ),
    "a seal of nobody": (f'[[signers]]\nrole = "seal"\nspki_sha256 = "{KEY}"', r"signers\[0\]\.agency"),
    "a person of an agency": (
        f'[[signers]]\nrole = "person"\nagency = "H26"\nspki_sha256 = "{KEY}"',
        r"signers\[0\]\.agency",
    ),
    "a signer that is not named": ('[[signers]]\nrole = "person"', r"signers\[0\]: give either"),
    "a signer named twice": (
        f'[[signers]]\nrole = "person"\nspki_sha256 = "{KEY}"\nserial = "01"',
        r"signers\[0\]: give either",
    ),
    "a key that is too short": (
        '[[signers]]\nrole = "person"\nspki_sha256 = "abcd"',
        r"signers\[0\]\.spki_sha256",
    ),
    "a serial number alone": ('[[signers]]\nrole = "person"\nserial = "01"', r"issuer_spki_sha256"),
    "a serial number that is none": (
        f'[[signers]]\nrole = "person"\nissuer_spki_sha256 = "{KEY}"\nserial = "one"',
        r"signers\[0\]\.serial",
    ),
    "the second of two signers": (
        f'[[signers]]\nrole = "person"\nspki_sha256 = "{KEY}"\n[[signers]]\nrole = "person"',
        r"signers\[1\]",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_in_a_domain_is_named_with_its_file(tmp_path: Path, mistake: str) -> None:
    text, named = MISTAKES[mistake]
    describe(tmp_path / "cong-vu", text)

    with pytest.raises(TrustFolderUnreadable, match=rf"cong-vu/domain\.toml: .*{named}"):
        load_trust(tmp_path)


def test_hexadecimal_digits_may_be_grouped(tmp_path: Path) -> None:
    grouped = ":".join(["AA"] * 32)
    describe(tmp_path / "d", f'[[signers]]\nrole = "person"\nspki_sha256 = "{grouped}"')

    (known,) = load_trust(tmp_path).domains.values()

    assert known.signers[0].spki_sha256 == "aa" * 32


# --- versions


def test_version_is_the_same_wherever_the_folder_lies(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, names in ((first, ("a.pem", "b.pem")), (second, ("z.pem", "y.crt"))):
        put(folder / names[0], TOP)
        put(folder / names[1], ISSUING)

    assert load_trust(first).version == load_trust(second).version


def test_every_change_makes_another_version(tmp_path: Path) -> None:
    put(tmp_path / "root.pem", TOP)
    versions = [load_trust(tmp_path).version]
    put(tmp_path / "issuing.pem", ISSUING)
    versions.append(load_trust(tmp_path).version)
    (tmp_path / "domain.toml").write_text('revocation = "require"')
    versions.append(load_trust(tmp_path).version)
    (tmp_path / "domain.toml").write_text(f'[[signers]]\nrole = "person"\nspki_sha256 = "{KEY}"')
    versions.append(load_trust(tmp_path).version)

    assert len(set(versions)) == 4
    assert all(len(version) == 64 for version in versions)


def test_manifest_names_every_certificate_that_is_kept(tmp_path: Path) -> None:
    put(tmp_path / "cong-vu" / "all.pem", TOP, ISSUING)

    trust = load_trust(tmp_path)

    (domain,) = json.loads(trust.manifest)["domains"]
    named = [*domain["anchors"], *domain["intermediates"]]
    assert {trust.certificates[sha256] for sha256 in named} == {TOP.der, ISSUING.der}


@pytest.mark.parametrize(
    ("now", "in_force"),
    [
        (datetime(2026, 11, 20, 16, 59, 59, tzinfo=UTC), "Root"),
        (datetime(2026, 11, 20, 17, 0, 0, tzinfo=UTC), "Other Root"),  # midnight in Vietnam
        (datetime(2030, 1, 1, tzinfo=UTC), "Other Root"),
    ],
)
def test_newest_dated_folder_that_has_begun_is_in_force(tmp_path: Path, now: datetime, in_force: str) -> None:
    put(tmp_path / "2025-01-01" / "root.pem", TOP)
    put(tmp_path / "2026-11-21" / "root.pem", OTHER)
    put(tmp_path / "2031-01-01" / "root.pem", ISSUING)

    (anchor,) = load_trust(tmp_path, now=now).anchors

    assert in_force in anchor.certificate.subject.rfc4514_string()


def test_dated_folder_holds_domains_like_any_other(tmp_path: Path) -> None:
    describe(tmp_path / "2025-01-01" / "cong-vu", 'revocation = "none"')

    (domain,) = load_trust(tmp_path).domains.values()

    assert (domain.name, domain.revocation) == ("cong-vu", RevocationRule.NONE)


def test_dated_folders_that_have_not_begun_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "2031-01-01" / "root.pem", TOP)

    with pytest.raises(TrustFolderUnreadable, match="none of the dated folders has begun"):
        load_trust(tmp_path, now=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("beside", ["root.pem", "cong-vu/root.pem"])
def test_dated_folders_stand_alone(tmp_path: Path, beside: str) -> None:
    put(tmp_path / "2025-01-01" / "root.pem", TOP)
    put(tmp_path / beside, OTHER)

    with pytest.raises(TrustFolderUnreadable, match="something else beside them"):
        load_trust(tmp_path)


def test_version_changes_when_a_domain_gives_no_time_stamps_any_more(tmp_path: Path) -> None:
    describe(tmp_path / "cong-vu", "")
    before = load_trust(tmp_path)

    describe(tmp_path / "cong-vu", "time_stamps = false")
    after = load_trust(tmp_path)

    assert before.version != after.version
    assert json.loads(after.manifest)["domains"][0]["time_stamps"] is False


@pytest.mark.parametrize("name", ["a.pem", "domain.toml"])
def test_pipe_is_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(TrustFolderUnreadable, match=f"{name}: not a file"):
        load_trust(tmp_path)
