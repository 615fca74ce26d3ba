"""Setting a site up, and running commands on it from the command line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from adapters.db.ledger import open_ledger
from adapters.db.migrate import upgrade
from gateway.domain.errors import NotFound
from gateway.domain.model import Channel, Handover, Lane
from ops.commands import COMMANDS, Desk, Json, create_administrator
from ops.control import FolderTaken, ask_running_server, owning
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
            desk = Desk(now, ledger.directory, ledger.clients, ledger.deliveries, NoBroker())
            outcome["administrator"] = await create_administrator(desk, {})
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
    if name not in COMMANDS:
        raise NotFound(f"There is no command {name}.")
    if not settings.is_embedded:
        return await _here(settings, name, arguments)
    check_initialised(settings)
    try:
        with owning(settings.data):
            return await _here(settings, name, arguments)
    except FolderTaken:
        return await ask_running_server(settings.data, name, arguments)


async def _here(settings: Settings, name: str, arguments: Json) -> Json:
    async with open_ledger(settings.record_url) as ledger:
        await check_tables(ledger)
        desk = Desk(now, ledger.directory, ledger.clients, ledger.deliveries, NoBroker())
        return await COMMANDS[name](desk, arguments)
