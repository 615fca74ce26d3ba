"""`lienthong systems …`: connecting centres, their secrets, and which agencies are behind each."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.ledger import Registration
from gateway.domain.model import System, SystemId
from ops.cli import main
from ops.settings import load
from ops.systems import COMMANDS
from tests.support.desks import desk_of
from tests.support.vxp_client import JavaClient
from tests.support.vxp_world import TwoCentres, centres

__all__ = ["centres"]

Lienthong = Callable[..., Any]


@pytest.fixture
def lienthong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Lienthong:
    """Run commands on a site with two agencies; they return what they print, or their exit code."""
    monkeypatch.setenv("LIENTHONG_DATA_DIR", str(tmp_path / "site"))

    def run(*words: str | Path) -> Any:
        monkeypatch.setattr(sys, "argv", ["lienthong", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        if ended.value.code:
            return ended.value.code
        return json.loads(shown.out) if "--json" in words else shown.out

    directory = tmp_path / "agencies.csv"
    directory.write_text("code,name,level\nH26,Ủy ban,1\nH26.01,Sở Nội vụ,2\n")
    assert "secret" in run("init")
    run("agencies", "import", directory)
    return run


# --- on the command line -------------------------------------------------------------------------


def test_created_centre_shows_its_secret_once(lienthong: Lienthong, tmp_path: Path) -> None:
    made = lienthong(
        "systems",
        "create",
        "H26.test",
        "--name",
        "Thành phố",
        "--agencies",
        "H26,H26.01",
        "--register-under",
        "H26",
        "--json",
    )
    assert (made["system_id"], made["name"], made["register_under"]) == ("H26.test", "Thành phố", "H26")
    assert made["agencies"] == ["H26", "H26.01"]
    assert len(made["secret"]) >= 43
    listed = lienthong("systems", "list", "--json")
    assert [each["system_id"] for each in listed["systems"]] == ["H26.test"]
    assert "secret" not in listed["systems"][0]
    record = (tmp_path / "site" / "lienthong.db").read_bytes()
    assert made["secret"].encode() not in record


def test_key_of_the_secrets_is_made_with_the_first_centre(lienthong: Lienthong, tmp_path: Path) -> None:
    settings = load(None, {"LIENTHONG_DATA_DIR": str(tmp_path / "site")})
    assert not settings.vxp_key_path.exists()
    lienthong("systems", "create", "H26.test", "--json")
    assert stat.S_IMODE(settings.vxp_key_path.stat().st_mode) == 0o600
    key = settings.vxp_key_path.read_bytes()
    lienthong("systems", "create", "H26.other", "--json")
    assert settings.vxp_key_path.read_bytes() == key


def test_agencies_are_put_behind_a_centre_and_taken_away(lienthong: Lienthong) -> None:
    lienthong("systems", "create", "H26.test", "--agencies", "H26", "--json")
    added = lienthong("systems", "agencies", "H26.test", "--add", "H26.01", "--json")
    assert added["agencies"] == ["H26", "H26.01"]
    removed = lienthong("systems", "agencies", "H26.test", "--remove", "H26", "--json")
    assert removed["agencies"] == ["H26.01"]
    assert lienthong("systems", "agencies", "H26.test") == "H26.01\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("create", "H26.test"), 1),  # taken
        (("create", "H26/other"), 1),
        (("create", "H26.other", "--agencies", "H26.nobody"), 1),
        (("create", "H26.other", "--agencies", "H26"), 1),  # behind the first
        (("rotate", "H26.nobody"), 1),
        (("revoke", "H26.nobody"), 1),
        (("agencies", "H26.nobody"), 1),
        (("agencies", "H26.test", "--add", "H26.nobody"), 1),
        (("agencies", "H26.test", "--remove", "H26.01"), 1),
        (("create",), 64),
        (("melt", "H26.test"), 64),
    ],
)
def test_command_that_cannot_be_done_changes_nothing(
    lienthong: Lienthong, words: tuple[str, ...], code: int
) -> None:
    lienthong("systems", "create", "H26.test", "--agencies", "H26", "--json")
    before = lienthong("systems", "list", "--json")
    assert lienthong("systems", *words) == code
    assert lienthong("systems", "list", "--json") == before


def test_rotation_gives_another_secret_and_says_how_long_the_old_one_works(lienthong: Lienthong) -> None:
    made = lienthong("systems", "create", "H26.test", "--json")
    rotated = lienthong("systems", "rotate", "H26.test", "--json")
    assert rotated["secret"] != made["secret"]
    assert rotated["old_secret_until"]
    assert "shown this once" in lienthong("systems", "rotate", "H26.test")


def test_revoked_centre_is_not_rotated(lienthong: Lienthong) -> None:
    lienthong("systems", "create", "H26.test", "--json")
    assert lienthong("systems", "revoke", "H26.test") == "revoked H26.test\n"
    assert lienthong("systems", "rotate", "H26.test") == 1
    assert "revoked" in lienthong("systems", "list")


# --- while centres register agencies ---------------------------------------------------------------


@pytest.mark.parametrize("command", ["rotate", "revoke", "agencies"])
async def test_agency_registered_while_a_command_runs_stays_behind_its_centre(
    centres: TwoCentres, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """A centre may register an agency between the command's reading of it and its writing."""
    world = centres.api.world
    systems, id_ = world.exchange.systems, SystemId("H26.test")
    find, new = systems.find, Registration("H26.01.05", "Phòng mới")

    async def found_before(system: SystemId) -> System | None:
        found = await find(system)
        await systems.register(id_, new, now=world.clock(), most=9)
        return found

    monkeypatch.setattr(systems, "find", found_before)
    await on(centres, command, id=id_, add=["H26.50"])
    monkeypatch.undo()
    found = await find(id_)
    assert found is not None
    assert new.code in found.agencies


# --- with a running server -----------------------------------------------------------------------


async def on(centres: TwoCentres, name: str, **arguments: Any) -> Any:
    return await COMMANDS[f"systems {name}"](desk_of(centres.api.world), arguments)


async def test_created_centre_can_call_at_once(centres: TwoCentres) -> None:
    made = await on(centres, "create", id="H27.new", agencies=["H26.50"])
    client = centres.client("H27.new", made["secret"])
    assert (await client.agencies()).is_ok
    assert (await client.received()).is_ok


async def test_rotated_centre_calls_with_both_secrets_for_a_week(centres: TwoCentres) -> None:
    rotated = await on(centres, "rotate", id="H26.test")
    renewed = centres.client("H26.test", rotated["secret"])
    centres.api.world.clock += timedelta(seconds=6)
    assert (await renewed.agencies()).is_ok
    assert (await centres.first.agencies()).is_ok
    centres.api.world.clock += timedelta(days=7)
    assert (await renewed.agencies()).is_ok
    assert (await refusal_of(centres.first)) == "15"


async def refusal_of(client: JavaClient) -> str:
    return (await client.agencies()).refusal[0]


async def test_revoked_centre_calls_no_more(centres: TwoCentres) -> None:
    await on(centres, "revoke", id="H26.test")
    centres.api.world.clock += timedelta(seconds=6)
    assert (await refusal_of(centres.first)) == "15"
