"""Truncated and damaged signatures are refused or found out, and nothing else ever happens."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

import pytest

from signing.cms.signed_data import read_signers
from signing.cms.time_stamp import read_stamp
from signing.reasons import Refused
from tests.support.cms_findings import finding_of
from tests.support.cms_hostile import indefinite
from tests.support.cms_lying_stamps import STAMPED
from tests.support.cms_making import digest, signed, time_stamped, token

_SEED = 20261121
_MAKERS: dict[str, Callable[[], bytes]] = {
    "RSA": signed,
    "RSA-PSS": lambda: signed(is_pss=True),
    "P-256": lambda: signed("p256"),
    "Ed25519": lambda: signed("ed25519"),
    "time-stamped": time_stamped,
    "open length": lambda: indefinite(time_stamped()),
}


@cache
def genuine(name: str) -> bytes:
    return _MAKERS[name]()


def damaged(contents: bytes, dice: random.Random) -> bytes:
    """The same with a bit turned, a byte changed, a piece gone, or a piece twice."""
    changed = bytearray(contents)
    at = dice.randrange(len(changed))
    match dice.randrange(4):
        case 0:
            changed[at] ^= 1 << dice.randrange(8)
        case 1:
            changed[at] = dice.randrange(256)
        case 2:
            del changed[at : at + dice.randrange(1, 16)]
        case _:
            changed[at:at] = changed[at : at + dice.randrange(1, 16)]
    return bytes(changed)


def demand_nothing_else_believed(contents: bytes, *, name: str) -> None:
    """Whatever is taken says the same as what was signed; no error but a refusal comes out."""
    try:
        (signer,) = read_signers(contents, digest=digest())
    except Refused:
        return
    if finding_of(signer) in {"good", "lenient"}:
        (true,) = read_signers(genuine(name), digest=digest())
        assert (signer.certificate, signer.claimed_at, signer.value) == (
            true.certificate,
            true.claimed_at,
            true.value,
        )


@pytest.mark.parametrize("name", _MAKERS)
def test_damaged_signature_never_says_anything_else(name: str) -> None:
    dice = random.Random(_SEED)

    for _ in range(250):
        demand_nothing_else_believed(damaged(genuine(name), dice), name=name)


@pytest.mark.long
@pytest.mark.parametrize("name", _MAKERS)
def test_signature_damaged_in_very_many_ways_never_says_anything_else(name: str) -> None:
    dice = random.Random(_SEED + 1)

    for _ in range(10_000):
        demand_nothing_else_believed(damaged(genuine(name), dice), name=name)


@pytest.mark.parametrize("name", _MAKERS)
def test_truncated_signature_is_refused(name: str) -> None:
    contents = genuine(name)

    for end in range(0, len(contents) - 1, 7):
        with pytest.raises(Refused):
            read_signers(contents[:end], digest=digest())


def test_damaged_time_stamp_never_says_another_time() -> None:
    dice = random.Random(_SEED)
    true = read_stamp(token(STAMPED), stamped=STAMPED)

    for _ in range(500):
        try:
            stamp = read_stamp(damaged(token(STAMPED), dice), stamped=STAMPED)
        except Refused:
            continue
        if finding_of(stamp.signer) in {"good", "lenient"} and stamp.has_imprint:
            assert (stamp.generated_at, stamp.signer.certificate) == (
                true.generated_at,
                true.signer.certificate,
            )
