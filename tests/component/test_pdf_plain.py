"""The short way through a plain PDF says what the long way says, over every file at hand."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from ops.dev.papers import tamper
from signing.basis import Basis
from signing.pdf.judge import judge_parsed, judge_pdf
from signing.pdf.plain import read_plain
from signing.report import Verdict
from tests.component.test_pdf_hostile import CHANGED, FAMILIES
from tests.component.test_pdf_valid import VALID
from tests.support.pdf_attacks import Case
from tests.support.pdf_files import appended, classic, paper
from tests.support.pdf_signing import Ink, signed_with
from tests.support.pki import (
    NOW,
    authority,
    leader,
    plain_pdf,
    signed,
    signed_by_leader,
    stranger,
    trust,
    with_document_time_stamp,
)

_CALM = [case for name in ("forged", "signatures", "hybrid") for case in FAMILIES[name]]
FILES = [
    *(Case(name, make) for name, make in VALID.items()),
    *(case for case in _CALM if not case.name.startswith("sealed/")),
    *(case for case in CHANGED["appended"] if case.name.endswith(("/bare", "/bare-with-end"))),
    Case("unsigned", plain_pdf),
    Case("tampered", lambda: tamper(signed_by_leader())),
    Case("expired", lambda: signed(authority().expired)),
    Case("of a stranger", lambda: signed(stranger().seal("UBND"))),
    Case("with another name", lambda: signed_with(classic(paper(3)), leader(), Ink("Chữ ký số 1"))),
]


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.name)
def test_short_way_and_long_way_agree(tmp_path: Path, case: Case) -> None:
    with opened(case.make(), tmp_path) as (stream, raw):
        basis = Basis(trust(), NOW)

        short = judge_pdf(stream, raw, basis=basis)

        if read_plain(raw) is not None:
            assert short == judge_parsed(stream, raw, basis=basis)


@pytest.mark.parametrize("name", ["an elliptic key", "Ed25519", "RSA with PSS", "the older format"])
def test_usual_file_takes_the_short_way(tmp_path: Path, name: str) -> None:
    with opened(VALID[name](), tmp_path) as (_, raw):
        assert read_plain(raw) is not None


@pytest.mark.parametrize(
    "name",
    ["two invisible signatures", "evidence after a signature", "object streams", "hybrid cross-references"],
)
def test_file_that_is_not_plain_takes_the_long_way(tmp_path: Path, name: str) -> None:
    with opened(VALID[name](), tmp_path) as (_, raw):
        assert read_plain(raw) is None


def test_signature_outside_the_form_keeps_a_file_from_the_short_way(tmp_path: Path) -> None:
    other = paper() | {80: b"<< /Type /Sig /ByteRange [0 1 2 3] /Contents <30> >>"}

    with opened(signed_with(classic(other), leader()), tmp_path) as (_, raw):
        assert read_plain(raw) is None


def removed_before() -> bytes:
    """A file whose first revision held a signature, with its key written so that a search misses it."""
    objects = paper(catalog=b"/AcroForm 20 0 R") | {
        20: b"<< /Fields [21 0 R] /SigFlags 3 >>",
        21: b"<< /FT /Sig /T (Cu) /V 22 0 R >>",
        22: b"<< /Type /Sig /SubFilter /ETSI.CAdES.detached /Contents <00> /ByteRang#65 [0 1 2 3] >>",
    }
    return signed_with(appended(classic(objects), {20: b"<< /Fields [] /SigFlags 3 >>"}), leader())


def test_signature_that_was_removed_before_is_not_missed(tmp_path: Path) -> None:
    with opened(removed_before(), tmp_path) as (stream, raw):
        report = judge_pdf(stream, raw, basis=Basis(trust(), NOW))

    assert report.verdict is Verdict.INDETERMINATE
    assert "signature-removed" in {code for each in report.signatures for code in each.codes}


def test_object_without_its_end_keeps_a_file_from_the_short_way(tmp_path: Path) -> None:
    broken = re.sub(rb"(1 0 obj\n<< /Type /Catalog.*?>>)\nendobj", rb"\1\nendobx", classic(paper()))

    with opened(signed_with(broken, leader(), is_strict=False), tmp_path) as (_, raw):
        assert read_plain(raw) is None


def test_update_before_the_signature_keeps_to_the_short_way(tmp_path: Path) -> None:
    with opened(signed_with(appended(classic(paper()), {50: b"(x)"}), leader()), tmp_path) as (_, raw):
        assert read_plain(raw) is not None


def test_field_of_a_time_stamp_alone_leaves_the_file_unsigned(tmp_path: Path) -> None:
    with opened(with_document_time_stamp(plain_pdf()), tmp_path) as (stream, raw):
        report = judge_pdf(stream, raw, basis=Basis(trust(), NOW))

    (stamp,) = report.signatures
    assert report.verdict is Verdict.UNSIGNED
    assert stamp.indication is Verdict.TOTAL_PASSED


@contextmanager
def opened(pdf: bytes, folder: Path) -> Iterator[tuple[BinaryIO, mmap.mmap]]:
    path = folder / "document.pdf"
    path.write_bytes(pdf)
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        yield stream, raw
