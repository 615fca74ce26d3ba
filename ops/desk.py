"""What the commands that change or ask the ledger work with."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from adapters.secrets import SecretBox
from gateway.domain.directory_ports import Clients, Directory, Systems
from gateway.domain.dossiers import Dossiers
from gateway.domain.ledger_ports import Deliveries
from gateway.domain.ports import Broker, Clock
from gateway.domain.reports import Reports

SECRET_OVERLAP = timedelta(days=7)
"""How long the old secret still works after a rotation."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the commands work with."""

    clock: Clock
    directory: Directory
    clients: Clients
    deliveries: Deliveries
    broker: Broker
    systems: Systems
    box: SecretBox
    dossiers: Dossiers
    reports: Reports


Command = Callable[[Desk, Json], Awaitable[Json]]
Ask = Callable[[str, Json], Awaitable[Json]]
"""Has a command run where the record is, and returns its outcome."""


def new_secret() -> str:
    """Return a fresh secret: 32 random bytes in hex, so that no program takes it for an option."""
    return secrets.token_hex(32)
