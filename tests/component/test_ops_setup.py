"""Setting a site up, and commands on it: by taking its lock, or through the server that holds it."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientSession, UnixConnector

from adapters.db.engine import open_database
from adapters.db.ledger import open_ledger
from adapters.secrets import SecretBox
from gateway.domain.errors import NotFound, StoreUnavailable
from gateway.domain.ledger import ParkedFilter
from gateway.domain.ledger_ports import Deliveries
from gateway.domain.model import Delivery
from ops.control import SOCKET, FolderTaken, RemoteRefusal, answering, ask_running_server, owning
from ops.desk import Desk, Json
from ops.parts import now
from ops.settings import NotInitialised, Settings, load
from ops.setup import NoBroker, command, initialise


class AwayDeliveries:
    """Deliveries in a record that does not answer."""

    async def parked(self, which: ParkedFilter, *, limit: int) -> list[Delivery]:
        """Fail."""
        raise StoreUnavailable


AWAY = cast(Deliveries, AwayDeliveries())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(None, {"LIENTHONG_DATA_DIR": str(tmp_path / "site")})


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def content(path: Path) -> bytes:
    return path.read_bytes()


@asynccontextmanager
async def server(settings: Settings) -> AsyncIterator[Desk]:
    """Own the site's folder and answer on its socket, as `lienthong run` does."""
    with owning(settings.data):
        async with open_ledger(settings.record_url) as ledger:
            desk = Desk(
                clock=now,
                directory=ledger.directory,
                clients=ledger.clients,
                deliveries=ledger.deliveries,
                broker=NoBroker(),
                systems=ledger.systems,
                box=SecretBox(settings.vxp_key_path),
                dossiers=ledger.dossiers,
                reports=ledger.reports,
            )
            async with answering(settings.data, desk):
                yield desk


async def bring(settings: Settings, folder: Path, code: str) -> Json:
    file = folder / "agencies.csv"
    file.write_text(f"code,name,level\n{code},Sở {code},2\n")
    return await command(settings, "agencies import", {"file": str(file)})


# --- init --------------------------------------------------------------------------------------------


async def test_init_makes_everything_with_careful_modes(settings: Settings) -> None:
    outcome = await initialise(settings)
    key = Path(outcome["receipt_key"])
    assert (mode(settings.data), mode(key)) == (0o700, 0o600)
    assert b"PRIVATE KEY" in content(key)
    assert b"PRIVATE" not in content(Path(outcome["receipt_certificate"]))
    assert list(settings.trust_dir.iterdir()) == []
    assert outcome["administrator"]["client_secret"]


async def test_second_init_changes_nothing_and_makes_no_second_administrator(settings: Settings) -> None:
    first = await initialise(settings)
    key = settings.receipt_key_path.read_bytes()
    second = await initialise(settings)
    assert second == {name: value for name, value in first.items() if name != "administrator"}
    assert settings.receipt_key_path.read_bytes() == key
    assert await count(settings, "clients") == 1


async def count(settings: Settings, table: str) -> int:
    async with open_database(settings.record_url) as database, database.read() as connection:
        rows = await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")
        return int(rows.scalar_one())


async def test_init_that_was_cut_short_is_finished_by_the_next(settings: Settings) -> None:
    settings.data.mkdir(mode=0o700)
    settings.receipt_key_path.with_suffix(".new").write_text("half a key")
    outcome = await initialise(settings)
    assert "administrator" in outcome
    assert b"PRIVATE KEY" in settings.receipt_key_path.read_bytes()


async def test_administrator_is_not_made_before_the_key_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environ = {
        "LIENTHONG_DATA_DIR": str(tmp_path / "site"),
        "LIENTHONG_RECEIPTS__KEY_PATH": str(tmp_path / "file" / "key.pem"),
    }
    settings = load(None, environ)
    with pytest.raises(OSError):
        await initialise(settings)
    assert await count(settings, "clients") == 0


async def test_key_may_live_in_a_folder_of_its_own(tmp_path: Path) -> None:
    environ = {
        "LIENTHONG_DATA_DIR": str(tmp_path / "site"),
        "LIENTHONG_RECEIPTS__KEY_PATH": str(tmp_path / "keys" / "receipts.pem"),
    }
    await initialise(load(None, environ))
    assert mode(tmp_path / "keys" / "receipts.pem") == 0o600


async def test_init_does_not_touch_a_running_site(settings: Settings) -> None:
    await initialise(settings)
    with owning(settings.data), pytest.raises(FolderTaken):
        await initialise(settings)


# --- commands ----------------------------------------------------------------------------------------


async def test_command_without_a_server_takes_the_lock(settings: Settings, tmp_path: Path) -> None:
    await initialise(settings)
    assert (await bring(settings, tmp_path, "A"))["created"] == ["A"]
    assert (await bring(settings, tmp_path, "A"))["unchanged"] == 1


async def test_command_goes_to_the_server_that_holds_the_lock(settings: Settings, tmp_path: Path) -> None:
    await initialise(settings)
    async with server(settings) as desk:
        assert (await bring(settings, tmp_path, "A"))["created"] == ["A"]
        made = await command(settings, "clients create", {"agencies": ["A"]})
        assert len(await desk.clients.of_agency(made["clients"][0]["agency"])) == 1


async def test_refusal_of_the_server_comes_through_as_it_was(settings: Settings) -> None:
    await initialise(settings)
    async with server(settings):
        with pytest.raises(RemoteRefusal) as caught:
            await command(settings, "clients create", {"agencies": ["H99"]})
    with pytest.raises(NotFound) as here:
        await command(settings, "clients create", {"agencies": ["H99"]})
    refusal = caught.value
    assert (refusal.code, refusal.status) == (here.value.code, here.value.status)
    assert (refusal.detail, refusal.reasons) == (here.value.detail, list(here.value.reasons))


async def test_server_whose_record_is_away_passes_no_judgement(settings: Settings) -> None:
    await initialise(settings)
    async with server(settings) as desk, answering(settings.data, replace(desk, deliveries=AWAY)):
        with pytest.raises(RemoteRefusal) as caught:
            await command(settings, "redrive", {})
    assert caught.value.status == StoreUnavailable.status


async def test_control_socket_is_for_its_owner_alone_and_goes_with_the_server(settings: Settings) -> None:
    await initialise(settings)
    async with server(settings):
        assert mode(settings.data / SOCKET) == 0o600
    assert not (settings.data / SOCKET).exists()


async def test_socket_left_by_a_killed_server_is_in_nobodys_way(settings: Settings, tmp_path: Path) -> None:
    await initialise(settings)
    (settings.data / SOCKET).touch()
    assert (await bring(settings, tmp_path, "A"))["created"] == ["A"]
    async with server(settings):
        assert (await bring(settings, tmp_path, "A"))["unchanged"] == 1


async def test_owner_that_does_not_answer_is_said_so(settings: Settings) -> None:
    await initialise(settings)
    with owning(settings.data), pytest.raises(FolderTaken, match="does not answer"):
        await command(settings, "redrive", {})


async def test_unknown_command_is_refused_here_and_by_the_server(settings: Settings) -> None:
    await initialise(settings)
    with pytest.raises(NotFound):
        await command(settings, "agencies burn", {})
    async with server(settings):
        with pytest.raises(RemoteRefusal, match="agencies burn"):
            await ask_running_server(settings.data, "agencies burn", {})


async def test_socket_takes_nothing_but_commands(settings: Settings) -> None:
    await initialise(settings)
    connector = UnixConnector(str(settings.data / SOCKET))
    async with server(settings), ClientSession(connector=connector) as session:
        async with session.get("http://control/redrive") as answer:
            assert answer.status == 405
        async with session.post("http://control/redrive", data=b"not JSON") as answer:
            assert answer.status >= 400


async def test_command_on_a_site_that_was_never_set_up_says_so(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NotInitialised):
        await bring(settings, tmp_path, "A")
    assert not settings.data.exists()


async def test_command_on_tables_of_another_version_says_so(settings: Settings, tmp_path: Path) -> None:
    await initialise(settings)
    async with open_database(settings.record_url) as database, database.write() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NotInitialised, match="9999"):
        await bring(settings, tmp_path, "A")


async def test_record_that_is_away_is_no_judgement(settings: Settings) -> None:
    away: dict[str, Any] = {
        "LIENTHONG_DATA_DIR": settings.data_dir,
        "LIENTHONG_DATABASE_URL": "postgresql://lt:s3cret@127.0.0.1:1/lt",
    }
    with pytest.raises(StoreUnavailable) as caught:
        await command(load(None, away), "redrive", {})
    assert "s3cret" not in str(caught.value)
