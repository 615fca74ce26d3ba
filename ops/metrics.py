"""What Prometheus sees. Labels are bounded: agency, lane, channel, outcome; never a document id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from broker.counters import BrokerCounters
from gateway.domain.ledger import Backlog
from gateway.domain.model import Channel, Lane, PolicyLabel, ReceiptKind
from signing.report import Verdict

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no annotation here

REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
WAIT_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 1800, 7200, 43200, 86400, 259200)


class Metrics:
    """The instruments of one process; implements the port `Meter`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._name_counters()
        self._name_histograms()
        self._name_gauges()

    def _name_counters(self) -> None:
        counter = partial(Counter, registry=self.registry)
        self._requests = counter(
            "lienthong_http_requests", "Requests by route template and status.", ["method", "route", "status"]
        )
        self._accepted = counter("lienthong_documents_accepted", "Documents accepted.", ["label"])
        self._accepted_bytes = counter("lienthong_documents_accepted_bytes", "Bytes of files accepted.")
        self._failed = counter("lienthong_delivery_attempts_failed", "Failed attempts.", ["lane", "channel"])

    def _name_histograms(self) -> None:
        quick = partial(Histogram, buckets=REQUEST_BUCKETS, registry=self.registry)
        slow = partial(Histogram, buckets=WAIT_BUCKETS, registry=self.registry)
        self._request_seconds = quick(
            "lienthong_http_request_seconds", "Time to answer a request.", ["method", "route"]
        )
        self._verified = quick(
            "lienthong_verification_seconds",
            "Time to judge the signatures of a file, waiting for a worker included; `none` had no verdict.",
            ["verdict"],
        )
        self._offered = slow(
            "lienthong_delivery_offered_seconds",
            "From acceptance to the recipient's inbox or endpoint.",
            ["lane", "channel"],
        )
        self._ended = slow(
            "lienthong_delivery_ended_seconds", "From acceptance to the end of a delivery.", ["kind"]
        )

    def _name_gauges(self) -> None:
        gauge = partial(Gauge, registry=self.registry)
        self.sweeper_lag = gauge(
            "lienthong_sweeper_lag_seconds", "How long ago nothing was overdue any more for hand-over."
        )
        self.circuits_open = gauge("lienthong_circuits_open", "Agencies left alone after failures in a row.")
        self.free_space = gauge("lienthong_bodies_free_bytes", "Free space where bodies are kept.")
        self.backlog_age = gauge(
            "lienthong_backlog_age_seconds",
            "How old the figures per agency are: they age while the record is away.",
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request by its route template."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(method, route).observe(seconds)

    def verified(self, verdict: Verdict | None, *, seconds: float) -> None:
        """Count a judged file; None is one that no verdict could be found on."""
        self._verified.labels(verdict.value if verdict else "none").observe(seconds)

    def accepted(self, label: PolicyLabel, *, size_bytes: int) -> None:
        """Count an accepted document."""
        self._accepted.labels(label.value).inc()
        self._accepted_bytes.inc(size_bytes)

    def offered(self, lane: Lane, channel: Channel, *, seconds: float) -> None:
        """Count a delivery handed over."""
        self._offered.labels(lane.value, channel.value).observe(max(seconds, 0))

    def failed(self, lane: Lane, channel: Channel) -> None:
        """Count a failed attempt."""
        self._failed.labels(lane.value, channel.value).inc()

    def ended(self, kind: ReceiptKind, *, seconds: float) -> None:
        """Count the end of a delivery."""
        self._ended.labels(kind.value).observe(max(seconds, 0))


class BrokerCollector(Collector):
    """What this process has counted of hand-over, read at each scrape."""

    def __init__(self, registry: CollectorRegistry, counters: BrokerCounters) -> None:
        self._counters = counters
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Return the families."""
        counters = self._counters
        deliveries = CounterMetricFamily(
            "lienthong_broker_deliveries",
            "Deliveries on their way through the broker, by what became of them here.",
            labels=["outcome"],
        )
        for outcome in ("published", "failed", "dropped", "consumed", "handler_failed"):
            deliveries.add_metric([outcome.replace("_", "-")], getattr(counters, outcome))
        yield deliveries
        for name, text, value in (
            ("lienthong_broker_returned", "Broker messages that reached no queue.", counters.returned),
            ("lienthong_broker_undecodable", "Broker messages not ours to read.", counters.undecodable),
            ("lienthong_broker_sessions_lost", "Connections lost or refused.", counters.sessions_lost),
            ("lienthong_broker_queues_made_anew", "Broken queues made anew.", counters.queues_made_anew),
            (
                "lienthong_broker_acknowledged",
                "Agencies' answers over the broker that counted.",
                counters.acknowledged,
            ),
            (
                "lienthong_broker_acknowledgements_dropped",
                "Answers over the broker that were malformed, somebody else's or out of turn.",
                counters.acknowledgements_dropped,
            ),
            (
                "lienthong_sweeps_failed",
                "Rounds of the sweeper and its chores that failed.",
                counters.sweeps_failed,
            ),
        ):
            yield CounterMetricFamily(name, text, value=value)
        for name, text, is_so in (
            ("lienthong_broker_up", "1 while this process can hand over for publishing.", counters.connected),
            (
                "lienthong_broker_consuming",
                "1 while this process takes deliveries from the broker; a process of `serve` never does.",
                counters.consuming,
            ),
            ("lienthong_broker_blocked", "1 while the broker takes nothing from us.", counters.blocked),
        ):
            yield GaugeMetricFamily(name, text, value=is_so)


class BacklogCollector(Collector):
    """Per-agency figures from the ledger, as of the last `update`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._backlog: Sequence[Backlog] = ()
        self._at: datetime | None = None
        registry.register(self)

    def update(self, backlog: Sequence[Backlog], *, at: datetime) -> None:
        """Replace the figures."""
        self._backlog, self._at = backlog, at

    def collect(self) -> Iterable[Metric]:
        """Return the families; the last one is what the duty officer looks at first."""
        waiting = GaugeMetricFamily(
            "lienthong_agency_deliveries", "Open deliveries.", labels=["agency", "state"]
        )
        ended = CounterMetricFamily(
            "lienthong_agency_deliveries_ended", "Ended deliveries.", labels=["agency", "state"]
        )
        oldest = GaugeMetricFamily(
            "lienthong_agency_oldest_undelivered_seconds",
            "Age of the oldest delivery the agency has not answered.",
            labels=["agency"],
        )
        for each in self._backlog:
            for state, count in (("queued", each.queued), ("offered", each.offered), ("parked", each.parked)):
                waiting.add_metric([each.agency, state], count)
            for state, count in (("delivered", each.delivered), ("refused", each.refused)):
                ended.add_metric([each.agency, state], count)
            oldest.add_metric([each.agency], self._age(each))
        return [waiting, ended, oldest]

    def _age(self, backlog: Backlog) -> float:
        if self._at is None or backlog.oldest_open_at is None:
            return 0.0
        return max((self._at - backlog.oldest_open_at).total_seconds(), 0.0)
