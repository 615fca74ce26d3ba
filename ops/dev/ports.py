"""Ports for private servers."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from random import SystemRandom

# Below those that Linux hands out by itself (`ip_local_port_range`): a server can be killed and started again
# on its port while other tests open hundreds of connections.
_OURS = range(20_000, 32_768)


def free_ports(count: int) -> list[int]:
    """Return loopback ports that were free a moment ago, all different.

    Raises:
        OSError: There are not so many.
    """
    free: list[int] = []
    with ExitStack() as held:
        for port in SystemRandom().sample(_OURS, len(_OURS)):
            if len(free) == count:
                return free
            with suppress(OSError):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
                free.append(port)
    raise OSError("no free ports are left")
