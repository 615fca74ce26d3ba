"""How fast signatures are judged, next to pyHanko as it comes in the same run, and what it takes."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import median

import click
import msgspec

from ops.dev.bench.figures import load_average, percentile
from ops.dev.bench.site import clean_environment, command
from ops.dev.bench.verify_papers import large_paper, long_paper, two_pages, two_pages_by_many
from ops.dev.bench.verify_workers import Cost, Judge, ours, stock, total

_ROUNDS = 5
_ROUNDS_OF_MANY = 3
_STRETCHES = 20
_EACH_TICK_SECONDS = 0.005
_HASHED = bytes(1_000_000)
_TIMES_STOCK = "ours to stock, per CPU second of one core"
_TIMES_ONE_CORE = "two of our workers to one, by the clock"


class Row(msgspec.Struct, frozen=True):
    """One kind of paper. Rates are medians of rounds that take turns; `ratio_is` says what `ratio` means."""

    name: str
    stock_per_second: float
    ours_per_second: float
    ratio: float
    cores: int
    ratio_is: str
    ours_cold_per_second: float
    """When the signer is seen for the first time."""
    ours_warm_per_second: float
    file_bytes: int
    growth_bytes: int
    """Of the worker's memory while it judges such a paper once more: its peak less what it had."""
    growth_to_file: float


class VerifyFigures(msgspec.Struct, frozen=True):
    """One run."""

    rows: list[Row]
    signers: int
    two_cores_alone: float
    """What two threads that do nothing but hash get done to one, by the clock: what the machine gives."""
    event_loop_lag_p999_ms: float
    """Of the loop that asks the workers, while both cores judge."""
    cores: int
    load_before: float

    def table(self) -> str:
        """Return the figures for reading, with what is asked of them."""
        head = f"{'':24}{'stock/s':>9}{'ours/s':>9}{'ratio':>8}{'cold/s':>9}{'warm/s':>9}{'growth':>10}"
        lines = [
            f"{row.name:24}{row.stock_per_second:9.1f}{row.ours_per_second:9.1f}{row.ratio:8.2f}"
            f"{row.ours_cold_per_second:9.1f}{row.ours_warm_per_second:9.1f}{row.growth_to_file:8.2f} ×"
            for row in self.rows
        ]
        return "\n".join(
            [
                head,
                *lines,
                "wanted: 4 × stock for two pages, 3 × with 633 signers, two cores 1.8 × one; "
                "growth under 3 × the file",
                f"two cores        {self.two_cores_alone:.2f} × one is what mere hashing got here meanwhile",
                f"event loop's lag {self.event_loop_lag_p999_ms:.1f} ms (p99.9) while two workers judge; "
                "wanted: 50 ms",
                f"machine          {self.cores} cores, load average {self.load_before:.2f} before; "
                f"{self.signers} signers",
            ]
        )


@click.command()
@click.option("--seconds", type=click.FloatRange(0.1), default=10, show_default=True, help="For each row.")
@click.option("--signers", type=click.IntRange(1), default=633, show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures to this file.")
def verify(seconds: float, signers: int, json_path: Path | None) -> None:
    """Judge signed PDFs in parsing workers, and the same ones with pyHanko alone.

    Rates of one core are by the worker's own CPU time, so that a busy machine does not spoil them.
    """
    with tempfile.TemporaryDirectory(prefix="lienthong-bench-") as folder:
        figures = asyncio.run(_measure(Path(folder), seconds=seconds, signers=signers))
    print(figures.table())
    if json_path is not None:
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")


async def _measure(folder: Path, *, seconds: float, signers: int) -> VerifyFigures:
    before = load_average()
    words = ("-m", "ops.dev.bench.verify_papers", str(folder), str(signers))
    await command(*words, environment=clean_environment())
    two = await _alike(folder, "verify_2p", two_pages(folder), seconds=seconds)
    many = await _many(folder, two_pages_by_many(folder), seconds=seconds)
    long = await _alike(folder, "verify_500p", [long_paper(folder)], seconds=seconds)
    large = await _alike(folder, "verify_20mb", [large_paper(folder)], seconds=seconds)
    both = await _both_cores(folder, seconds=seconds)
    return VerifyFigures(
        rows=[two, many, long, large, _row_of_both(both, two)],
        signers=signers,
        two_cores_alone=round(median(both.machine), 2),
        event_loop_lag_p999_ms=round(1000 * percentile(both.lags, 0.999), 2),
        cores=os.cpu_count() or 1,
        load_before=before,
    )


async def _alike(folder: Path, name: str, papers: Sequence[Path], *, seconds: float) -> Row:
    """Measure papers of one signer."""
    turn = seconds / (2 * _ROUNDS)
    async with stock(folder) as theirs, ours(folder) as own:
        cold = await own.judge(papers[:1], seconds=turn)
        rounds = [
            (
                await theirs.judge(cycle(papers), seconds=turn),
                await own.judge(cycle(papers), seconds=turn),
            )
            for _ in range(_ROUNDS)
        ]
        growth = await own.growth_bytes(papers[0])
    return _row(name, rounds, papers=papers, cold=[cold], warm=[each for _, each in rounds], growth=growth)


async def _many(folder: Path, papers: Sequence[Path], *, seconds: float) -> Row:
    """Measure papers that each have a signer of their own, in rounds by fresh workers: each signer is seen
    for the first time. A second pass by the same worker gives the warm rate."""
    rounds, warm = [], []
    for _ in range(_ROUNDS_OF_MANY):
        async with stock(folder) as theirs, ours(folder) as own:
            rounds.append(await _in_turns(theirs, own, papers, seconds=seconds))
            warm.append(await own.judge(papers, seconds=seconds))
            growth = await own.growth_bytes(papers[0])
    cold = [each for _, each in rounds]
    return _row("verify_2p_633_signers", rounds, papers=papers, cold=cold, warm=warm, growth=growth)


async def _in_turns(
    theirs: Judge, own: Judge, papers: Sequence[Path], *, seconds: float
) -> tuple[Cost, Cost]:
    """Judge all papers once on either side, a stretch here, a stretch there: machines have slow moments."""
    costs: list[tuple[Cost, Cost]] = []
    length = math.ceil(len(papers) / _STRETCHES)
    for start in range(0, len(papers), length):
        stretch = papers[start : start + length]
        turn = seconds / _STRETCHES
        costs.append((await theirs.judge(stretch, seconds=turn), await own.judge(stretch, seconds=turn)))
    return total(cost for cost, _ in costs), total(cost for _, cost in costs)


def _row(
    name: str,
    rounds: Sequence[tuple[Cost, Cost]],
    *,
    papers: Sequence[Path],
    cold: Sequence[Cost],
    warm: Sequence[Cost],
    growth: int,
) -> Row:
    theirs, own = _rate([each for each, _ in rounds]), _rate([each for _, each in rounds])
    size = papers[0].stat().st_size
    return Row(
        name=name,
        stock_per_second=round(theirs, 1),
        ours_per_second=round(own, 1),
        ratio=round(median(mine.per_cpu_second / other.per_cpu_second for other, mine in rounds), 2),
        cores=1,
        ratio_is=_TIMES_STOCK,
        ours_cold_per_second=round(_rate(cold), 1),
        ours_warm_per_second=round(_rate(warm), 1),
        file_bytes=size,
        growth_bytes=growth,
        growth_to_file=round(growth / size, 2),
    )


def _rate(costs: Sequence[Cost]) -> float:
    return median(cost.per_cpu_second for cost in costs)


@dataclass(slots=True)
class _Both:
    """Rounds of one worker and two in turns, by the clock."""

    rates: list[float] = field(default_factory=list)
    """Papers per second of both workers together."""
    ratios: list[float] = field(default_factory=list)
    """To those of one worker."""
    machine: list[float] = field(default_factory=list)
    """The same ratio for threads that hash."""
    lags: list[float] = field(default_factory=list)
    """By how many seconds the event loop was late, tick by tick, while both judged."""


async def _both_cores(folder: Path, *, seconds: float) -> _Both:
    papers, turn, found = two_pages(folder), seconds / (3 * _ROUNDS), _Both()
    async with ours(folder) as first, ours(folder) as second:
        for _ in range(_ROUNDS):
            alone = await _by_the_clock([first], papers, seconds=turn)
            async with _watching(found.lags):
                together = await _by_the_clock([first, second], papers, seconds=turn)
            found.rates.append(together)
            found.ratios.append(together / alone)
            hashed, hashed_by_two = [await _hashed(threads, seconds=turn / 2) for threads in (1, 2)]
            found.machine.append(hashed_by_two / hashed)
    return found


def _row_of_both(found: _Both, one_core: Row) -> Row:
    return msgspec.structs.replace(
        one_core,
        name="verify_2p_2_cores",
        ours_per_second=round(median(found.rates), 1),
        ratio=round(median(found.ratios), 2),
        cores=2,
        ratio_is=_TIMES_ONE_CORE,
    )


async def _by_the_clock(judges: Sequence[Judge], papers: Sequence[Path], *, seconds: float) -> float:
    began = time.perf_counter()
    costs = await asyncio.gather(*(judge.judge(cycle(papers), seconds=seconds) for judge in judges))
    return sum(cost.papers for cost in costs) / (time.perf_counter() - began)


async def _hashed(threads: int, *, seconds: float) -> float:
    """Return how many times per second so many threads together hash the same bytes."""

    def hash_on() -> float:
        began, times = time.perf_counter(), 0
        while (spent := time.perf_counter() - began) < seconds:
            hashlib.sha256(_HASHED).digest()
            times += 1
        return times / spent

    return sum(await asyncio.gather(*(asyncio.to_thread(hash_on) for _ in range(threads))))


@asynccontextmanager
async def _watching(lags: list[float]) -> AsyncIterator[None]:
    """Note by how many seconds the running loop is late, tick by tick, while the context is open."""

    async def watch() -> None:
        while True:
            due = time.perf_counter() + _EACH_TICK_SECONDS
            await asyncio.sleep(_EACH_TICK_SECONDS)
            lags.append(time.perf_counter() - due)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
