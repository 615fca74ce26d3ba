"""How much and how fast: the figures a site has chosen, and the buckets that keep them."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.domain.errors import Throttled
from gateway.domain.ports import Clock

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

KEYS_KEPT = 20_000
"""Buckets kept per limit; beyond it the full ones, which say nothing, are forgotten."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The figures the site has chosen; see `settings.default.toml`."""

    max_request_bytes: int
    max_file_bytes: int
    max_files: int
    max_header_bytes: int
    max_envelope_bytes: int
    header_timeout: timedelta
    idle_timeout: timedelta
    body_idle_timeout: timedelta
    body_min_rate_bytes: int
    max_connections: int
    max_connections_per_address: int
    requests_per_second: float
    requests_burst: float
    bytes_per_second: float
    bytes_burst: float
    token_life: timedelta
    inbox_wait_max: timedelta
    trusted_proxies: tuple[Network, ...] = ()
    judgements_at_once: int = 1
    """How many files are judged for one agency at a time, beside those of its documents."""
    judgement_wait_max: timedelta = timedelta(seconds=20)

    def is_trusted_proxy(self, address: str | None) -> bool:
        """Return whether a connection from this address comes from one of the site's own proxies."""
        if not self.trusted_proxies or address is None:
            return False
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.trusted_proxies)


@dataclass(slots=True)
class _Bucket:
    level: float
    at: datetime


@dataclass(slots=True)
class Buckets:
    """One token bucket per key. Spending may lead into debt, which time pays back: a large upload that
    began within its limit is never cut off, but what follows it waits."""

    clock: Clock
    per_second: float
    burst: float
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def check(self, key: str) -> None:
        """Pass when the bucket holds at least one token.

        Raises:
            Throttled: It does not; `retry_after` says when it will.
        """
        level = self._bucket(key).level
        if level < 1:
            raise Throttled(retry_after=timedelta(seconds=math.ceil((1 - level) / self.per_second)))

    def spend(self, key: str, amount: float = 1) -> None:
        """Take tokens out of the bucket, whether it holds them or not."""
        self._bucket(key).level -= amount

    def _bucket(self, key: str) -> _Bucket:
        now = self.clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= KEYS_KEPT:
                self._forget_full_ones(now)
            bucket = self._buckets[key] = _Bucket(self.burst, now)
        self._fill(bucket, now)
        return bucket

    def _fill(self, bucket: _Bucket, now: datetime) -> None:
        gained = max(0.0, (now - bucket.at).total_seconds()) * self.per_second
        bucket.level = min(self.burst, bucket.level + gained)
        bucket.at = now

    def _forget_full_ones(self, now: datetime) -> None:
        for key, bucket in list(self._buckets.items()):
            self._fill(bucket, now)
            if bucket.level >= self.burst:
                del self._buckets[key]
