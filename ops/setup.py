"""Setting a site up, and running commands on it from the command line."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from adapters.db.ledger import Ledger, open_ledger
from adapters.db.migrate import upgrade
from adapters.secrets import SecretBox
from gateway.domain.errors import NotFound
from gateway.domain.model import Channel, Handover, Lane
from ops.commands import COMMANDS, create_administrator
from ops.control import FolderTaken, ask_running_server, owning
from ops.desk import Ask, Desk, Json
from ops.parts import check_initialised, check_tables, now
from ops.settings import Settings
from signing.keys import create_receipt_key


class NoBroker:
    """The `Broker` of a command: announces nothing, the sweeper of the running site finds the rows."""

    def announce(self, handovers: Sequence[Handover]) -> None:
        """Announce nothing."""

    async def waiting(self) -> dict[tuple[Lane, Channel], int]:
        """Know of no queue."""
        return {}


async def initialise(settings: Settings) -> Json:
    """Make or bring up to date what a site needs; harmless on one that is complete.

    The first time it also makes the receipt key and the first administrator, whose secret is in the
    outcome and nowhere else.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.trust_dir.mkdir(parents=True, exist_ok=True)
    certificate = settings.receipt_key_path.with_suffix(".crt")
    outcome: Json = {
        "data_dir": str(settings.data),
        "receipt_key": str(settings.receipt_key_path),
        "receipt_certificate": str(certificate),
        "trust_dir": str(settings.trust_dir),
    }
    with owning(settings.data):
        await upgrade(settings.record_url)
        if settings.receipt_key_path.exists():
            return outcome
        # Before the administrator, whose secret must not be lost because a folder cannot be written.
        draft = _write_receipt_key(settings.receipt_key_path, certificate)
        async with open_ledger(settings.record_url) as ledger:
            outcome["administrator"] = await create_administrator(_desk(settings, ledger), {})
        # Last: its being there says that everything else is.
        draft.rename(settings.receipt_key_path)
    return outcome


def _write_receipt_key(key_path: Path, certificate_path: Path) -> Path:
    """Write a fresh key and its certificate; return where the key waits for its final name."""
    key = create_receipt_key(now=now())
    key_path.parent.mkdir(parents=True, exist_ok=True)
    certificate_path.write_bytes(key.certificate_pem)
    draft = key_path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(key.private_pem)
        file.flush()
        os.fsync(descriptor)
    return draft


async def command(settings: Settings, name: str, arguments: Json) -> Json:
    """Run a command on the site: here, or in the process that owns the data folder (embedded size).

    Raises:
        NotFound: There is no such command.
        RemoteRefusal, ExchangeError: It was refused.
        FolderTaken: The owner of the data folder does not answer.
        NotInitialised: `lienthong init` has not been run, or not by this version.
    """
    async with commanding(settings) as ask:
        return await ask(name, arguments)


@asynccontextmanager
async def commanding(settings: Settings) -> AsyncIterator[Ask]:
    """Lend a way to run commands, for those that are several in a row; each as `command` does.

    Raises:
        NotInitialised: `lienthong init` has not been run, or not by this version.
    """
    async with AsyncExitStack() as opened:
        if settings.is_embedded:
            check_initialised(settings)
            try:
                opened.enter_context(owning(settings.data))
            except FolderTaken:
                yield partial(_there, settings.data)
                return
        ledger = await opened.enter_async_context(open_ledger(settings.record_url))
        await check_tables(ledger)
        yield partial(_here, _desk(settings, ledger))


async def _here(desk: Desk, name: str, arguments: Json) -> Json:
    if name not in COMMANDS:
        raise NotFound(f"There is no command {name}.")
    return await COMMANDS[name](desk, arguments)


async def _there(folder: Path, name: str, arguments: Json) -> Json:
    if name not in COMMANDS:
        raise NotFound(f"There is no command {name}.")
    return await ask_running_server(folder, name, arguments)


def _desk(settings: Settings, ledger: Ledger) -> Desk:
    return Desk(
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
