"""Judging signature files by the authority of the tests."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path

from signing.basis import Basis
from signing.cms.p7s import verify_p7s
from signing.report import VerificationReport
from signing.trust import trust_store
from tests.support.cms_holders import NOW, authority


@cache
def _basis(at: datetime) -> Basis:
    return Basis(trust_store([authority().root.certificate]), at)


def verdict_on(
    signature: bytes, folder: Path, *, document: bytes | None = None, at: datetime = NOW
) -> VerificationReport:
    """What is said of a signature file, and of the document beside it if there is one."""
    path, beside = folder / "document.p7s", folder / "document"
    path.write_bytes(signature)
    if document is not None:
        beside.write_bytes(document)
    return verify_p7s(path, basis=_basis(at), content=None if document is None else beside)
