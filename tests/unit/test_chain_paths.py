"""Certification paths: each judged as RFC 5280 has it, by the library and by the shortcut."""

from __future__ import annotations

import pytest

from signing.chain.certificates import read_certificate
from signing.chain.paths import paths
from signing.chain.rules import fault, judged_by_library, library_fault
from signing.effort import Effort
from tests.support.chain_cases import CASES
from tests.support.chain_pki import authority, root, signer, trusting, verdict
from tests.support.chain_shapes import UNREADABLE


def test_there_are_as_many_cases_as_promised() -> None:
    assert len(CASES) >= 80


@pytest.mark.parametrize("case", CASES)
def test_path_is_judged_as_expected(case: str) -> None:
    expected, build = CASES[case]
    chain = build()
    assert chain.anchor

    found = verdict(chain.leaf, *chain.between, trust=trusting(chain.anchor))

    assert found.sub_indication == expected


@pytest.mark.parametrize("case", CASES)
def test_path_is_judged_the_same_with_the_authorities_in_the_trust_folder(case: str) -> None:
    expected, build = CASES[case]
    chain = build()
    assert chain.anchor

    found = verdict(chain.leaf, trust=trusting(chain.anchor, *chain.between))

    assert found.sub_indication == expected


@pytest.mark.parametrize("case", [name for name, (said, _) in CASES.items() if said != UNREADABLE])
def test_shortcut_says_what_the_library_says(case: str) -> None:
    _, build = CASES[case]
    chain = build()
    assert chain.anchor
    trust = trusting(chain.anchor, *chain.between)
    # Another signer of the same authority has passed before, so that the shortcut is open.
    verdict(signer("Sibling", by=chain.between[0] if chain.between else chain.anchor), trust=trust)

    for path in paths(read_certificate(chain.leaf.der), pool=(), trust=trust, effort=Effort()):
        assert fault(path) == library_fault(path)


def test_library_is_asked_once_for_all_signers_of_an_authority() -> None:
    top = root("Root of many")
    middle = authority("Issuing", by=top)
    trust = trusting(top, middle)
    verdict(signer("First", by=middle), trust=trust)
    asked = len(judged_by_library)

    found = [verdict(signer(f"Leader {number}", by=middle), trust=trust) for number in range(20)]

    assert all(each.is_good for each in found)
    assert len(judged_by_library) == asked
