"""The figures of one run: what is printed, and what `--json` writes."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import msgspec

PEER_DOCUMENTS_PER_SECOND = 46.0
PEER_RSA2048_SIGNS_PER_SECOND = 3300.0
"""A Python AS2 server that verifies, stores and returns a signed receipt; the yardstick of the same hour."""
_MIB = 1024 * 1024


class Yardsticks(msgspec.Struct, frozen=True):
    """What this machine does alone in this hour."""

    rsa2048_signs_per_second: float
    """On one core."""
    verify_per_second: float
    """The parsing workers alone, one of them: the papers of this run."""
    broker_ids_per_second: float
    """Published with confirms and consumed meanwhile, one id a message."""
    broker_batched_ids_per_second: float
    """The same in the product's largest batches."""

    @property
    def peer_documents_per_second(self) -> float:
        """Return what the peer would do here and now."""
        return PEER_DOCUMENTS_PER_SECOND * self.rsa2048_signs_per_second / PEER_RSA2048_SIGNS_PER_SECOND


class Steady(msgspec.Struct, frozen=True):
    """The steady part of the load: one recipient a document, submitted until its final receipt is held."""

    documents: int
    documents_per_second: float
    p50_ms: float
    p99_ms: float
    submit_p50_ms: float
    submit_p99_ms: float
    server_cpu_ms_per_document: float
    """User and system time of `serve` and `worker` with all their parsing and key workers."""
    edge_cpu_ms_per_document: float
    """Of the `serve` process alone, without its workers."""
    worker_cpu_ms_per_document: float
    postgresql_cpu_ms_per_document: float
    rabbitmq_cpu_ms_per_document: float
    load_cpu_ms_per_document: float
    """Of the bench's own load, which shares the machine."""
    statements_per_document: float
    """Without BEGIN, COMMIT and ROLLBACK."""
    transaction_statements_per_document: float
    fsyncs_per_document: float
    """Of the body store and of PostgreSQL's log; RabbitMQ's own are not counted."""
    body_fsyncs_per_document: float
    rss_run_growth_bytes: int
    """Of the `serve` process, from the warm-up's end to the end."""


class Figures(msgspec.Struct, frozen=True):
    """Everything one run measured."""

    steady: Steady
    fanout_632_seconds: float
    """The slowest of `fanouts`: from the 202 of a document to all others until all are OFFERED."""
    fanouts: list[float]
    fanout_agencies: int
    rss_growth_bytes: int
    """The `serve` process's peak while it takes the attachment and gives it out, less what it had before."""
    attachment_bytes: int
    attachment_upload_seconds: float
    yardsticks: Yardsticks
    connections: int
    cores: int
    load_before: float
    """One-minute load average before anything was started."""
    load_after: float

    def as_json(self) -> bytes:
        """Return all figures as one flat JSON object."""
        flat = {
            **msgspec.structs.asdict(self),
            **msgspec.structs.asdict(self.steady),
            **msgspec.structs.asdict(self.yardsticks),
        }
        del flat["steady"], flat["yardsticks"]
        return msgspec.json.format(msgspec.json.encode(flat)) + b"\n"

    def table(self) -> str:
        """Return the figures for reading, with what is asked of them."""
        peer = self.yardsticks.peer_documents_per_second
        return _TABLE.format(
            all=self,
            steady=self.steady,
            alone=self.yardsticks,
            peer=peer,
            times_peer=self.steady.documents_per_second / peer,
            fanouts=len(self.fanouts),
            attachment_mb=self.attachment_bytes / 1e6,
            growth_mib=self.rss_growth_bytes / _MIB,
            run_growth_mib=self.steady.rss_run_growth_bytes / _MIB,
        )


# Each line in two halves: the figure, then what to read it by.
_TABLE = """\
documents per second     {steady.documents_per_second:10.1f}     \
{times_peer:.2f} × the peer, which would do {peer:.1f} here now
submit to final receipt  {steady.p50_ms:10.0f} ms  \
p50; p99 {steady.p99_ms:.0f} ms; {steady.documents} documents, {all.connections} at once
submit to answer         {steady.submit_p50_ms:10.0f} ms  \
p50; p99 {steady.submit_p99_ms:.0f} ms
server CPU per document  {steady.server_cpu_ms_per_document:10.1f} ms  \
edge {steady.edge_cpu_ms_per_document:.1f}, worker {steady.worker_cpu_ms_per_document:.1f}, \
the rest parses and signs
  besides: PostgreSQL    {steady.postgresql_cpu_ms_per_document:10.1f} ms
  besides: RabbitMQ      {steady.rabbitmq_cpu_ms_per_document:10.1f} ms
  besides: this load     {steady.load_cpu_ms_per_document:10.1f} ms
statements per document  {steady.statements_per_document:10.1f}     \
and {steady.transaction_statements_per_document:.1f} BEGIN, COMMIT, ROLLBACK
fsyncs per document      {steady.fsyncs_per_document:10.1f}     \
{steady.body_fsyncs_per_document:.1f} of bodies, the rest PostgreSQL's log; RabbitMQ's not counted
one document to {all.fanout_agencies:<4}     {all.fanout_632_seconds:10.2f} s   \
until all are OFFERED, slowest of {fanouts}; wanted: 2 s
edge growth, attachment  {growth_mib:10.1f} MiB \
{attachment_mb:.0f} MB taken in {all.attachment_upload_seconds:.1f} s; wanted: 64 MiB
edge growth, whole load  {run_growth_mib:10.1f} MiB
yardstick: RSA-2048      {alone.rsa2048_signs_per_second:10.0f} /s  \
signatures on one core
yardstick: verifying     {alone.verify_per_second:10.0f} /s  \
these papers, one parsing worker, nothing else
yardstick: broker ids    {alone.broker_ids_per_second:10.0f} /s  \
one a message; {alone.broker_batched_ids_per_second:.0f} /s in batches
machine                  {all.cores:10} cores, \
load average {all.load_before:.2f} before, {all.load_after:.2f} after"""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share (0 to 1) of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def load_average() -> float:
    """Return the one-minute load average."""
    return os.getloadavg()[0]
