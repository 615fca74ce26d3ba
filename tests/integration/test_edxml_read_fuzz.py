"""Row B19 at length: a million changed packets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.edxml_fuzz import fuzz


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 52))
def test_b19_many_changed_packets_are_refused_or_understood_alike(seed: int, tmp_path: Path) -> None:
    fuzz(20_000, seed, tmp_path)
