"""The desk of a test exchange, for commands."""

from __future__ import annotations

from adapters.secrets import SecretBox
from ops.desk import Desk
from tests.support.exchange import World


def desk_of(world: World) -> Desk:
    """Return what commands on this exchange work with."""
    x = world.exchange
    return Desk(
        clock=x.clock,
        directory=x.directory,
        clients=x.clients,
        deliveries=x.deliveries,
        broker=x.broker,
        systems=x.systems,
        box=SecretBox(world.folder / "vxp-key"),
        dossiers=x.dossiers,
        reports=x.reports,
    )
