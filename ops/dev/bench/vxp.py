"""What the national axis's surface costs next to `/v1`, and what polling centres cost the others.

A very large packet; then one sender alone, one document at a time, over both surfaces in turn; then
submissions over `/v1` at a steady rate, with and without centres that poll, window after window in turn, so
that what else the machine does hits both.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import click
import msgspec

from ops.dev.bench import usage
from ops.dev.bench.centres import connect_centres
from ops.dev.bench.figures import load_average, percentile
from ops.dev.bench.hot_spots import write_report
from ops.dev.bench.ledger_watch import LedgerWatch, watching
from ops.dev.bench.site import Site, command, open_site
from ops.dev.bench.stock import documents, large_document, trust_folder
from ops.dev.bench.vxp_load import POLL_EVERY_SECONDS, Both, Pollers, Steady
from ops.dev.private_postgresql import private_postgresql
from ops.dev.private_rabbitmq import private_rabbitmq
from ops.dev.vxp_client import Centre

_WARM_UP = 20
_SETTLE_SECONDS = 2
_MIB, _MB = 1024 * 1024, 1_000_000
_BASE64_GROWTH = 4 / 3


class VxpFigures(msgspec.Struct, frozen=True):
    """One run. Times go from a request to its whole answer; those of the steady part from its due time."""

    v1_ms: float
    """Median of one document of 20 KB over `POST /v1/documents`, alone."""
    vxp_ms: float
    """Median of the same as edXML over `sendEdoc`."""
    ratio: float
    pairs: int
    pollers: int
    polls: int
    poll_p50_ms: float
    poll_p99_ms: float
    poll_cpu_ms: float
    """User and system time of `serve` and PostgreSQL for one poll: what they use more while centres poll."""
    p99_ms: float
    """Of submissions over `/v1` while the centres poll: the median of the windows, so that one hiccup of the
    machine decides nothing."""
    p99_alone_ms: float
    growth_percent: float
    p50_ms: float
    p50_alone_ms: float
    submissions: int
    """In one window; there are `windows` with pollers, and as many without."""
    windows: int
    per_second: float
    packet_mb: float
    packet_50mb_worker_growth_mb: float
    """How far the parsing worker that grew most did, in MB: its peak less what it had before."""
    packet_50mb_edge_growth_mb: float
    cores: int
    load_before: float

    def table(self) -> str:
        """Return the figures for reading, with what is asked of them."""
        return (
            f"one document over /v1    {self.v1_ms:10.1f} ms  median of {self.pairs}, one at a time\n"
            f"the same over /vxp       {self.vxp_ms:10.1f} ms  {self.ratio:.2f} ×; wanted: at most 1.3 ×\n"
            f"submissions over /v1     {self.p99_alone_ms:10.1f} ms  "
            f"p99 of {self.submissions}, {self.per_second:g} a second, median of {self.windows}; "
            f"p50 {self.p50_alone_ms:.1f} ms\n"
            f"  while centres poll     {self.p99_ms:10.1f} ms  "
            f"p99, {self.pollers} of them every {POLL_EVERY_SECONDS:g} s; p50 {self.p50_ms:.1f} ms\n"
            f"  growth                 {self.growth_percent:10.1f} %   wanted: at most 10 %\n"
            f"a poll                   {self.poll_p50_ms:10.1f} ms  "
            f"p50 of {self.polls}; p99 {self.poll_p99_ms:.1f} ms; {self.poll_cpu_ms:.2f} ms of CPU\n"
            f"worker growth, packet    {self.packet_50mb_worker_growth_mb:10.1f} MB  "
            f"a packet of {self.packet_mb:.0f} MB; wanted: under 32 MB; "
            f"edge {self.packet_50mb_edge_growth_mb:.1f} MB\n"
            f"machine                  {self.cores:10} cores, load average {self.load_before:.2f} before"
        )


@dataclass(frozen=True, slots=True)
class VxpSize:
    """How much to do. `seconds` is the length of one window; there are `windows` of each kind."""

    pairs: int
    pollers: int
    per_second: float
    seconds: float
    windows: int
    packet_bytes: int
    profile: Path | None

    @property
    def submissions(self) -> int:
        """Return how many documents one window has."""
        return round(self.per_second * self.seconds)

    @property
    def papers(self) -> int:
        """Return how many papers it all takes."""
        return 2 * (_WARM_UP + self.pairs) + 2 * self.windows * self.submissions


@click.command()
@click.option(
    "--pairs", type=click.IntRange(1), default=200, show_default=True, help="Sent over each surface."
)
@click.option("--pollers", type=click.IntRange(1), default=200, show_default=True)
@click.option("--per-second", type=float, default=10.0, show_default=True, help="Steady submissions.")
@click.option("--seconds", type=float, default=10.0, show_default=True, help="Length of a window.")
@click.option("--windows", type=click.IntRange(1), default=6, show_default=True, help="Of each kind.")
@click.option("--packet-mb", type=click.IntRange(1, 400), default=50, show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures to this file.")
@click.option(
    "--profile", type=click.Path(path_type=Path, file_okay=False), help="Write samples of the processes here."
)
def vxp(
    pairs: int,
    pollers: int,
    per_second: float,
    seconds: float,
    windows: int,
    packet_mb: int,
    json_path: Path | None,
    profile: Path | None,
) -> None:
    """Send the same over /v1 and /vxp, let centres poll, and read a large packet."""
    if profile is not None:
        profile.mkdir(parents=True, exist_ok=True)
    size = VxpSize(pairs, pollers, per_second, seconds, windows, packet_mb * _MB, profile)
    figures = asyncio.run(_measure(size))
    print(figures.table())
    if json_path is not None:
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")


@dataclass(frozen=True, slots=True)
class _Ground:
    """A running exchange, its first agency on both surfaces, and centres that poll for the others."""

    site: Site
    watch: LedgerWatch
    stock: Path
    both: Both
    pollers: list[Centre]
    postgresql_pid: int

    @property
    def cpu_seconds(self) -> float:
        """Return what `serve` and PostgreSQL have used so far."""
        return usage.own_cpu_seconds(self.site.serve.pid) + usage.cpu_seconds(self.postgresql_pid)


async def _measure(size: VxpSize) -> VxpFigures:
    """Return the figures of one run.

    Raises:
        BenchFailed: A process of the bench did not do its part.
        UnexpectedAnswer: The exchange did not do its.
        RabbitMqMissing, PostgresqlMissing: A server is not installed or did not come up.
    """
    load_before = load_average()
    async with _ground(size) as ground:
        papers = iter(documents(ground.stock))
        pairs = [(next(papers), next(papers)) for _ in range(_WARM_UP + size.pairs)]
        await ground.both.in_turn(pairs[:_WARM_UP])
        # Early: after a thousand answers a worker is replaced by a fresh one.
        packet = await asyncio.to_thread(ground.both.packet, large_document(ground.stock))
        worker_growth, edge_growth = await _grow(ground, packet)
        v1, vxp = await ground.both.in_turn(pairs[_WARM_UP:])
        pollers = Pollers(ground.site.port, ground.pollers)
        recipients = [centre.agencies[0] for centre in ground.pollers]
        steady = Steady(ground.site.port, ground.both.member, recipients, papers)
        alone, polled = await _in_windows(ground, steady, pollers, size=size)
        statements = await ground.watch.top_statements()
    if size.profile is not None:
        write_report(size.profile, statements)
    v1_ms, vxp_ms = _milliseconds(v1, 0.5), _milliseconds(vxp, 0.5)
    p99, p99_alone = polled.median_ms(0.99), alone.median_ms(0.99)
    return VxpFigures(
        v1_ms=v1_ms,
        vxp_ms=vxp_ms,
        ratio=vxp_ms / v1_ms,
        pairs=size.pairs,
        pollers=size.pollers,
        polls=len(pollers.polls),
        poll_p50_ms=_milliseconds(pollers.polls, 0.5),
        poll_p99_ms=_milliseconds(pollers.polls, 0.99),
        poll_cpu_ms=1000 * (polled.cpu_seconds - alone.cpu_seconds) / len(pollers.polls),
        p99_ms=p99,
        p99_alone_ms=p99_alone,
        growth_percent=100 * (p99 / p99_alone - 1),
        p50_ms=polled.median_ms(0.5),
        p50_alone_ms=alone.median_ms(0.5),
        submissions=size.submissions,
        windows=size.windows,
        per_second=size.per_second,
        packet_mb=len(packet) / _MB,
        packet_50mb_worker_growth_mb=worker_growth / _MB,
        packet_50mb_edge_growth_mb=edge_growth / _MB,
        cores=os.cpu_count() or 1,
        load_before=load_before,
    )


@dataclass(slots=True)
class _Windows:
    """Windows of one kind: the seconds of each submission, and the time the servers used."""

    seconds: list[list[float]] = field(default_factory=list)
    cpu_seconds: float = 0.0

    def median_ms(self, share: float) -> float:
        """Return the median of the windows' values that this share of their submissions does not exceed."""
        return median(_milliseconds(window, share) for window in self.seconds)

    @contextmanager
    def watched(self, ground: _Ground) -> Iterator[None]:
        """Add what the servers use while the block runs."""
        before = ground.cpu_seconds
        yield
        self.cpu_seconds += ground.cpu_seconds - before


async def _in_windows(
    ground: _Ground, steady: Steady, pollers: Pollers, *, size: VxpSize
) -> tuple[_Windows, _Windows]:
    """Submit in windows without and with pollers in turn; return both kinds.

    Raises:
        UnexpectedAnswer: A submission or a poll was refused.
    """
    alone, polled = _Windows(), _Windows()
    try:
        for _ in range(size.windows):
            with alone.watched(ground):
                alone.seconds.append(await steady.submit(size.submissions, per_second=size.per_second))
            with polled.watched(ground):
                async with pollers.polling():
                    polled.seconds.append(await steady.submit(size.submissions, per_second=size.per_second))
    except ExceptionGroup as several:
        raise _first(several) from several
    return alone, polled


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


async def _grow(ground: _Ground, packet: bytes) -> tuple[int, int]:
    """Send a packet and return by how many bytes the worker that grew most did, and the edge."""
    serve = ground.site.serve.pid
    before = {pid: usage.rss_bytes(pid) for pid in usage.tree(serve)}
    for pid in before:
        usage.restart_peak(pid)
    await ground.both.send_packet(packet)
    growth = {pid: usage.peak_rss_bytes(pid) - had for pid, had in before.items()}
    edge = growth.pop(serve)
    return max(growth.values()), edge


def _milliseconds(seconds: list[float], share: float) -> float:
    return 1000 * percentile(seconds, share)


@asynccontextmanager
async def _ground(size: VxpSize) -> AsyncIterator[_Ground]:
    async with AsyncExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="lienthong-bench-")))
        stock, broker_folder = folder / "stock", folder / "rabbitmq"
        for each in (stock, broker_folder):
            each.mkdir()
        large = round(size.packet_bytes / _BASE64_GROWTH)
        await command("-m", "ops.dev.bench.stock", str(stock), str(size.papers), str(large))
        rabbitmq = await opened.enter_async_context(private_rabbitmq(broker_folder))
        postgresql = await opened.enter_async_context(
            private_postgresql(settings={"shared_preload_libraries": "pg_stat_statements"})
        )
        await asyncio.sleep(_SETTLE_SECONDS)
        site = await opened.enter_async_context(
            open_site(
                folder,
                broker_url=rabbitmq.url,
                database_url=postgresql.url,
                trust=trust_folder(stock),
                agencies=size.pollers + 2,
                profile=size.profile,
                # They all come from one address here.
                settings={"LIMITS__CONNECTIONS_PER_ADDRESS": str(2 * size.pollers + 200)},
            )
        )
        watch = await opened.enter_async_context(watching(postgresql.url))
        sender, recipient, *others = site.secrets
        own, *pollers = await connect_centres(site, [sender, *others])
        both = Both(site.port, await site.member(sender), own, recipient)
        yield _Ground(site, watch, stock, both, pollers, postgresql.pid)
