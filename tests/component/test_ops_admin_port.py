"""The admin port: /livez, /readyz and /metrics as a probe and a Prometheus meet them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from adapters.bodies import FolderBodies
from broker.counters import BrokerCounters
from broker.direct import DirectBroker
from broker.sweeper import Sweeper
from gateway.domain.directory_ports import Directory
from gateway.domain.errors import RecipientRefused, SigningUnavailable, StoreUnavailable
from gateway.domain.ledger import Backlog
from gateway.domain.ledger_ports import Records
from gateway.domain.model import Channel, Lane
from gateway.domain.states import DeliveryState
from gateway.service.acknowledge import acknowledge
from gateway.service.exchange import Exchange
from ops.metrics import Metrics
from ops.parts import Parts, open_admin
from ops.settings import load
from tests.support.exchange import OTHER_RECIPIENT, PUSHED_RECIPIENT, RECIPIENT, World, open_world
from tests.support.paperwork import Clerk
from tests.support.twins import PatientBroker

NAME = re.compile(r"lienthong_[a-z]+(_[a-z]+)*")
OUR_LABELS = {"agency", "channel", "kind", "label", "lane", "outcome", "state", "verdict"}
LABELS = OUR_LABELS | {"method", "route", "status", "le"}


class AwayBroker(PatientBroker):
    """A broker nobody can reach."""

    async def waiting(self) -> dict[tuple[Lane, Channel], int]:
        """Know of no queue."""
        return {}


class AwayRecord:
    """A record that does not answer."""

    async def version(self) -> str:
        """Fail."""
        raise StoreUnavailable

    async def backlog(self, *, now: datetime) -> list[Backlog]:
        """Fail."""
        raise StoreUnavailable


@dataclass
class Admin:
    """An exchange with an admin port; `metrics` are those it counts with."""

    world: World
    exchange: Exchange
    metrics: Metrics
    counters: BrokerCounters
    url: str
    session: aiohttp.ClientSession

    async def get(self, path: str) -> tuple[int, str]:
        """Return status and text."""
        async with self.session.get(self.url + path) as answer:
            return answer.status, await answer.text()

    async def parts(self) -> tuple[int, dict[str, str]]:
        """Return the status of /readyz and what it says of each part."""
        async with self.session.get(f"{self.url}/readyz?verbose") as answer:
            return answer.status, (await answer.json())["parts"]

    async def scrape(self) -> dict[str, Metric]:
        """Return the metric families by name."""
        status, text = await self.get("/metrics")
        assert status == 200
        return {family.name: family for family in text_string_to_metric_families(text)}

    async def value(self, family: str, **labels: str) -> float:
        """Return one figure; labels that are not named do not matter."""
        (value,) = [
            sample.value
            for sample in (await self.scrape())[family].samples
            if labels.items() <= sample.labels.items()
        ]
        return value


Opener = Callable[..., Any]


@pytest.fixture
async def open_port(tmp_path: Path) -> AsyncIterator[Opener]:
    """Open admin ports; keyword arguments replace parts of the exchange."""
    async with AsyncExitStack() as opened:

        async def open_(*, floor_bytes: int = 1, **replaced: Any) -> Admin:
            return await opened.enter_async_context(_admin(tmp_path, floor_bytes, replaced))

        yield open_


@asynccontextmanager
async def _admin(folder: Path, floor_bytes: int, replaced: dict[str, Any]) -> AsyncIterator[Admin]:
    environ = {
        "LIENTHONG_DATA_DIR": str(folder),
        "LIENTHONG_ADMIN__PORT": "0",
        "LIENTHONG_LIMITS__FREE_SPACE_BYTES": str(floor_bytes),
    }
    unused: Any = None
    async with open_world(folder) as world, aiohttp.ClientSession() as session:
        metrics, counters = Metrics(), BrokerCounters()
        x = replace(world.exchange, meter=metrics, **replaced)
        bodies, key = cast(FolderBodies, x.bodies), cast(Any, world.signer)
        parts = Parts(load(None, environ), unused, bodies, key, metrics, counters)
        sweeper = Sweeper(x.deliveries, x.broker, clock=x.clock, grace=x.rules.grace)
        world.exchange = x
        async with open_admin(parts, x, sweeper=sweeper) as url:
            yield Admin(world, x, metrics, counters, url, session)


# --- health ------------------------------------------------------------------------------------------


async def test_exchange_in_order_is_alive_and_ready(open_port: Opener) -> None:
    admin = await open_port()
    assert await admin.get("/livez") == (200, "alive\n")
    assert await admin.get("/readyz") == (200, "ready\n")
    assert await admin.parts() == (200, dict.fromkeys(("record", "bodies", "receipt-key", "broker"), "ok"))


async def test_broker_that_is_away_is_shown_and_documents_are_taken_all_the_same(open_port: Opener) -> None:
    admin = await open_port(broker=AwayBroker())
    status, parts = await admin.parts()
    assert status == 200
    assert parts["broker"].startswith("away")
    assert await admin.get("/readyz") == (200, "ready\n")


async def test_without_the_record_it_is_alive_and_not_ready(open_port: Opener) -> None:
    admin = await open_port(directory=cast(Directory, AwayRecord()))
    assert await admin.get("/readyz") == (503, "not ready\n")
    status, parts = await admin.parts()
    assert (status, parts["record"]) == (503, StoreUnavailable().detail)
    assert (await admin.get("/livez"))[0] == 200


async def test_without_the_receipt_key_it_is_not_ready(open_port: Opener) -> None:
    admin = await open_port()
    admin.world.signer.failure = SigningUnavailable()
    status, parts = await admin.parts()
    assert (status, parts["receipt-key"]) == (503, SigningUnavailable().detail)


async def test_without_free_space_it_is_not_ready(open_port: Opener) -> None:
    admin = await open_port(floor_bytes=10**18)
    status, parts = await admin.parts()
    assert status == 503
    assert "below the floor" in parts["bodies"]


async def test_without_the_folder_of_bodies_it_is_not_ready_and_still_measured(
    open_port: Opener, tmp_path: Path
) -> None:
    admin = await open_port()
    (tmp_path / "bodies").rename(tmp_path / "unmounted")
    status, parts = await admin.parts()
    assert status == 503
    assert "bodies" in parts["bodies"]
    assert (await admin.get("/metrics"))[0] == 200


# --- metrics -----------------------------------------------------------------------------------------


async def busy(admin: Admin) -> Clerk:
    """Let the exchange accept, offer, park and end some deliveries."""
    clerk = Clerk(admin.world)
    admin.world.webhook.script = [RecipientRefused("the webhook answered 410")]
    await clerk.send(to=[RECIPIENT, OTHER_RECIPIENT, PUSHED_RECIPIENT])
    await admin.world.work()
    await clerk.send(to=[RECIPIENT], document_id="VB-2")
    taken = clerk.accepted[0].deliveries[0].id
    await acknowledge(admin.exchange, taken, by=RECIPIENT, state=DeliveryState.DELIVERED)
    admin.metrics.request("GET", "/v1/documents/{document}", 200, 0.01)
    return clerk


async def test_metrics_keep_the_rules_of_prometheus(open_port: Opener) -> None:
    admin = await open_port()
    await busy(admin)
    for family in (await admin.scrape()).values():
        assert NAME.fullmatch(family.name)
        assert family.documentation.endswith(".")
        assert not family.name.endswith(("_total", "_count", "_sum", "_bucket", "_info"))
        assert not re.search(r"_(ms|milliseconds|minutes|kb|mb|percent)\b", family.name)
        names = {sample.name for sample in family.samples}
        if family.type == "counter":
            assert names <= {f"{family.name}_total"}
        if family.type == "histogram":
            assert family.name.endswith(("_seconds", "_bytes"))


async def test_labels_are_bounded_and_never_name_a_document(open_port: Opener) -> None:
    admin = await open_port()
    clerk = await busy(admin)
    _, text = await admin.get("/metrics")
    families = text_string_to_metric_families(text)
    assert {label for family in families for each in family.samples for label in each.labels} == LABELS
    for accepted in clerk.accepted:
        ids = [accepted.document.id, accepted.receipt.id, *(each.id for each in accepted.deliveries)]
        assert not any(each in text for each in ids)


async def test_figures_per_agency_come_from_the_record(open_port: Opener) -> None:
    admin = await open_port()
    await busy(admin)
    admin.world.clock += timedelta(hours=2)
    states = ("queued", "offered", "parked")
    waiting = {
        agency: [
            await admin.value("lienthong_agency_deliveries", agency=agency, state=state) for state in states
        ]
        for agency in (RECIPIENT, OTHER_RECIPIENT, PUSHED_RECIPIENT)
    }
    assert waiting == {RECIPIENT: [1, 0, 0], OTHER_RECIPIENT: [0, 1, 0], PUSHED_RECIPIENT: [0, 0, 1]}
    ended = await admin.value("lienthong_agency_deliveries_ended", agency=RECIPIENT, state="delivered")
    age = await admin.value("lienthong_agency_oldest_undelivered_seconds", agency=PUSHED_RECIPIENT)
    assert (ended, age) == (1, 7200)


async def test_histograms_count_per_lane_channel_and_end(open_port: Opener) -> None:
    admin = await open_port()
    await busy(admin)
    offered = (await admin.scrape())["lienthong_delivery_offered_seconds"]
    counts = {each.labels["channel"]: each.value for each in offered.samples if each.name.endswith("_count")}
    assert counts == {"inbox": 2}
    ended = (await admin.scrape())["lienthong_delivery_ended_seconds"]
    assert [each.value for each in ended.samples if each.name.endswith("_count")] == [1]
    assert await admin.value("lienthong_documents_accepted", label="signed") == 2


async def test_sweeper_that_is_behind_is_seen(open_port: Opener) -> None:
    admin = await open_port()
    admin.world.clock += timedelta(seconds=90)
    assert await admin.value("lienthong_sweeper_lag_seconds") == 90


async def test_direct_hand_over_counts_as_a_broker_that_is_up(open_port: Opener) -> None:
    admin = await open_port()
    assert await admin.value("lienthong_broker_up") == 0
    DirectBroker(counters=admin.counters)
    assert await admin.value("lienthong_broker_up") == 1


async def test_what_the_broker_counts_is_exported(open_port: Opener) -> None:
    admin = await open_port()
    admin.counters.dropped, admin.counters.sessions_lost, admin.counters.blocked = 7, 2, True
    assert await admin.value("lienthong_broker_deliveries", outcome="dropped") == 7
    assert await admin.value("lienthong_broker_sessions_lost") == 2
    assert await admin.value("lienthong_broker_blocked") == 1


async def test_while_the_record_is_away_the_other_metrics_stay(open_port: Opener) -> None:
    admin = await open_port(records=cast(Records, AwayRecord()))
    admin.world.clock += timedelta(minutes=5)
    assert await admin.value("lienthong_backlog_age_seconds") > 300
    assert await admin.value("lienthong_bodies_free_bytes") > 0
