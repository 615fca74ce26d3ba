"""A fault of our own says nothing about a signature, whatever kind of file it is in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from signing.basis import Basis
from signing.faults import record_fault
from signing.judgement import Judgement
from signing.report import FacetState, Verdict
from signing.trust import trust_store
from signing.verify import verify_file
from tests.support import cms_holders, pki, xml_signing
from tests.support.cms_making import draft, enveloping

_FILES: dict[str, Callable[[], bytes]] = {
    "cms": lambda: enveloping(draft()),
    "xml": lambda: xml_signing.signed().encode(),
    "pdf": pki.signed_by_leader,
}


@dataclass(frozen=True)
class BrokenStore:
    """An evidence store that cannot be read."""

    fault: Exception
    epoch: str = ""

    def get(self, key: str) -> bytes | None:
        raise self.fault


def written(kind: str, folder: Path) -> Path:
    path = folder / "file"
    path.write_bytes(_FILES[kind]())
    return path


def basis(fault: Exception) -> Basis:
    roots = [cms_holders.authority().root, xml_signing.authority().root, pki.authority().root]
    return Basis(trust_store([each.certificate for each in roots]), pki.NOW, BrokenStore(fault))


@pytest.mark.parametrize("kind", _FILES)
@pytest.mark.parametrize(
    "fault", [PermissionError(13, "denied"), IsADirectoryError(21, "folder"), OSError(5, "I/O")]
)
def test_store_that_cannot_be_read_is_no_verdict(tmp_path: Path, kind: str, fault: OSError) -> None:
    with pytest.raises(type(fault)):
        verify_file(written(kind, tmp_path), basis=basis(fault))


@pytest.mark.parametrize("kind", _FILES)
@pytest.mark.parametrize("fault", [MemoryError(), RecursionError()])
def test_too_little_memory_leaves_a_signature_unjudged(tmp_path: Path, kind: str, fault: Exception) -> None:
    report = verify_file(written(kind, tmp_path), basis=basis(fault))

    (signature,) = report.signatures
    assert report.verdict is Verdict.INDETERMINATE
    assert (signature.sub_indication, signature.codes) == ("GENERIC", ("too-costly",))
    assert FacetState.FAILED not in {signature.facets.integrity, signature.facets.trust}


def test_place_that_cannot_be_sought_is_the_files_own_fault() -> None:
    judgement = Judgement()

    record_fault(OSError(22, "Invalid argument"), judgement)

    assert judgement.sub_indication == "FORMAT_FAILURE"
