"""Certificates and answers with bits turned around: judged, and never taken for what they were."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from signing.evidence import Evidence
from tests.support.chain_answers import ISSUING, LEADER, TRUST, lists, responder, says
from tests.support.chain_pki import judged

_TIMES = 150

pytestmark = pytest.mark.filterwarnings("ignore")  # the decoder has words for what it finds


def damaged(content: bytes, *, seed: str) -> Iterator[bytes]:
    """Yield the bytes with one to three bits turned around, or cut off."""
    chance = random.Random(seed)
    for _ in range(_TIMES):
        copy = bytearray(content)
        for _ in range(chance.randint(1, 3)):
            copy[chance.randrange(len(copy))] ^= 1 << chance.randrange(8)
        made = bytes(copy if chance.random() < 0.8 else copy[: chance.randrange(len(copy))])
        if made != content:
            yield made


def test_damaged_signer_is_never_passed() -> None:
    good = Evidence(ocsps=(says(),))

    found = [
        judged(leaf, [ISSUING.der], trust=TRUST, evidence=good) for leaf in damaged(LEADER.der, seed="leaf")
    ]

    assert not any(each.is_good for each in found)


def test_damaged_authorities_in_the_bag_harm_nobody() -> None:
    bag = list(damaged(ISSUING.der, seed="authority"))

    found = judged(LEADER.der, [*bag, ISSUING.der], trust=TRUST, evidence=Evidence(ocsps=(says(),)))

    assert found.is_good


@pytest.mark.parametrize("by", [ISSUING, responder()])
def test_damaged_answer_never_says_revoked_nor_breaks_the_judge(by: object) -> None:
    answers = damaged(says(by=by), seed="answer")  # type: ignore[arg-type]

    found = [judged(LEADER.der, [], trust=TRUST, evidence=Evidence(ocsps=(each,))) for each in answers]

    assert {each.sub_indication for each in found} <= {None, "TRY_LATER"}
    assert sum(each.is_good for each in found) < _TIMES / 10  # what is not signed may be turned around


def test_damaged_list_never_says_revoked_nor_breaks_the_judge() -> None:
    found = [
        judged(LEADER.der, [], trust=TRUST, evidence=Evidence(crls=(each,)))
        for each in damaged(lists(), seed="list")
    ]

    assert {each.sub_indication for each in found} <= {None, "TRY_LATER"}
    assert sum(each.is_good for each in found) < _TIMES / 10
