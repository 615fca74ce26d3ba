"""What a PDF claims about itself and we repeat: its time and the name of its field."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.pki import leader, signed, signed_by_leader, verdict_on

_CLAIMED = re.compile(rb"(?<=/M \(D\\072)\d{14}Z")


def claiming(moment: str) -> bytes:
    """The leader's PDF with another claimed time of signing, in as many bytes."""
    return _CLAIMED.sub(moment.encode(), signed_by_leader())


@pytest.mark.parametrize(
    "moment", ["99991231235959Z", "22010101000000Z", "19691231235959Z", "00010101000000Z"]
)
def test_claimed_time_beyond_reason_is_not_repeated(tmp_path: Path, moment: str) -> None:
    (signature,) = verdict_on(claiming(moment), tmp_path).signatures

    assert signature.signed_at is None
    assert signature.signer == "Chủ tịch UBND – H26.01"


def test_claimed_time_within_reason_is_shown(tmp_path: Path) -> None:
    (signature,) = verdict_on(claiming("20261121083000Z"), tmp_path).signatures

    assert str(signature.signed_at) == "2026-11-21 08:30:00+00:00"


def test_name_of_a_field_is_cut_and_cannot_be_obeyed(tmp_path: Path) -> None:
    name = "Chữ ký\x00\x1b[2J\u202e" + "x" * 100_000

    (signature,) = verdict_on(signed(leader(), field=name), tmp_path).signatures

    assert signature.field.startswith("Chữ ký[2Jxxx")
    assert len(signature.field) <= 200
