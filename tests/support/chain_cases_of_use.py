"""Certification paths by who may issue at all, and what signers and authorities are meant for."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.support.chain_damage import with_version
from tests.support.chain_pki import authority, limits, make, purposes, root, signer, usage
from tests.support.chain_shapes import GOOD, NO_PATH, USAGE, Cases, Chain, case, through

_CLIENTS = ExtendedKeyUsageOID.CLIENT_AUTH
USES: Cases = {}


# --- anchors


@case(USES, NO_PATH)
def anchor_that_says_it_is_no_authority() -> Chain:
    top = root("Root", limits(ca=False), usage("digital_signature"))
    return Chain(signer("Leader", by=top), (), top)


@case(USES, NO_PATH)
def anchor_that_may_not_sign_certificates() -> Chain:
    top = root("Root", limits(ca=True), usage("digital_signature", "crl_sign"))
    return Chain(signer("Leader", by=top), (), top)


@case(USES, NO_PATH)
def anchor_without_constraints_that_may_not_sign_certificates() -> Chain:
    top = root("Root", usage("digital_signature"))
    return Chain(signer("Leader", by=top), (), top)


@case(USES, NO_PATH)
def anchor_that_is_no_authority_above_an_authority() -> Chain:
    top = root("Root", limits(ca=False))
    middle = authority("Issuing", by=top)
    return Chain(signer("Leader", by=middle), (middle,), top)


@case(USES, GOOD)
def anchor_without_key_usage() -> Chain:
    top = root("Root", limits(ca=True))
    return Chain(signer("Leader", by=top), (), top)


@case(USES, NO_PATH)
def anchor_of_version_three_that_says_nothing_of_itself() -> Chain:
    somebody = make("Clerk", purposes(ExtendedKeyUsageOID.EMAIL_PROTECTION))
    return Chain(signer("Leader", by=somebody), (), somebody)


@case(USES, NO_PATH)
def anchor_of_version_three_without_constraints_that_may_sign_certificates() -> Chain:
    top = make("Root", usage("key_cert_sign"))
    return Chain(signer("Leader", by=top), (), top)


@case(USES, GOOD)
def anchor_of_version_one() -> Chain:
    made = root("Root")
    top = with_version(made, 0, key=made.key)
    return Chain(signer("Leader", by=top), (), top)


# --- purposes


@case(USES, USAGE)
def signer_for_web_servers() -> Chain:
    return through(leaf=(purposes(ExtendedKeyUsageOID.SERVER_AUTH),))


@case(USES, USAGE)
def signer_for_web_servers_and_clients() -> Chain:
    return through(leaf=(purposes(ExtendedKeyUsageOID.SERVER_AUTH, _CLIENTS),))


@case(USES, USAGE)
def signer_for_web_clients_alone() -> Chain:
    return through(leaf=(purposes(_CLIENTS),))


@case(USES, USAGE)
def signer_for_nothing_known() -> Chain:
    return through(leaf=(purposes(x509.ObjectIdentifier("1.3.6.1.5.5.7.3.17")),))


@case(USES, USAGE)
def signer_for_programs() -> Chain:
    return through(leaf=(purposes(ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.SERVER_AUTH),))


@case(USES, USAGE)
def signer_for_time_stamps() -> Chain:
    return through(leaf=(purposes(ExtendedKeyUsageOID.TIME_STAMPING, critical=True),))


@case(USES, USAGE)
def signer_for_ocsp() -> Chain:
    return through(leaf=(purposes(ExtendedKeyUsageOID.OCSP_SIGNING),))


@case(USES, GOOD)
def signer_for_mail() -> Chain:
    return through(leaf=(purposes(ExtendedKeyUsageOID.EMAIL_PROTECTION),))


@case(USES, GOOD)
def signer_for_web_clients_and_mail() -> Chain:
    return through(leaf=(purposes(_CLIENTS, ExtendedKeyUsageOID.EMAIL_PROTECTION),))


@case(USES, GOOD)
def signer_for_documents() -> Chain:
    return through(leaf=(purposes(_CLIENTS, x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")),))


@case(USES, GOOD)
def signer_for_documents_of_microsoft() -> Chain:
    return through(leaf=(purposes(x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.12")),))


@case(USES, GOOD)
def signer_for_documents_of_adobe() -> Chain:
    return through(leaf=(purposes(x509.ObjectIdentifier("1.2.840.113583.1.1.5")),))


@case(USES, USAGE)
def authority_for_web_servers() -> Chain:
    return through(purposes(ExtendedKeyUsageOID.SERVER_AUTH))


@case(USES, GOOD)
def authority_for_web_clients_and_mail() -> Chain:
    return through(purposes(_CLIENTS, ExtendedKeyUsageOID.EMAIL_PROTECTION))


@case(USES, GOOD)
def signer_for_any_purpose() -> Chain:
    return through(leaf=(purposes(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE),))
