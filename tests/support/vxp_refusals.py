"""Refused means refused: the codes of an answer, and that nothing at all has changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.db.schema import metadata
from tests.support.vxp_client import VxpAnswer
from tests.support.vxp_world import TwoCentres

TABLES = sorted(set(metadata.tables) - {"tokens", "assertions", "vxp_calls"})
"""All but the marks that a call leaves however it ends."""


@dataclass(frozen=True)
class Kept:
    """Everything that a refused call must leave as it was."""

    rows: dict[str, list[Any]]
    bodies: list[Path]


def kept_in(centres: TwoCentres) -> Kept:
    world = centres.api.world
    with sqlite3.connect(world.folder / "ledger.db") as connection:
        rows = {
            table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in TABLES
        }
    connection.close()
    return Kept(rows, sorted(world.bodies()))


async def refused(
    centres: TwoCentres, call: Awaitable[VxpAnswer], axis: str, code: str, *, http: int = 200
) -> VxpAnswer:
    """Make a call that must be refused with these codes and change nothing; return its answer."""
    before = kept_in(centres)
    answer = await call
    assert (answer.http_status, answer.refusal) == (http, (axis, code)), answer.content
    assert kept_in(centres) == before
    return answer
