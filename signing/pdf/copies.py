"""Damaged copies of certificates: nobody needs them for the verdict, and still somebody has touched the file.

A signature carries its chain unsigned. When the trust folder or another signature has the same certificates,
a copy that was altered would never be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from signing.cms.facts import Signer
from signing.cms.time_stamp import read_stamp
from signing.pdf import reasons
from signing.reasons import Refused

_MAX_BITS = 64
"""Two certificates of one length differ in far more: each ends with a signature of its own."""
_MAX_CERTIFICATES = 50


def demand_sound_copies(signer: Signer, *, known: Iterable[bytes]) -> None:
    """Pass when no certificate that a signature or its time-stamps carry is a damaged copy of another one.

    Raises:
        Refused: One is.
    """
    carried = [*_carried(signer)][:_MAX_CERTIFICATES]
    others = [*known, *carried]
    for each in carried:
        if any(len(each) == len(other) and each != other and _is_near(each, other) for other in others):
            raise Refused(reasons.DAMAGED_COPY, "GENERIC")


def _carried(signer: Signer) -> Iterator[bytes]:
    yield from signer.evidence.certificates
    for token in signer.time_stamps:
        with suppress(Refused):
            yield from read_stamp(token, stamped=signer.value).signer.evidence.certificates


def _is_near(one: bytes, other: bytes) -> bool:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count() <= _MAX_BITS
