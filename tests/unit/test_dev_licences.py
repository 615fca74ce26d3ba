from __future__ import annotations

from pathlib import Path

import pytest

from ops.dev.licences import is_allowed, licence_of, packages_in


@pytest.mark.parametrize("licence", ["MIT", "Apache-2.0 AND MIT", "GPL-3.0-only OR BSD-3-Clause"])
def test_licence_met_by_allowed_ones_is_allowed(licence: str) -> None:
    assert is_allowed(licence)


@pytest.mark.parametrize("licence", ["", "AGPL-3.0-only", "MIT AND GPL-2.0-only"])
def test_licence_that_asks_for_more_is_not_allowed(licence: str) -> None:
    assert not is_allowed(licence)


def test_every_run_time_package_is_allowed() -> None:
    packages = packages_in(Path(__file__).resolve().parents[2] / "requirements.lock")
    assert len(packages) > 10
    assert [package for package in packages if not is_allowed(licence_of(package))] == []
