"""Circulars to all agencies of a city, a third of them on each channel, next to what the broker alone does.

First many circulars wait for the worker: how many deliveries a second it hands over. Then one every few
seconds, twice: with all agencies well, and with some webhooks that take a connection and never answer. What
the second does to the others is what a dead agency costs its neighbours.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from broker.codec import BATCH
from ops.dev.bench.circulars import CHANNELS, Circulars
from ops.dev.bench.figures import load_average, percentile
from ops.dev.bench.hot_spots import write_report
from ops.dev.bench.ledger_watch import Offer, watching
from ops.dev.bench.receivers import receivers
from ops.dev.bench.site import command, open_site
from ops.dev.bench.stock import documents, trust_folder
from ops.dev.bench.yardsticks import broker_ids_per_second
from ops.dev.private_postgresql import private_postgresql
from ops.dev.private_rabbitmq import private_rabbitmq

_WARM_UP = 2
_SETTLE_SECONDS = 2


class FanoutFigures(msgspec.Struct, frozen=True):
    """One run. Times go from a document's acceptance to its delivery's being OFFERED."""

    ids_offered_per_second: float
    """Handed over to all channels together, out of a backlog."""
    broker_ids_per_second: float
    """The yardstick: published with confirms and consumed meanwhile, one id a message. An agency's own queue
    and a webhook get their ids one by one too."""
    broker_batched_ids_per_second: float
    """The same in the product's largest batches, as ids go from the edge to the worker."""
    ratio: float
    """Of `ids_offered_per_second` to `broker_ids_per_second`."""
    ratio_to_batched: float
    """Of `ids_offered_per_second` to `broker_batched_ids_per_second`."""
    cpu_ms_per_id: dict[str, float]
    """Of each program, while the backlog was handed over; says more than a rate on a machine others use."""
    p99_ms: float
    p99_ms_with_black_holes: float
    """Of all others."""
    growth_percent: float
    p50_ms: float
    p50_ms_with_black_holes: float
    agencies: int
    black_holes: int
    deliveries: int
    channels_p99_ms: dict[str, float]
    channels_p99_ms_with_black_holes: dict[str, float]
    every_seconds: float
    cores: int
    load_before: float

    def table(self) -> str:
        """Return the figures for reading, with what is asked of them."""
        channels = ", ".join(f"{channel} {p99:.0f}" for channel, p99 in self.channels_p99_ms.items())
        cpu = ", ".join(f"{name} {used:.2f}" for name, used in self.cpu_ms_per_id.items())
        return (
            f"ids offered per second   {self.ids_offered_per_second:10.0f}     "
            f"{self.deliveries} deliveries to {self.agencies} agencies, a third on each channel\n"
            f"  of the broker's ids    {self.ratio:10.3f}     "
            f"of {self.broker_ids_per_second:.0f}/s, one a message; wanted: 0.35\n"
            f"  of its ids in batches  {self.ratio_to_batched:10.3f}     "
            f"of {self.broker_batched_ids_per_second:.0f}/s\n"
            f"CPU for one id           {sum(self.cpu_ms_per_id.values()):10.2f} ms  {cpu}\n"
            f"accepted to offered      {self.p99_ms:10.0f} ms  "
            f"p99, one circular every {self.every_seconds:g} s ({channels}); p50 {self.p50_ms:.0f} ms\n"
            f"  with black holes       {self.p99_ms_with_black_holes:10.0f} ms  "
            f"p99 of the others, {self.black_holes} webhooks silent; "
            f"p50 {self.p50_ms_with_black_holes:.0f} ms\n"
            f"  growth                 {self.growth_percent:10.1f} %   wanted: at most 10 %\n"
            f"machine                  {self.cores:10} cores, load average {self.load_before:.2f} before"
        )


@dataclass(frozen=True, slots=True)
class FanoutSize:
    """How much to do: circulars that wait at once, and circulars one every so many seconds, twice."""

    agencies: int
    circulars: int
    paced: int
    every_seconds: float
    profile: Path | None


@click.command()
@click.option("--agencies", type=click.IntRange(110), default=633, show_default=True)
@click.option("--circulars", type=click.IntRange(1), default=20, show_default=True, help="Waiting at once.")
@click.option("--paced", type=click.IntRange(1), default=15, show_default=True, help="One every so often.")
@click.option("--every", "every_seconds", type=float, default=1.5, show_default=True, help="Seconds.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures to this file.")
@click.option(
    "--profile", type=click.Path(path_type=Path, file_okay=False), help="Write samples of the processes here."
)
def fanout(
    agencies: int,
    circulars: int,
    paced: int,
    every_seconds: float,
    json_path: Path | None,
    profile: Path | None,
) -> None:
    """Send circulars to agencies on all channels, some of them dead."""
    if profile is not None:
        profile.mkdir(parents=True, exist_ok=True)
    figures = asyncio.run(measure(FanoutSize(agencies, circulars, paced, every_seconds, profile)))
    print(figures.table())
    if json_path is not None:
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")


@dataclass(frozen=True, slots=True)
class _Alone:
    """What the broker does in this hour with nothing else on it."""

    ids_per_second: float
    batched_ids_per_second: float


async def measure(size: FanoutSize) -> FanoutFigures:
    """Return the figures of one run.

    Raises:
        BenchFailed: A process of the bench did not do its part.
        UnexpectedAnswer: The exchange did not do its.
        RabbitMqMissing, PostgresqlMissing: A server is not installed or did not come up.
    """
    load_before = load_average()
    async with _ground(size) as (circulars, alone):
        await circulars.send(_WARM_UP, every_seconds=size.every_seconds)
        handing_over = await circulars.hand_over(size.circulars)
        well = await circulars.send(size.paced, every_seconds=size.every_seconds)
        await circulars.silence_some()
        dead = await circulars.send(size.paced, every_seconds=size.every_seconds)
        statements = await circulars.watch.top_statements()
    if size.profile is not None:
        write_report(size.profile, statements)
    ids_per_second = handing_over.ids_per_second
    return FanoutFigures(
        ids_offered_per_second=ids_per_second,
        broker_ids_per_second=alone.ids_per_second,
        broker_batched_ids_per_second=alone.batched_ids_per_second,
        ratio=ids_per_second / alone.ids_per_second,
        ratio_to_batched=ids_per_second / alone.batched_ids_per_second,
        p99_ms=_milliseconds(well, 0.99),
        p99_ms_with_black_holes=_milliseconds(dead, 0.99),
        growth_percent=100 * (_milliseconds(dead, 0.99) / _milliseconds(well, 0.99) - 1),
        p50_ms=_milliseconds(well, 0.5),
        p50_ms_with_black_holes=_milliseconds(dead, 0.5),
        cpu_ms_per_id=dict(handing_over.cpu_ms),
        agencies=size.agencies - 1,
        black_holes=len(circulars.silent),
        deliveries=size.circulars * (size.agencies - 1),
        channels_p99_ms=_by_channel(well),
        channels_p99_ms_with_black_holes=_by_channel(dead),
        every_seconds=size.every_seconds,
        cores=os.cpu_count() or 1,
        load_before=load_before,
    )


def _milliseconds(offers: Sequence[Offer], share: float) -> float:
    return 1000 * percentile([each.seconds for each in offers], share)


def _by_channel(offers: Sequence[Offer]) -> dict[str, float]:
    return {
        channel: _milliseconds([each for each in offers if each.channel == channel], 0.99)
        for channel in CHANNELS
    }


@asynccontextmanager
async def _ground(size: FanoutSize) -> AsyncIterator[tuple[Circulars, _Alone]]:
    async with AsyncExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="lienthong-bench-")))
        stock, broker_folder = folder / "stock", folder / "rabbitmq"
        for each in (stock, broker_folder):
            each.mkdir()
        papers = _WARM_UP + size.circulars + 2 * size.paced
        await command("-m", "ops.dev.bench.stock", str(stock), str(papers), "1")
        rabbitmq = await opened.enter_async_context(private_rabbitmq(broker_folder))
        postgresql = await opened.enter_async_context(
            private_postgresql(settings={"shared_preload_libraries": "pg_stat_statements"})
        )
        webhooks = await opened.enter_async_context(receivers(size.agencies))
        await asyncio.sleep(_SETTLE_SECONDS)
        alone = _Alone(
            await broker_ids_per_second(rabbitmq.url), await broker_ids_per_second(rabbitmq.url, batch=BATCH)
        )
        site = await opened.enter_async_context(
            open_site(
                folder,
                broker_url=rabbitmq.url,
                database_url=postgresql.url,
                trust=trust_folder(stock),
                agencies=size.agencies,
                profile=size.profile,
                settings={"WEBHOOK__ALLOWED_NETWORKS": '["127.0.0.0/8"]'},
            )
        )
        watch = await opened.enter_async_context(watching(postgresql.url))
        circulars = Circulars(
            site,
            watch,
            webhooks,
            servers={"postgresql": postgresql.pid, "rabbitmq": int((broker_folder / "pid").read_text())},
            directory=folder / "mixed.csv",
            papers=documents(stock),
        )
        await circulars.mix_channels()
        yield circulars, alone
