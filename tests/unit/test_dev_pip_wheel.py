from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ops.dev import pip_wheel
from ops.dev.steps import CannotBeDone

WHEEL = b"a wheel of pip"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index in a folder, the only thing configured, on a machine without apt."""
    page = tmp_path / "simple" / "pip"
    page.mkdir(parents=True)
    (tmp_path / "into").mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nindex-url = {page.parent.as_uri()}\nextra-index-url =\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    return page


def offer(page: Path, *links: str) -> None:
    for link in links:
        name = link.split('"')[0].split("#")[0]
        (page / name).write_bytes(WHEEL)
    (page / "index.html").write_text("".join(f'<a href="{link}">one</a>' for link in links))


def sha256(content: bytes) -> str:
    return f"#sha256={hashlib.sha256(content).hexdigest()}"


def test_newest_wheel_of_the_configured_index_is_fetched(index: Path, tmp_path: Path) -> None:
    names = ["pip-9.0-py3-none-any.whl", "pip-25.1-py3-none-any.whl", "pip-26.0b1-py3-none-any.whl"]
    offer(index, *(name + sha256(WHEEL) for name in names), "pip-27.0.tar.gz")
    wheel = pip_wheel.pip_wheel(tmp_path / "into")
    assert wheel.name == "pip-25.1-py3-none-any.whl"
    assert wheel.read_bytes() == WHEEL


def test_withdrawn_wheel_is_left_alone(index: Path, tmp_path: Path) -> None:
    good = "pip-25.1-py3-none-any.whl" + sha256(WHEEL)
    offer(index, good, "pip-25.2-py3-none-any.whl" + sha256(WHEEL) + '" data-yanked="broken')
    assert pip_wheel.pip_wheel(tmp_path / "into").name == "pip-25.1-py3-none-any.whl"


@pytest.mark.parametrize("fragment", ["", sha256(b"another wheel")])
def test_wheel_without_its_right_hash_is_refused(index: Path, tmp_path: Path, fragment: str) -> None:
    offer(index, "pip-25.1-py3-none-any.whl" + fragment)
    with pytest.raises(CannotBeDone, match="PIP_INDEX_URL"):
        pip_wheel.pip_wheel(tmp_path / "into")


def test_without_apt_and_index_it_says_what_to_do(index: Path, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url =\nextra-index-url =\n")
    with pytest.raises(CannotBeDone, match="python3-venv"):
        pip_wheel.pip_wheel(tmp_path / "into")
