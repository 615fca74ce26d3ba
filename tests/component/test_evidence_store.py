"""Evidence on disk: objects that never change, names that do, and an epoch that tells."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.evidence_store import EvidenceFolder, KeptEvidence, open_evidence

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def evidence(tmp_path: Path) -> EvidenceFolder:
    return open_evidence(tmp_path / "evidence", now=NOW)


def test_newest_answer_under_a_key_is_read_by_others(evidence: EvidenceFolder, tmp_path: Path) -> None:
    reader = KeptEvidence(tmp_path / "evidence")
    assert reader.get("ocsp-1") is None
    evidence.keep("ocsp-1", b"good")
    evidence.keep("ocsp-1", b"revoked")
    evidence.keep("ocsp-2", b"good")
    assert reader.get("ocsp-1") == b"revoked"
    assert reader.get("ocsp-2") == b"good"


def test_what_an_old_verdict_rests_on_stays(evidence: EvidenceFolder) -> None:
    evidence.keep("ocsp-1", b"good")
    evidence.keep("ocsp-1", b"revoked")
    assert evidence.read(hashlib.sha256(b"good").hexdigest()) == b"good"


def test_epoch_changes_with_an_answer_and_only_then(evidence: EvidenceFolder) -> None:
    seen = [evidence.epoch]
    assert evidence.keep("ocsp-1", b"good")
    seen.append(evidence.epoch)
    assert not evidence.keep("ocsp-1", b"good")
    evidence.keep_objects([b"a certificate"])
    assert evidence.epoch == seen[-1]
    evidence.keep("ocsp-1", b"revoked")
    assert evidence.epoch not in seen


def test_key_may_hold_anything(evidence: EvidenceFolder, tmp_path: Path) -> None:
    for key in ("../../escaped", "/etc/passwd", "a\0b", "", "x" * 10_000, "địa chỉ"):
        evidence.keep(key, key.encode())
        assert evidence.get(key) == key.encode()
    assert [path for path in tmp_path.iterdir() if path.name != "evidence"] == []


def test_objects_are_read_under_their_hash(evidence: EvidenceFolder) -> None:
    hashes = evidence.keep_objects([b"one", b"two", b"one"])
    assert hashes == [hashlib.sha256(content).hexdigest() for content in (b"one", b"two", b"one")]
    assert evidence.read(hashes[1]) == b"two"
    assert evidence.has(hashes[0])
    assert not evidence.has("00" * 32)
    assert evidence.read("00" * 32) is None


def test_long_list_is_the_same_object_while_it_is_in_use(evidence: EvidenceFolder) -> None:
    evidence.keep("crl-1", bytes(300_000))
    assert evidence.get("crl-1") is evidence.get("crl-1")


def test_no_more_lists_are_held_than_there_is_room_for(evidence: EvidenceFolder) -> None:
    for number in range(3):
        evidence.keep(f"crl-{number}", bytes([number]) * 12_000_000)
    first = evidence.get("crl-0")
    for number in (1, 2):
        evidence.get(f"crl-{number}")
    assert evidence.get("crl-0") is not first


def test_full_disk_leaves_the_answer_before_in_place(
    evidence: EvidenceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence.keep("ocsp-1", b"good")
    epoch = evidence.epoch

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            evidence.keep("ocsp-1", b"revoked")
    assert (evidence.get("ocsp-1"), evidence.epoch) == (b"good", epoch)


def test_what_a_crash_left_half_written_goes(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    open_evidence(folder, now=NOW)
    old, fresh = folder / "tmp" / "old", folder / "tmp" / "fresh"
    for path, age in ((old, timedelta(hours=2)), (fresh, timedelta(minutes=1))):
        path.write_bytes(b"half")
        os.utime(path, times=((NOW - age).timestamp(),) * 2)
    open_evidence(folder, now=NOW)
    assert (old.exists(), fresh.exists()) == (False, True)
