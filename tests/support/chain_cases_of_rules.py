"""Certification paths by what authorities allow below them, in the style of NIST PKITS."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.chain_pki import (
    AUTHORITY,
    Extension,
    authority,
    demand_policy,
    limits,
    make,
    name,
    policies,
    root,
    signer,
    usage,
)
from tests.support.chain_shapes import (
    FAULTY,
    GOOD,
    USAGE,
    Cases,
    Chain,
    case,
    line,
    through,
)

_P1, _P2, _P3 = "2.16.840.1.101.3.2.1.48.1", "2.16.840.1.101.3.2.1.48.2", "2.16.840.1.101.3.2.1.48.3"
_ANY = "2.5.29.32.0"
RULES: Cases = {}


# --- basic constraints (4.6)


@case(RULES, FAULTY)
def authority_without_basic_constraints() -> Chain:
    top = root()
    middle = make("Issuing", usage("key_cert_sign"), by=top)
    return Chain(signer("Leader", by=middle), (middle,), top)


@case(RULES, FAULTY)
def authority_that_says_it_is_none() -> Chain:
    return through(limits(ca=False))


@case(RULES, FAULTY)
def authority_that_says_it_is_none_not_critically() -> Chain:
    return through((x509.BasicConstraints(ca=False, path_length=None), False))


@case(RULES, GOOD)
def authority_with_constraints_not_critical() -> Chain:
    return through((x509.BasicConstraints(ca=True, path_length=None), False))


@case(RULES, FAULTY)
def signer_signs_for_another_signer() -> Chain:
    chain = through()
    return Chain(signer("Clerk", by=chain.leaf), (chain.leaf, *chain.between), chain.anchor)


@case(RULES, GOOD)
def path_length_zero_above_a_signer() -> Chain:
    return through(limits(ca=True, length=0))


@case(RULES, FAULTY)
def path_length_zero_above_an_authority() -> Chain:
    return line((limits(ca=True, length=0),), ())


@case(RULES, FAULTY)
def path_length_zero_above_a_signer_that_is_an_authority_below_another() -> Chain:
    return line((limits(ca=True, length=0),), (limits(ca=True, length=0),))


@case(RULES, GOOD)
def path_length_one_above_one_authority() -> Chain:
    return line((limits(ca=True, length=1),), ())


@case(RULES, FAULTY)
def path_length_one_above_two_authorities() -> Chain:
    return line((limits(ca=True, length=1),), (), ())


@case(RULES, FAULTY)
def a_lower_authority_cannot_widen_the_path_length() -> Chain:
    return line((limits(ca=True, length=1),), (limits(ca=True, length=5),), ())


@case(RULES, GOOD)
def path_lengths_falling() -> Chain:
    return line((limits(ca=True, length=2),), (limits(ca=True, length=1),), (limits(ca=True, length=0),))


@case(RULES, FAULTY)
def path_length_of_the_root_counts() -> Chain:
    top = root("Root", limits(ca=True, length=0), usage("key_cert_sign"))
    middle = authority("Issuing", by=top)
    return Chain(signer("Leader", by=middle), (middle,), top)


@case(RULES, GOOD)
def signer_that_could_be_an_authority() -> Chain:
    return through(leaf=(limits(ca=True), usage("digital_signature", "key_cert_sign")))


# --- key usage (4.7)


@case(RULES, FAULTY)
def authority_that_may_not_sign_certificates() -> Chain:
    return through(usage("crl_sign"))


@case(RULES, FAULTY)
def authority_that_may_not_sign_certificates_not_critically() -> Chain:
    return through((usage("crl_sign")[0], False))


@case(RULES, GOOD)
def authority_without_key_usage() -> Chain:
    top = root()
    middle = make("Issuing", limits(ca=True), by=top)
    return Chain(signer("Leader", by=middle), (middle,), top)


@case(RULES, GOOD)
def signer_without_key_usage() -> Chain:
    top = root()
    return Chain(make("Leader", limits(ca=False), by=top), (), top)


@case(RULES, GOOD)
def signer_for_commitment_alone() -> Chain:
    return through(leaf=(usage("content_commitment"),))


@case(RULES, GOOD)
def signer_for_digital_signature_alone() -> Chain:
    return through(leaf=(usage("digital_signature"),))


@case(RULES, USAGE)
def signer_for_encryption() -> Chain:
    return through(leaf=(usage("key_encipherment", "data_encipherment"),))


@case(RULES, USAGE)
def signer_for_key_agreement() -> Chain:
    return through(leaf=(usage("key_agreement"),))


@case(RULES, USAGE)
def signer_for_certificates_alone() -> Chain:
    return through(leaf=(limits(ca=True), usage("key_cert_sign", "crl_sign")))


# --- policies (4.8 to 4.12)


@case(RULES, GOOD)
def one_policy_all_the_way() -> Chain:
    return through(policies(_P1), leaf=(policies(_P1),))


@case(RULES, GOOD)
def different_policies_and_none_demanded() -> Chain:
    return through(policies(_P1), leaf=(policies(_P2),))


@case(RULES, FAULTY)
def different_policies_and_one_demanded() -> Chain:
    return through(policies(_P1), demand_policy(), leaf=(policies(_P2),))


@case(RULES, GOOD)
def one_policy_demanded_and_kept() -> Chain:
    return through(policies(_P1), demand_policy(), leaf=(policies(_P1),))


@case(RULES, FAULTY)
def policy_demanded_and_the_signer_has_none() -> Chain:
    return through(policies(_P1), demand_policy())


@case(RULES, FAULTY)
def policy_demanded_and_the_authority_has_none() -> Chain:
    return through(demand_policy(), leaf=(policies(_P1),))


@case(RULES, GOOD)
def any_policy_is_as_good_as_the_one() -> Chain:
    return through(policies(_ANY), demand_policy(), leaf=(policies(_P1),))


@case(RULES, FAULTY)
def any_policy_inhibited() -> Chain:
    return through(policies(_P1), demand_policy(), (x509.InhibitAnyPolicy(0), True), leaf=(policies(_ANY),))


@case(RULES, GOOD)
def policy_demanded_later_than_the_path_is_long() -> Chain:
    return through(demand_policy(after=5))


@case(RULES, FAULTY)
def signer_itself_demands_a_policy_that_is_not_there() -> Chain:
    return through(leaf=(demand_policy(),))


@case(RULES, FAULTY)
def policy_demanded_two_authorities_above() -> Chain:
    return line((policies(_P1), demand_policy()), (policies(_P2),), leaf=(policies(_P1),))


@case(RULES, GOOD)
def policies_that_overlap() -> Chain:
    return line((policies(_P1, _P2), demand_policy()), (policies(_P2, _P3),), leaf=(policies(_P2),))


@case(RULES, FAULTY)
def policies_that_overlap_only_in_pairs() -> Chain:
    return line((policies(_P1, _P2), demand_policy()), (policies(_P2, _P3),), leaf=(policies(_P3),))


# --- name constraints (4.13)


def _within(
    *, permitted: list[x509.GeneralName] | None = None, excluded: list[x509.GeneralName] | None = None
) -> Extension:
    return x509.NameConstraints(permitted, excluded), True


def _directory(organisation: str) -> x509.DirectoryName:
    return x509.DirectoryName(
        x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            ]
        )
    )


def _also(*names: x509.GeneralName) -> Extension:
    return x509.SubjectAlternativeName(names), False


@case(RULES, GOOD)
def name_inside_the_permitted_tree() -> Chain:
    return through(_within(permitted=[_directory("Demo")]))


@case(RULES, FAULTY)
def name_outside_the_permitted_tree() -> Chain:
    return through(_within(permitted=[_directory("Other")]))


@case(RULES, FAULTY)
def name_inside_the_excluded_tree() -> Chain:
    return through(_within(excluded=[_directory("Demo")]))


@case(RULES, GOOD)
def name_outside_the_excluded_tree() -> Chain:
    return through(_within(excluded=[_directory("Other")]))


@case(RULES, FAULTY)
def permitted_and_excluded_at_once() -> Chain:
    return through(_within(permitted=[_directory("Demo")], excluded=[_directory("Demo")]))


@case(RULES, FAULTY)
def constraints_of_two_authorities_leave_nothing() -> Chain:
    return line((_within(permitted=[_directory("Demo")]),), (_within(permitted=[_directory("Other")]),))


@case(RULES, FAULTY)
def mail_address_outside_the_permitted_domain() -> Chain:
    return through(
        _within(permitted=[x509.RFC822Name("hanoi.invalid")]),
        leaf=(_also(x509.RFC822Name("leader@elsewhere.invalid")),),
    )


@case(RULES, GOOD)
def mail_address_inside_the_permitted_domain() -> Chain:
    return through(
        _within(permitted=[x509.RFC822Name("hanoi.invalid")]),
        leaf=(_also(x509.RFC822Name("leader@hanoi.invalid")),),
    )


@case(RULES, FAULTY)
def host_name_inside_the_excluded_domain() -> Chain:
    return through(
        _within(excluded=[x509.DNSName("hanoi.invalid")]),
        leaf=(_also(x509.DNSName("www.hanoi.invalid")),),
    )


@case(RULES, FAULTY)
def constraints_of_the_root_itself_count() -> Chain:
    top = root("Root", *AUTHORITY, _within(permitted=[_directory("Other")]))
    return Chain(signer("Leader", by=top), (), top)


@case(RULES, GOOD)
def constraints_do_not_bind_a_new_key_of_the_same_name() -> Chain:
    top = root()
    inside = name("Leader", organisation="Inside")
    old = authority("Issuing", _within(permitted=[_directory("Inside")]), by=top)
    new = authority("Issuing", by=old, key=ec.generate_private_key(ec.SECP256R1()))
    return Chain(make(inside, limits(ca=False), by=new), (new, old), top)
