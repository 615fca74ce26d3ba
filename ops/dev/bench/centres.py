"""Connects centres to a bench's exchange, one agency behind each.

`python -m ops.dev.bench.centres CODE…` prints them as JSON; the settings are those of the environment.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

import msgspec

from ops.dev.bench.site import Site, command
from ops.dev.vxp_client import Centre
from ops.settings import load
from ops.setup import commanding


async def connect_centres(site: Site, agencies: Sequence[str]) -> list[Centre]:
    """Return a connected centre for each of these agencies.

    Raises:
        BenchFailed: It failed.
    """
    printed = await command("-m", "ops.dev.bench.centres", *agencies, environment=site.environment)
    endpoint = f"http://127.0.0.1:{site.port}/vxp"
    return [
        Centre(endpoint, made["system_id"], made["secret"], tuple(made["agencies"]))
        for made in msgspec.json.decode(printed)
    ]


async def _create(agencies: Sequence[str]) -> None:
    made = []
    async with commanding(load(None, os.environ)) as ask:
        for agency in agencies:
            made.append(await ask("systems create", {"id": f"bench.{agency}", "agencies": [agency]}))
    sys.stdout.buffer.write(msgspec.json.encode(made))


if __name__ == "__main__":
    asyncio.run(_create(sys.argv[1:]))
