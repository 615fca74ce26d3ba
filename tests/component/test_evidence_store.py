"""Evidence on disk: objects that never change, names that do, and an epoch that tells."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.evidence_store import EvidenceFolder, KeptEvidence, Taken, open_evidence

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def evidence(tmp_path: Path) -> EvidenceFolder:
    return open_evidence(tmp_path / "evidence", now=NOW)


def test_newest_answer_under_a_key_is_read_by_others(evidence: EvidenceFolder, tmp_path: Path) -> None:
    reader = KeptEvidence(tmp_path / "evidence")
    assert reader.get("issuer-1") is None
    evidence.keep("issuer-1", b"good")
    evidence.keep("issuer-1", b"revoked")
    evidence.keep("issuer-2", b"good")
    assert reader.get("issuer-1") == b"revoked"
    assert reader.get("issuer-2") == b"good"


def test_what_an_old_verdict_rests_on_stays(evidence: EvidenceFolder) -> None:
    evidence.keep("issuer-1", b"good")
    evidence.keep("issuer-1", b"revoked")
    assert evidence.read(hashlib.sha256(b"good").hexdigest()) == b"good"


def test_older_answer_is_not_taken_in_place_of_a_newer_one(evidence: EvidenceFolder) -> None:
    assert evidence.keep("crl-1", b"revoked", edition="2026-11-21") is Taken.NEW
    epoch = evidence.epoch
    for edition in ("2026-11-20", ""):
        assert evidence.keep("crl-1", b"good", edition=edition) is Taken.OLDER
    assert (evidence.get("crl-1"), evidence.epoch) == (b"revoked", epoch)
    assert evidence.keep("crl-1", b"newer", edition="2026-11-22") is Taken.NEW
    assert evidence.get("crl-1") == b"newer"


def test_of_two_writers_the_one_with_the_newer_answer_wins(evidence: EvidenceFolder, tmp_path: Path) -> None:
    others = [EvidenceFolder(tmp_path / "evidence") for _ in range(8)]
    editions = [f"{number:02}" for number in range(64)]
    with ThreadPoolExecutor(len(others)) as threads:
        for number, edition in enumerate(reversed(editions)):
            writer = others[number % len(others)]
            threads.submit(writer.keep, "crl-1", edition.encode(), edition=edition)
    assert evidence.get("crl-1") == b"63"


@pytest.mark.parametrize("key", ["crl-1", "ocsp-1"])
def test_answer_of_which_nobody_knows_how_old_it_is_counts_as_not_there(
    evidence: EvidenceFolder, tmp_path: Path, key: str
) -> None:
    (sha256,) = evidence.keep_objects([b"good"])
    evidence.keep(key, b"other", edition="2026-11-22")
    (name,) = (tmp_path / "evidence" / "names").iterdir()
    name.write_text(sha256)
    assert KeptEvidence(tmp_path / "evidence").get(key) is None
    assert evidence.keep(key, b"revoked", edition="2026-11-21") is Taken.NEW
    assert evidence.get(key) == b"revoked"


def test_certificates_are_told_apart_from_what_has_editions(evidence: EvidenceFolder) -> None:
    evidence.keep("issuer-1", b"an authority")
    evidence.keep("crl-1", b"a list", edition="2026-11-21")
    assert list(evidence.without_edition()) == [b"an authority"]


def test_same_answer_is_known_however_sure_anybody_is_of_it(evidence: EvidenceFolder) -> None:
    evidence.keep("crl-1", b"good", edition="2026-11-21")
    assert evidence.keep("crl-1", b"good", edition="- 2026-11-21") is Taken.KNOWN


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\xfe\x00", bytes(64), b"../../x", b"objects", b"A" * 64, b"0" * 64, b"\n"]
)
def test_damaged_name_counts_as_not_there(evidence: EvidenceFolder, tmp_path: Path, damage: bytes) -> None:
    evidence.keep("crl-1", b"good", edition="2026-11-21")
    (name,) = (tmp_path / "evidence" / "names").iterdir()
    name.write_bytes(damage)
    assert KeptEvidence(tmp_path / "evidence").get("crl-1") is None
    assert evidence.keep("crl-1", b"good", edition="2026-11-21") is Taken.NEW
    assert evidence.get("crl-1") == b"good"


@pytest.mark.parametrize("size", [4, 300_000])
def test_damaged_object_counts_as_not_there_and_is_put_right(
    evidence: EvidenceFolder, tmp_path: Path, size: int
) -> None:
    content = b"good" * (size // 4)
    evidence.keep("crl-1", content, edition="2026-11-21")
    (kept,) = (path for path in (tmp_path / "evidence" / "objects").rglob("*") if path.is_file())
    kept.write_bytes(content[:-1])
    assert KeptEvidence(tmp_path / "evidence").get("crl-1") is None
    assert not evidence.has(kept.name)
    assert evidence.keep("crl-1", b"older", edition="2026-11-20") is Taken.OLDER
    epoch = evidence.epoch
    assert evidence.keep("crl-1", content, edition="2026-11-21") is Taken.NEW
    assert kept.read_bytes() == content
    assert evidence.epoch != epoch


def test_damaged_epoch_is_another_one(evidence: EvidenceFolder, tmp_path: Path) -> None:
    evidence.keep("issuer-1", b"good")
    epoch = evidence.epoch
    (tmp_path / "evidence" / "epoch").write_bytes(b"\xff\xfe\x00")
    assert evidence.epoch != epoch


def test_store_that_cannot_be_read_is_no_empty_store(evidence: EvidenceFolder, tmp_path: Path) -> None:
    evidence.keep("issuer-1", b"good")
    (name,) = (tmp_path / "evidence" / "names").iterdir()
    name.unlink()
    name.mkdir()
    with pytest.raises(OSError, match="directory"):
        evidence.get("issuer-1")


def test_epoch_changes_with_an_answer_and_only_then(evidence: EvidenceFolder) -> None:
    seen = [evidence.epoch]
    assert evidence.keep("issuer-1", b"good") is Taken.NEW
    seen.append(evidence.epoch)
    assert evidence.keep("issuer-1", b"good") is Taken.KNOWN
    evidence.keep_objects([b"a certificate"])
    assert evidence.epoch == seen[-1]
    evidence.keep("issuer-1", b"revoked")
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
    evidence.keep("issuer-1", bytes(300_000))
    assert evidence.get("issuer-1") is evidence.get("issuer-1")


def test_no_more_lists_are_held_than_there_is_room_for(evidence: EvidenceFolder) -> None:
    for number in range(3):
        evidence.keep(f"issuer-{number}", bytes([number]) * 12_000_000)
    first = evidence.get("issuer-0")
    for number in (1, 2):
        evidence.get(f"issuer-{number}")
    assert evidence.get("issuer-0") is not first


def test_full_disk_leaves_the_answer_before_in_place(
    evidence: EvidenceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence.keep("issuer-1", b"good")
    epoch = evidence.epoch

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            evidence.keep("issuer-1", b"revoked")
    assert (evidence.get("issuer-1"), evidence.epoch) == (b"good", epoch)


def test_what_a_crash_left_half_written_goes(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    open_evidence(folder, now=NOW)
    old, fresh = folder / "tmp" / "old", folder / "tmp" / "fresh"
    for path, age in ((old, timedelta(hours=2)), (fresh, timedelta(minutes=1))):
        path.write_bytes(b"half")
        os.utime(path, times=((NOW - age).timestamp(),) * 2)
    open_evidence(folder, now=NOW)
    assert (old.exists(), fresh.exists()) == (False, True)
