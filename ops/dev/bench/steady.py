"""The load's steady part, measured between the warm-up's end and the first pair that has no more to send."""

from __future__ import annotations

import sys
from asyncio import StreamReader, create_subprocess_exec, timeout
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from time import monotonic

import msgspec

from ops.dev.bench import usage
from ops.dev.bench.figures import Steady, percentile
from ops.dev.bench.ground import Ground, Size
from ops.dev.bench.launcher import read_count
from ops.dev.bench.ledger_watch import LedgerCounts
from ops.dev.bench.load import Mark, Pair, Passage, Plan
from ops.dev.bench.site import BenchFailed, clean_environment, end
from ops.dev.bench.stock import documents

RECIPIENTS = 100
_LONGEST_LINE_BYTES = 64 * 1024 * 1024
_LONGEST_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class _Reading:
    """Everything counted, at one moment."""

    at: float
    server: float
    edge: float
    worker: float
    postgresql: float
    rabbitmq: float
    load: float
    ledger: LedgerCounts
    body_fsyncs: int
    rss_bytes: int


async def pass_documents(ground: Ground, size: Size) -> Steady:
    """Pass the documents of the stock, one recipient each, and return what the steady part measured.

    Raises:
        BenchFailed: The load broke off.
    """
    plan = await _plan(ground, size)
    path = ground.stock / "plan.json"
    path.touch(mode=0o600)  # it holds access tokens
    path.write_bytes(msgspec.json.encode(plan))
    load = await create_subprocess_exec(
        *(sys.executable, "-P", "-m", "ops.dev.bench.load", str(path)),
        stdout=PIPE,
        env=clean_environment(),
        limit=_LONGEST_LINE_BYTES,
    )
    assert load.stdout is not None, "a pipe was asked for"
    try:
        async with timeout(_LONGEST_SECONDS):
            await _mark(load.stdout, "steady")
            first = await _read(ground, load.pid)
            await _mark(load.stdout, "ending")
            last = await _read(ground, load.pid)
            done = await _mark(load.stdout, "done")
    finally:
        await end(load)
    return _steady(first, last, done.passages)


async def _plan(ground: Ground, size: Size) -> Plan:
    """Share papers and agencies out among the pairs; the first agency is left for the circulars."""
    codes = list(islice(ground.site.secrets, 1, 1 + size.connections + RECIPIENTS))
    members = [await ground.site.member(code) for code in codes]
    senders, recipients = members[: size.connections], members[size.connections :]
    if len(recipients) < len(senders):
        raise BenchFailed("too few agencies for so many connections")
    papers = [str(paper) for paper in documents(ground.stock)]
    pairs = [
        Pair(sender, recipients[n :: size.connections], papers[n :: size.connections])
        for n, sender in enumerate(senders)
    ]
    return Plan(ground.site.port, pairs, warm_up=size.warm_up, seconds=size.seconds)


async def _mark(lines: StreamReader, phase: str) -> Mark:
    line = await lines.readline()
    if not line:
        raise BenchFailed("the load broke off; see above")
    mark = msgspec.json.decode(line, type=Mark)
    if mark.phase != phase:
        raise BenchFailed("too few documents: the load ended before it was warm")
    return mark


async def _read(ground: Ground, load_pid: int) -> _Reading:
    serve, worker = ground.site.serve, ground.site.worker
    return _Reading(
        at=monotonic(),
        server=usage.cpu_seconds(serve.pid) + usage.cpu_seconds(worker.pid),
        edge=usage.own_cpu_seconds(serve.pid),
        worker=usage.own_cpu_seconds(worker.pid),
        postgresql=usage.cpu_seconds(ground.postgresql_pid),
        rabbitmq=usage.cpu_seconds(ground.rabbitmq_pid),
        load=usage.cpu_seconds(load_pid),
        ledger=await ground.watch.counts(),
        body_fsyncs=read_count(serve.fsyncs) + read_count(worker.fsyncs),
        rss_bytes=usage.rss_bytes(serve.pid),
    )


def _steady(first: _Reading, last: _Reading, passages: Sequence[Passage]) -> Steady:
    measured = [each for each in passages if first.at < each.ended_at <= last.at]
    if not measured:
        raise BenchFailed("too few documents: the steady part is empty")
    count = len(measured)
    whole = [each.receipt_seconds * 1000 for each in measured]
    accepted = [each.accepted_seconds * 1000 for each in measured]

    def each_ms(before: float, after: float) -> float:
        return (after - before) * 1000 / count

    body_fsyncs = (last.body_fsyncs - first.body_fsyncs) / count
    return Steady(
        documents=count,
        documents_per_second=count / (last.at - first.at),
        p50_ms=percentile(whole, 0.5),
        p99_ms=percentile(whole, 0.99),
        submit_p50_ms=percentile(accepted, 0.5),
        submit_p99_ms=percentile(accepted, 0.99),
        server_cpu_ms_per_document=each_ms(first.server, last.server),
        edge_cpu_ms_per_document=each_ms(first.edge, last.edge),
        worker_cpu_ms_per_document=each_ms(first.worker, last.worker),
        postgresql_cpu_ms_per_document=each_ms(first.postgresql, last.postgresql),
        rabbitmq_cpu_ms_per_document=each_ms(first.rabbitmq, last.rabbitmq),
        load_cpu_ms_per_document=each_ms(first.load, last.load),
        statements_per_document=(last.ledger.statements - first.ledger.statements) / count,
        transaction_statements_per_document=(
            (last.ledger.transaction_statements - first.ledger.transaction_statements) / count
        ),
        fsyncs_per_document=body_fsyncs + (last.ledger.wal_syncs - first.ledger.wal_syncs) / count,
        body_fsyncs_per_document=body_fsyncs,
        rss_run_growth_bytes=last.rss_bytes - first.rss_bytes,
    )
