"""Whatever comes, the reader answers with a `Read`; what it accepts, another reads alike: row B19."""

from __future__ import annotations

from pathlib import Path

from tests.support.edxml_fuzz import fuzz


def test_b19_changed_packets_are_refused_or_understood_alike(tmp_path: Path) -> None:
    accepted, refused = fuzz(2_500, 1, tmp_path)
    # Else the changes would be too wild to reach what matters, or too tame.
    assert accepted > 300
    assert refused > 1_000
