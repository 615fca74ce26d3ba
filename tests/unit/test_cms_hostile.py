"""No forged CMS signature is taken for a good one, and each is refused for its own reason."""

from __future__ import annotations

import time

import pytest

from signing.cms.signed_data import read_signers
from signing.reasons import Refused
from tests.support.cms_bombs import BOMBS
from tests.support.cms_findings import Made, finding_of
from tests.support.cms_hostile import FORMS, Make
from tests.support.cms_hostile_algorithms import ALGORITHMS
from tests.support.cms_making import CONTENT, digest

_MOST_SECONDS = 2.0


def _cases(groups: dict[str, dict[str, Make]]) -> list[object]:
    return [
        pytest.param(make, found, id=f"{found}: {name}")
        for found, group in groups.items()
        for name, make in group.items()
    ]


@pytest.mark.parametrize(("make", "found"), _cases(FORMS))
def test_forged_form_is_found_out(make: Make, found: str) -> None:
    made = make()

    assert (made if isinstance(made, Made) else Made(made)).finding() == found


@pytest.mark.parametrize(("make", "found"), _cases(ALGORITHMS))
def test_unreliable_algorithm_key_or_value_is_found_out(make: Make, found: str) -> None:
    made = make()

    assert (made if isinstance(made, Made) else Made(made)).finding() == found


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_refused_before_it_costs_anything(name: str) -> None:
    contents = BOMBS[name]()
    started = time.process_time()

    try:
        found = [finding_of(each) for each in read_signers(contents, digest=digest(CONTENT))]
    except Refused as refused:
        found = [refused.reason.code]

    assert "good" not in found
    assert time.process_time() - started < _MOST_SECONDS
