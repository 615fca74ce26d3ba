"""What Prometheus sees of the fetching of evidence."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from adapters.evidence_fetching import Fetcher


class FetchCollector(Collector):
    """What became of fetches, read at each scrape."""

    def __init__(self, registry: CollectorRegistry, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Return the family."""
        fetches = CounterMetricFamily(
            "lienthong_evidence_fetches",
            "Fetches of revocation lists, answers and certificates, by what became of them.",
            labels=["kind", "outcome"],
        )
        for (kind, outcome), count in sorted(self._fetcher.outcomes.items()):
            fetches.add_metric([kind, outcome], count)
        yield fetches
