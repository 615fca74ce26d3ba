"""The demo's papers are real: Vietnamese, small, signed, and damaged only where they should be."""

from __future__ import annotations

import asyncio
import unicodedata
from datetime import date
from pathlib import Path

import pytest
from reportlab.pdfbase.ttfonts import TTFontFile  # type: ignore[import-untyped]

from ops.dev.papers import Paper, draw, packaged_font, sign, tamper
from signing.report import Verdict
from tests.support.pki import agency_seal, verdict_on

PAPER = Paper(
    number=123,
    notation="UBND-VP",
    issuer="Ủy ban nhân dân phường Một",
    parent="Ủy ban nhân dân thành phố",
    place="Hà Nội",
    day=date(2026, 11, 21),
    subject="tăng cường gửi, nhận văn bản điện tử",
    to=("Các sở, ban, ngành thành phố",),
)


def vietnamese_letters() -> set[str]:
    marks = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
    small = {unicodedata.normalize("NFC", vowel + mark) for vowel in "aăâeêioôơuưy" for mark in marks} | {"đ"}
    return small | {letter.upper() for letter in small} | set("₫–“”…")


def test_packaged_font_has_every_vietnamese_letter() -> None:
    known = TTFontFile(str(packaged_font())).charToGlyph

    assert {letter for letter in vietnamese_letters() if ord(letter) not in known} == set()


def test_signed_paper_is_small_and_passes(tmp_path: Path) -> None:
    signed = asyncio.run(sign(draw(PAPER), agency_seal()))

    assert 15_000 < len(signed) < 30_000
    assert verdict_on(signed, tmp_path).verdict is Verdict.TOTAL_PASSED


def test_tampered_paper_fails_and_keeps_its_size(tmp_path: Path) -> None:
    signed = asyncio.run(sign(draw(PAPER), agency_seal()))

    tampered = tamper(signed)

    assert len(tampered) == len(signed)
    assert verdict_on(tampered, tmp_path).signatures[0].sub_indication == "HASH_FAILURE"


def test_pdf_without_open_text_cannot_be_tampered_with() -> None:
    with pytest.raises(ValueError, match="no uncompressed text"):
        tamper(b"%PDF-1.4")
