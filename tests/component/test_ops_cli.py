"""`lienthong`: what it prints and its exit codes: 0 good, 1 not good, 2 could not judge, 64 wrong usage."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops import __version__
from ops.cli import main
from ops.control import owning

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """How a run of the command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return what was printed with --json."""
        return json.loads(self.out)


Lienthong = Callable[..., Outcome]


@pytest.fixture
def lienthong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Lienthong:
    """Run the command line on a site in the test's own folder."""
    monkeypatch.setenv("LIENTHONG_DATA_DIR", str(tmp_path / "site"))

    def run(*words: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["lienthong", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        code = ended.value.code
        return Outcome(code if isinstance(code, int) else 0, shown.out, shown.err)

    return run


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    file = tmp_path / "agencies.csv"
    file.write_text("code,name,level\nH26,Ủy ban,1\nH26.01,Sở Nội vụ,2\n")
    return file


# --- wrong usage: 64 ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("fly",),
        ("run", "--fast"),
        ("clients", "create"),
        ("clients", "rotate"),
        ("agencies", "import"),
        ("agencies", "import", "no-such-file.csv"),
        ("redrive", "--after", "yesterday"),
        ("redrive", "--before", "2026-11-21T08:00:00"),
        ("redrive", "--waiting"),
    ],
)
def test_wrong_usage_ends_with_64_and_says_why(lienthong: Lienthong, words: tuple[str, ...]) -> None:
    outcome = lienthong(*words)
    assert (outcome.code, outcome.out) == (64, "")
    assert "Usage:" in outcome.err


def test_help_and_version_are_good(lienthong: Lienthong) -> None:
    assert "Exchange gateway" in lienthong("--help").out
    assert lienthong("--version") == Outcome(0, f"{__version__}\n", "")


def test_version_is_the_one_of_the_project() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__


# --- could not judge, bad settings: 2 ------------------------------------------------------------------


def test_unreadable_settings_end_with_2(lienthong: Lienthong, tmp_path: Path) -> None:
    missing = lienthong("--config", tmp_path / "none.toml", "config", "check")
    (tmp_path / "bad.toml").write_text("[http")
    broken = lienthong("--config", tmp_path / "bad.toml", "run")
    assert (missing.code, broken.code) == (2, 2)
    assert "none.toml" in missing.err
    assert "bad.toml" in broken.err


def test_wrong_settings_end_with_2_and_are_all_named(
    lienthong: Lienthong, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIENTHONG_HTTP__PRT", "1")
    monkeypatch.setenv("LIENTHONG_COLOUR", "red")
    outcome = lienthong("config", "check")
    assert outcome.code == 2
    assert "LIENTHONG_HTTP__PRT" in outcome.err
    assert "LIENTHONG_COLOUR" in outcome.err


@pytest.mark.parametrize(
    "words", [("run",), ("serve",), ("worker",), ("redrive",), ("clients", "create", "A")]
)
def test_site_that_was_never_set_up_ends_with_2_and_says_what_to_do(
    lienthong: Lienthong, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("LIENTHONG_BROKER_URL", "amqp://127.0.0.1:1/")
    outcome = lienthong(*words)
    assert outcome.code == 2
    assert "run `lienthong init` first" in outcome.err


def test_folder_somebody_else_works_on_ends_with_2(lienthong: Lienthong, tmp_path: Path) -> None:
    lienthong("init")
    with owning(tmp_path / "site"):
        assert lienthong("init").code == 2
        assert lienthong("redrive").code == 2
        assert lienthong("run").code == 2


def test_record_that_is_away_ends_with_2(lienthong: Lienthong, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIENTHONG_DATABASE_URL", "postgresql://lt:s3cret@127.0.0.1:1/lt")
    outcomes = [lienthong("init"), lienthong("redrive")]
    assert [outcome.code for outcome in outcomes] == [2, 2]
    assert "s3cret" not in outcomes[0].err + outcomes[1].err


# --- good and not good: 0 and 1 ------------------------------------------------------------------------


def test_init_shows_the_administrator_once(lienthong: Lienthong) -> None:
    first, second = lienthong("init"), lienthong("init")
    assert (first.code, second.code) == (0, 0)
    assert "shown this once" in first.out
    assert "exists already" in second.out


def test_import_ends_with_0_and_with_1_when_a_row_is_bad(lienthong: Lienthong, directory: Path) -> None:
    lienthong("init")
    good = lienthong("agencies", "import", directory)
    directory.write_text(directory.read_text() + "H 99,Sở,2\n")
    bad = lienthong("agencies", "import", directory)
    assert (good.code, good.out) == (0, "created 2, changed 0, unchanged 0\n")
    assert bad.code == 1
    assert bad.out.splitlines()[1].startswith("line 4: code:")
    shown = lienthong("agencies", "import", directory, "--json")
    assert (shown.code, shown.json["unchanged"], shown.json["bad"][0]["line"]) == (1, 2, 4)


def test_credentials_are_made_rotated_and_revoked(lienthong: Lienthong, directory: Path) -> None:
    lienthong("init")
    lienthong("agencies", "import", directory)
    made = lienthong("clients", "create", "H26", "--json")
    rotated = lienthong("clients", "rotate", "H26")
    revoked = lienthong("clients", "revoke", "H26")
    again = lienthong("clients", "revoke", "H26")
    client = made.json["clients"][0]["client_id"]
    assert [each.code for each in (made, rotated, revoked, again)] == [0, 0, 0, 1]
    assert rotated.out.startswith(f"H26\t{client}\t")
    assert revoked.out == f"revoked {client}\n"
    assert "H26" in again.err


def test_refused_command_ends_with_1_and_says_why(lienthong: Lienthong) -> None:
    lienthong("init")
    outcome = lienthong("clients", "create", "H98", "H99")
    assert (outcome.code, outcome.out) == (1, "")
    assert "H98, H99" in outcome.err


def test_another_administrator_can_be_made(lienthong: Lienthong) -> None:
    first = lienthong("init", "--json").json["administrator"]["client_id"]
    outcome = lienthong("administrators", "create", "--json")
    assert outcome.code == 0
    assert outcome.json["client_id"] != first
    assert lienthong("administrators", "create").out.count("\t") == 1


def test_redrive_with_nothing_parked_is_good(lienthong: Lienthong) -> None:
    lienthong("init")
    assert lienthong("redrive", "--after", "2026-11-21T08:00:00+07:00").out == "0 queued\n"
    assert lienthong("redrive", "--dry-run").out == "0 would be queued\n"


def test_settings_are_shown_without_secrets(lienthong: Lienthong, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIENTHONG_BROKER_URL", "amqp://lt:s3cret@mq/")
    lines, shown = lienthong("config", "check"), lienthong("config", "check", "--json")
    assert (lines.code, shown.code) == (0, 0)
    assert "broker_url = 'amqp://lt:***@mq/'" in lines.out.splitlines()
    assert "http.port = 8080" in lines.out.splitlines()
    assert shown.json["broker_url"] == "amqp://lt:***@mq/"
