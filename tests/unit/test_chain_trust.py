"""Whose chain it is: domains and their rules, listed signers, fetched authorities, anchors that sign."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.chain.certificates import read_certificate
from signing.chain.judge import Purpose
from signing.evidence import AtHand, Evidence
from signing.trust import TrustStore, load_trust
from tests.support.chain_pki import (
    NOW,
    Made,
    access,
    authority,
    limits,
    make,
    name,
    purposes,
    root,
    signer,
    trusting,
    usage,
    verdict,
)
from tests.support.chain_stamps import report, signed_by, time_stamper

TOP = root()
ISSUING = authority("Issuing", by=TOP)
LEADER = signer("Leader", by=ISSUING)
SEAL = signer("UBND phường", by=ISSUING)
OTHER_ISSUING = authority("Other Issuing", by=TOP)


def domain(folder: Path, text: str, *certificates: Made) -> TrustStore:
    """A trust folder with one described domain."""
    certificates = certificates or (TOP, ISSUING)
    content = b"".join(each.certificate.public_bytes(Encoding.PEM) for each in certificates)
    (folder / "cong-vu").mkdir(exist_ok=True)
    (folder / "cong-vu" / "all.pem").write_bytes(content)
    (folder / "cong-vu" / "domain.toml").write_text(text)
    return load_trust(folder)


def by_key(made: Made, *, agency: str = "") -> str:
    key = read_certificate(made.der).spki_sha256
    return _entry(agency) + f'spki_sha256 = "{key}"\n'


def by_serial(made: Made, *, issuer: Made = ISSUING, agency: str = "") -> str:
    key = read_certificate(issuer.der).spki_sha256
    serial = f"{made.certificate.serial_number:x}"
    return _entry(agency) + f'issuer_spki_sha256 = "{key}"\nserial = "{serial}"\n'


def _entry(agency: str) -> str:
    role = f'role = "seal"\nagency = "{agency}"\n' if agency else 'role = "person"\n'
    return f"[[signers]]\n{role}"


# --- revocation rules


@pytest.mark.parametrize(
    ("rule", "expected", "warned"),
    [("if-declared", None, True), ("require", "TRY_LATER", False), ("none", None, False)],
)
def test_domain_decides_about_certificates_that_declare_nothing(
    tmp_path: Path, rule: str, expected: str | None, warned: bool
) -> None:
    found = verdict(LEADER, trust=domain(tmp_path, f'revocation = "{rule}"'))

    assert (found.sub_indication, bool(found.warnings)) == (expected, warned)


@pytest.mark.parametrize(
    ("rule", "expected"), [("if-declared", "TRY_LATER"), ("require", "TRY_LATER"), ("none", None)]
)
def test_domain_decides_about_certificates_that_declare_it(
    tmp_path: Path, rule: str, expected: str | None
) -> None:
    declared = signer("Declared", access(ocsp=["http://ocsp.invalid"]), by=ISSUING)

    found = verdict(declared, trust=domain(tmp_path, f'revocation = "{rule}"'))

    assert found.sub_indication == expected


# --- listed signers


@pytest.mark.parametrize("entry", [by_key(SEAL, agency="H26.01"), by_serial(SEAL, agency="H26.01")])
def test_listed_seal_has_its_agency(tmp_path: Path, entry: str) -> None:
    found, _ = report(signed_by(SEAL), trust=domain(tmp_path, entry))

    assert (found.role, found.agency, found.domain) == ("seal", "H26.01", "cong-vu")


def test_unlisted_signer_in_an_open_domain_has_no_role(tmp_path: Path) -> None:
    found, _ = report(signed_by(LEADER), trust=domain(tmp_path, by_key(SEAL, agency="H26.01")))

    assert (found.indication, found.role, found.agency) == ("TOTAL-PASSED", "", None)


def test_domain_with_one_role_gives_it_to_everybody(tmp_path: Path) -> None:
    found, _ = report(signed_by(LEADER), trust=domain(tmp_path, 'roles = ["person"]'))

    assert found.role == "person"


@pytest.mark.parametrize(("leaf", "expected"), [(LEADER, None), (SEAL, "CHAIN_CONSTRAINTS_FAILURE")])
def test_closed_domain_takes_listed_signers_alone(tmp_path: Path, leaf: Made, expected: str | None) -> None:
    found = verdict(leaf, trust=domain(tmp_path, "closed = true\n" + by_key(LEADER)))

    assert found.sub_indication == expected
    assert (found.reason is None) == (expected is None)


# What looks like a listed seal and is another certificate (B45).
IMPOSTORS = {
    "the same name and another key": lambda: make(SEAL.name, limits(ca=False), by=ISSUING, key=LEADER.key),
    "the same name from another authority": lambda: make(
        SEAL.name, limits(ca=False), by=OTHER_ISSUING, key=LEADER.key
    ),
    "the same serial number from another authority": lambda: make(
        SEAL.name,
        limits(ca=False),
        by=OTHER_ISSUING,
        key=LEADER.key,
        serial=SEAL.certificate.serial_number,
    ),
    "letters that look the same": lambda: make(name("UВND phường"), limits(ca=False), by=ISSUING),
    "the name twice": lambda: make(name("Leader", "UBND phường"), limits(ca=False), by=ISSUING),
    "the agency's code in its name": lambda: make(name("H26.01"), limits(ca=False), by=ISSUING),
}


@pytest.mark.parametrize("impostor", IMPOSTORS)
@pytest.mark.parametrize("entry", [by_key(SEAL, agency="H26.01"), by_serial(SEAL, agency="H26.01")])
def test_nobody_is_a_seal_by_name(tmp_path: Path, impostor: str, entry: str) -> None:
    trust = domain(tmp_path, "closed = true\n" + entry, TOP, ISSUING, OTHER_ISSUING)

    found, _ = report(signed_by(IMPOSTORS[impostor]()), trust=trust)

    assert found.indication == "INDETERMINATE"
    assert (found.role, found.agency) == ("", None)


def test_listed_key_below_an_authority_that_may_not_issue_it_is_nobody(tmp_path: Path) -> None:
    false = make("False", limits(ca=False), by=TOP)
    seal = make(SEAL.name, limits(ca=False), by=false, key=SEAL.key)

    found, _ = report(
        signed_by(seal, false), trust=domain(tmp_path, by_key(SEAL, agency="H26.01"), TOP, ISSUING)
    )

    assert (found.sub_indication, found.role, found.agency) == (
        "CERTIFICATE_CHAIN_GENERAL_FAILURE",
        "",
        None,
    )


def test_renewed_certificate_of_a_listed_key_stays_listed(tmp_path: Path) -> None:
    renewed = make(SEAL.name, limits(ca=False), by=ISSUING, key=SEAL.key)

    found, _ = report(signed_by(renewed), trust=domain(tmp_path, by_key(SEAL, agency="H26.01")))

    assert found.agency == "H26.01"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", None),
        ("time_stamps = true", None),
        ("time_stamps = false", "CHAIN_CONSTRAINTS_FAILURE"),
        ("closed = true", "CHAIN_CONSTRAINTS_FAILURE"),
        ("closed = true\ntime_stamps = true", None),
    ],
)
def test_time_stamps_count_where_the_domain_says_so(
    tmp_path: Path, policy: str, expected: str | None
) -> None:
    stamper = time_stamper(by=ISSUING)

    found = verdict(stamper, trust=domain(tmp_path, policy), purpose=Purpose.TIME_STAMP)

    assert found.sub_indication == expected


def test_authority_for_web_servers_makes_no_time_stamper() -> None:
    servers = authority("Servers", purposes(ExtendedKeyUsageOID.SERVER_AUTH), by=TOP)

    found = verdict(time_stamper(by=servers), trust=trusting(TOP, servers), purpose=Purpose.TIME_STAMP)

    assert found.sub_indication == "CHAIN_CONSTRAINTS_FAILURE"


def test_partner_with_a_key_for_receipts_makes_no_time_stamper() -> None:
    partner = make("Partner", limits(ca=False), usage("digital_signature"))

    found = verdict(time_stamper(by=partner), trust=trusting(TOP, partner), purpose=Purpose.TIME_STAMP)

    assert found.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


# --- anchors that sign


def test_self_signed_signer_in_the_trust_folder_is_its_own_anchor() -> None:
    alone = make("Alone", limits(ca=False), usage("digital_signature"))

    found = verdict(alone, trust=trusting(alone))

    assert (found.sub_indication, len(found.path)) == (None, 1)


def test_root_for_certificates_alone_does_not_sign_documents() -> None:
    assert verdict(TOP, trust=trusting(TOP)).sub_indication == "CHAIN_CONSTRAINTS_FAILURE"


def test_self_signed_signer_in_a_closed_domain_has_to_be_listed(tmp_path: Path) -> None:
    alone = make("Alone", limits(ca=False))

    unlisted = verdict(alone, trust=domain(tmp_path, "closed = true", alone))
    listed = verdict(alone, trust=domain(tmp_path, "closed = true\n" + by_key(alone), alone))

    assert (unlisted.sub_indication, listed.sub_indication) == ("CHAIN_CONSTRAINTS_FAILURE", None)


def test_intermediate_in_the_trust_folder_is_no_anchor() -> None:
    assert verdict(LEADER, trust=trusting(ISSUING)).sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


def test_nothing_is_trusted_by_an_empty_folder() -> None:
    assert verdict(LEADER, ISSUING, TOP, trust=trusting()).sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


# --- authorities that are not there


_URL = "http://aia.invalid/issuing.cer"
LINKED = signer("Linked", access(issuer=[_URL, "ldap://aia.invalid", "file:///etc/passwd"]), by=ISSUING)


def test_missing_authority_is_wanted_from_where_the_certificate_says() -> None:
    (wanted,) = verdict(LINKED, trust=trusting(TOP)).wanted

    assert (wanted.kind, wanted.urls) == ("issuer", (_URL,))


@pytest.mark.parametrize(
    "answer",
    [
        ISSUING.der,
        pkcs7.serialize_certificates([TOP.certificate, ISSUING.certificate], Encoding.DER),
    ],
)
def test_authority_put_where_it_was_wanted_carries_the_chain_on(answer: bytes) -> None:
    (wanted,) = verdict(LINKED, trust=trusting(TOP)).wanted

    found = verdict(LINKED, trust=trusting(TOP), store=AtHand({wanted.key: answer}))

    assert found.is_good
    assert [kept.source for kept in found.evidence] == ["file", "store", "trust"]


@pytest.mark.parametrize("answer", [b"", b"<html>", LEADER.der, root("Stranger").der])
def test_wrong_answer_leaves_the_authority_wanted(answer: bytes) -> None:
    (wanted,) = verdict(LINKED, trust=trusting(TOP)).wanted

    found = verdict(LINKED, trust=trusting(TOP), store=AtHand({wanted.key: answer}))

    assert found.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
    assert found.wanted[0] == wanted


def test_second_missing_authority_is_wanted_when_the_first_has_come() -> None:
    upper = authority("Upper", by=TOP)
    lower = authority("Lower", access(issuer=["http://aia.invalid/upper"]), by=upper)
    leaf = signer("Leader", access(issuer=["http://aia.invalid/lower"]), by=lower)
    (first,) = verdict(leaf, trust=trusting(TOP)).wanted

    (second,) = verdict(leaf, trust=trusting(TOP), store=AtHand({first.key: lower.der})).wanted
    found = verdict(leaf, trust=trusting(TOP), store=AtHand({first.key: lower.der, second.key: upper.der}))

    assert second.urls == ("http://aia.invalid/upper",)
    assert found.is_good


def test_evidence_names_every_certificate_and_where_it_lies() -> None:
    found = verdict(LEADER, ISSUING, trust=trusting(TOP), evidence=Evidence(), now=NOW)

    assert [(kept.kind, kept.source) for kept in found.evidence] == [
        ("certificate", "file"),
        ("certificate", "file"),
        ("certificate", "trust"),
    ]
