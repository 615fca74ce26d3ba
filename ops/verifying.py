"""What judges files where documents are taken in: parsing workers, evidence, and a site's own scanner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

from prometheus_client import CollectorRegistry

from adapters.edxml.packet import Read
from adapters.egress import EgressRules, open_egress
from adapters.evidence_fetching import FetchRules, open_fetcher
from adapters.evidence_gathering import Gathering
from adapters.evidence_store import open_evidence
from adapters.sandbox import Patience, Sandbox, open_sandbox
from adapters.scanner import Parsers, Scanned
from gateway.domain.errors import VerificationUnavailable
from gateway.domain.model import Sha256
from gateway.domain.ports import Clock
from ops.evidence_metrics import FetchCollector
from ops.settings import Settings, seconds
from ops.worker_commands import parsing_worker_command
from signing.report import VerificationReport


class NoParsing:
    """The `Parsers` of a role that takes no documents in."""

    async def verify(
        self,
        path: Path,  # noqa: ARG002 - the port's shape, here and below
        *,
        media_type: str,  # noqa: ARG002
        sha256: Sha256 | None = None,  # noqa: ARG002
        content: Path | None = None,  # noqa: ARG002
    ) -> VerificationReport:
        """Judge nothing."""
        raise VerificationUnavailable

    async def read_packet(self, path: Path, *, into: Path) -> Read:  # noqa: ARG002 - the port's shape
        """Read nothing."""
        raise VerificationUnavailable


@asynccontextmanager
async def open_verifier(
    settings: Settings, registry: CollectorRegistry, *, clock: Clock
) -> AsyncIterator[Parsers]:
    """Yield what judges files, with all that it needs running."""
    content = settings.content
    # The machine's own clock dates its files; files may be judged by a moment in the future.
    evidence = await asyncio.to_thread(open_evidence, settings.evidence_dir, now=datetime.now(UTC))
    fetch_rules, egress_rules = _fetching(settings)
    async with (
        open_workers(settings, workers=settings.parsing.workers, clock=clock) as sandbox,
        open_egress(egress_rules) as egress,
        open_fetcher(egress, evidence, fetch_rules, namers=sandbox, clock=clock) as fetcher,
    ):
        FetchCollector(registry, fetcher)
        judging = Gathering(sandbox, clock, seconds(settings.evidence.wait_seconds), evidence, fetcher)
        if content.scanner_command:
            yield Scanned(judging, content.scanner_command, seconds(content.scanner_seconds))
        else:
            yield judging


def open_workers(settings: Settings, *, workers: int, clock: Clock) -> AbstractAsyncContextManager[Sandbox]:
    """Return a context with so many parsing workers. The evidence folder must be there already."""
    parsing = settings.parsing
    return open_sandbox(
        parsing_worker_command(
            settings.trust_dir,
            bodies_dir=settings.bodies_dir,
            memory_bytes=parsing.memory_bytes,
            evidence_dir=settings.evidence_dir,
            max_files=settings.limits.files,
            text_bytes=settings.limits.envelope_bytes,
            unpacked_bytes=parsing.unpacked_bytes,
        ),
        clock=clock,
        workers=workers,
        patience=Patience(file=seconds(parsing.seconds), packet=seconds(parsing.packet_seconds)),
        refuse_active=settings.content.active == "refuse",
        files_per_worker=parsing.files_per_worker,
    )


def _fetching(settings: Settings) -> tuple[FetchRules, EgressRules]:
    """Return who may be asked for evidence, and by which ways."""
    chosen = settings.evidence
    hosts = frozenset(host.lower() for host in chosen.hosts)
    networks = tuple(ip_network(network) for network in chosen.allowed_networks)
    # Lists and answers are signed, and authorities publish them over plain http.
    ways = EgressRules(allowed=networks, plain=True, total=seconds(chosen.answer_seconds))
    return FetchRules(hosts, crl_bytes=chosen.crl_bytes), ways
