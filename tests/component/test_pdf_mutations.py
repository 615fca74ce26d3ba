"""No cut or changed byte of a good file goes unnoticed, and none is left without a verdict."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from signing.report import Verdict
from tests.component.test_pdf_valid import levels, packed, word_like
from tests.support.pdf_shadows import once, twice
from tests.support.pdf_signing import signed_with
from tests.support.pki import leader, verdict_on

_SIGNATURE = re.compile(rb"/Contents <[0-9A-Fa-f]+>")
_LEAST_BYTES = 16


@cache
def good_files() -> tuple[bytes, ...]:
    hybrid = signed_with(word_like(), leader(), is_strict=False)
    return once(), twice(), levels()[3], signed_with(packed(), leader()), hybrid


def cuts(chance: random.Random, count: int) -> Iterator[bytes]:
    for _ in range(count):
        pdf = chance.choice(good_files())
        # Before the last byte that counts: without the line end behind it the file is the same.
        yield pdf[: chance.randrange(_LEAST_BYTES, len(pdf.rstrip()) - 1)]


def flips(chance: random.Random, count: int) -> Iterator[bytes]:
    """A bit of the file changed, but inside the CMS structures, whose tests are their own."""
    for _ in range(count):
        pdf = chance.choice(good_files())
        place = chance.choice(places(pdf))
        yield pdf[:place] + bytes([pdf[place] ^ (1 << chance.randrange(8))]) + pdf[place + 1 :]


@cache
def places(pdf: bytes) -> list[int]:
    inside = [
        range(found.start() + 11, found.start() + len(found[0].rstrip(b"0>")))
        for found in _SIGNATURE.finditer(pdf)
    ]
    return [place for place in range(len(pdf)) if not any(place in each for each in inside)]


def passed(files: Iterator[bytes], folder: Path) -> list[int]:
    """The numbers of those that pass; each of them gets a verdict, or this raises."""
    verdicts = [verdict_on(pdf, folder).verdict for pdf in files]
    return [number for number, verdict in enumerate(verdicts) if verdict is Verdict.TOTAL_PASSED]


@pytest.mark.parametrize("seed", range(5))
def test_no_flipped_bit_passes(tmp_path: Path, seed: int) -> None:
    assert passed(flips(random.Random(seed), 60), tmp_path) == []


@pytest.mark.parametrize("seed", range(5))
def test_no_cut_file_passes_as_what_it_was(tmp_path: Path, seed: int) -> None:
    assert passed(uncompleted(random.Random(seed)), tmp_path) == []


def uncompleted(chance: random.Random) -> Iterator[bytes]:
    """Cuts that do not happen to leave an earlier revision whole."""
    return (pdf for pdf in cuts(chance, 40) if not pdf.rstrip().endswith(b"%%EOF"))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 200))
def test_no_mutation_passes_in_ten_thousand(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    assert passed(flips(chance, 75), tmp_path) == []
    assert passed(uncompleted(chance), tmp_path) == []
