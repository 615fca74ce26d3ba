"""What we pass, poppler shows as it was signed: a viewer that reads broken files in its own way."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from signing.report import Verdict
from tests.support.pdf_attacks import Case
from tests.support.pdf_odd_updates import BASES, hidden_objects, odd_trailers, odd_updates
from tests.support.pki import verdict_on

_LOOKS = (
    ("pdftoppm", "-r", "40", "document.pdf"),
    ("pdftotext", "document.pdf", "-"),
    ("pdfdetach", "-saveall", "-o", "attached", "document.pdf"),
)
_LONGEST_SECONDS = 30


@dataclass(frozen=True)
class Shown:
    """What poppler shows of a file."""

    codes: tuple[int, ...]
    pages: bytes
    text: bytes
    attached: tuple[tuple[str, bytes], ...]


def shown(pdf: bytes) -> Shown:
    with TemporaryDirectory() as folder:
        (Path(folder) / "document.pdf").write_bytes(pdf)
        attached = Path(folder) / "attached"
        attached.mkdir()
        looks = [
            subprocess.run(words, cwd=folder, capture_output=True, timeout=_LONGEST_SECONDS, check=False)
            for words in _LOOKS
        ]
        files = tuple(sorted((each.name, each.read_bytes()) for each in attached.iterdir()))
    codes = tuple(each.returncode for each in looks)
    return Shown(codes, looks[0].stdout, looks[1].stdout, files)


@cache
def shown_when_signed(name: str) -> Shown:
    return shown(BASES[name]())


def passed_and_different(cases: Iterable[tuple[str, Case]], folder: Path) -> tuple[int, list[str]]:
    """How many odd updates pass, and those of them that poppler shows otherwise than the signed file."""
    passed = [
        (name, case)
        for name, case in cases
        if verdict_on(case.make(), folder).verdict is Verdict.TOTAL_PASSED
    ]
    different = [case.name for name, case in passed if shown(case.make()) != shown_when_signed(name)]
    return len(passed), different


@pytest.mark.parametrize("name", BASES)
def test_poppler_shows_what_the_updates_are_made_on(name: str, tmp_path: Path) -> None:
    seen = shown_when_signed(name)

    assert verdict_on(BASES[name](), tmp_path).verdict is Verdict.TOTAL_PASSED
    assert seen.codes[:2] == (0, 0)
    assert seen.pages.startswith(b"P6")
    assert b"Trang 1 dong 1: 100 dong" in seen.text
    assert bool(seen.attached) == (name not in ("text", "searched"))
    assert b"900 dong" not in seen.text


def test_odd_entry_of_a_trailer_that_passes_shows_what_was_signed(tmp_path: Path) -> None:
    passed, different = passed_and_different((("all", case) for case in odd_trailers()), tmp_path)

    assert different == []
    assert passed


def test_object_hidden_in_another_is_never_shown(tmp_path: Path) -> None:
    _, different = passed_and_different((("searched", case) for case in hidden_objects()), tmp_path)

    assert different == []


@pytest.mark.parametrize("seed", range(3))
def test_odd_update_that_passes_shows_what_was_signed(seed: int, tmp_path: Path) -> None:
    passed, different = passed_and_different(odd_updates(seed, 100), tmp_path)

    assert different == []
    assert passed


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 150))
def test_odd_update_that_passes_shows_what_was_signed_in_five_thousand(seed: int, tmp_path: Path) -> None:
    passed, different = passed_and_different(odd_updates(seed, 100), tmp_path)

    assert different == []
    assert passed
