"""`lienthong` at an agency, as people and scripts meet it, against a served exchange."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from ops.client.commands import document_commands
from ops.client.life_commands import life_commands
from tests.support.api import Api
from tests.support.exchange import RECIPIENT, SENDER, secret_of
from tests.support.twins import SIGNED

lienthong = click.Group(
    "lienthong", commands={str(each.name): each for each in (*document_commands, *life_commands)}
)


@dataclass
class Terminal:
    """A terminal at an agency: its settings are in the environment."""

    agency: str
    environment: dict[str, str | None]

    async def run(self, *arguments: str | Path) -> Result:
        """Run `lienthong …` in a thread, as the server runs in this one."""
        return await asyncio.to_thread(
            CliRunner(env=self.environment).invoke, lienthong, [str(each) for each in arguments]
        )

    async def json(self, *arguments: str | Path) -> Any:
        """Return what a command prints with --json."""
        return json.loads((await self.run(*arguments, "--json")).stdout)


Terminals = Callable[[str], Terminal]


@pytest.fixture
def at(api: Api) -> Terminals:
    def terminal(agency: str) -> Terminal:
        return Terminal(
            agency,
            {
                "LIENTHONG_URL": str(api.url),
                "LIENTHONG_CLIENT_ID": agency,
                "LIENTHONG_CLIENT_SECRET": secret_of(agency),
            },
        )

    return terminal


@pytest.fixture
def decision(tmp_path: Path) -> Path:
    path = tmp_path / "Quyết định.pdf"
    path.write_bytes(SIGNED)
    return path


@pytest.fixture
async def delivery(at: Terminals, decision: Path) -> str:
    sent = await at(SENDER).json("send", decision, "--to", RECIPIENT, "--subject", "Về việc thử")
    return str(sent["deliveries"][0]["id"])
