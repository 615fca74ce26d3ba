"""Secrets at rest: only with the key, and only for their owner."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from adapters.secrets import SecretBox
from gateway.domain.errors import DependencyUnavailable


def box_in(folder: Path) -> SecretBox:
    box = SecretBox(folder / "keys" / "vxp-key")
    box.create_key()
    return box


def test_sealed_secret_comes_back(tmp_path: Path) -> None:
    box = box_in(tmp_path)
    sealed = box.seal("s3cret-for-test", owner="H26.test")
    assert box.open(sealed, owner="H26.test") == "s3cret-for-test"
    assert b"s3cret" not in sealed


def test_same_secret_is_sealed_otherwise_each_time(tmp_path: Path) -> None:
    box = box_in(tmp_path)
    assert box.seal("a", owner="b") != box.seal("a", owner="b")


def test_key_is_readable_by_its_owner_alone_and_made_once(tmp_path: Path) -> None:
    box = box_in(tmp_path)
    sealed = box.seal("a", owner="b")
    path = tmp_path / "keys" / "vxp-key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    box.create_key()
    assert SecretBox(path).open(sealed, owner="b") == "a"
    assert [each.name for each in path.parent.iterdir()] == ["vxp-key"]


@pytest.mark.parametrize("owner", ["H26.other", "", "h26.test"])
def test_secret_of_one_owner_is_not_that_of_another(tmp_path: Path, owner: str) -> None:
    box = box_in(tmp_path)
    with pytest.raises(DependencyUnavailable):
        box.open(box.seal("a", owner="H26.test"), owner=owner)


def test_changed_or_truncated_secret_is_not_opened(tmp_path: Path) -> None:
    box = box_in(tmp_path)
    sealed = box.seal("a", owner="b")
    for changed in (b"", sealed[:8], sealed[:-1], sealed + b"x", sealed[:-1] + bytes([sealed[-1] ^ 1])):
        with pytest.raises(DependencyUnavailable):
            box.open(changed, owner="b")


def test_missing_or_unusable_key_is_an_outage(tmp_path: Path) -> None:
    box = SecretBox(tmp_path / "nothing")
    with pytest.raises(DependencyUnavailable):
        box.seal("a", owner="b")
    (tmp_path / "nothing").write_bytes(b"short")
    with pytest.raises(DependencyUnavailable):
        box.open(b"x" * 40, owner="b")
