from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from ops.dev.city import FULL_SIZE, city, write_csv
from ops.directory_file import read_directory


def test_full_city_has_three_levels_and_no_code_twice() -> None:
    rows = city()
    codes = [row.code for row in rows] + [row.qcvn102 for row in rows]
    assert Counter(row.level for row in rows) == {1: 1, 2: 147, 3: 485}
    assert len(rows) == FULL_SIZE == 633
    assert len(set(codes)) == len(codes)


def test_codes_have_the_forms_of_the_regulations() -> None:
    rows = city(2_000)
    assert all(re.fullmatch(r"[A-Z]\d{2}(\.[0-9A-Z]{2,3})*", row.qd20) for row in rows)
    assert all(re.fullmatch(r"\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2}", row.qcvn102) for row in rows)


@pytest.mark.parametrize("count", [1, 3, 12, FULL_SIZE, 2_000])
def test_parents_come_before_their_units(count: int) -> None:
    rows = city(count)
    seen = {""}
    for row in rows:
        assert row.parent in seen
        seen.add(row.code)


def test_same_city_every_time() -> None:
    assert city(100) == city(100) == city(200)[:100]


@pytest.mark.parametrize("count", [-1, 0, 1_000_000])
def test_a_size_no_city_has_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="agencies"):
        city(count)


def test_the_importer_reads_every_row(tmp_path: Path) -> None:
    write_csv(city(), tmp_path / "agencies.csv")
    directory = read_directory(tmp_path / "agencies.csv")
    assert directory.bad == []
    assert len(directory.agencies) == FULL_SIZE
