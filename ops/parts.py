"""The parts of a process, opened from the settings and bound into an Exchange."""

from __future__ import annotations

import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from ipaddress import ip_network

from adapters.bodies import FolderBodies, open_bodies
from adapters.db.ledger import Ledger, open_ledger
from adapters.db.migrate import revisions
from adapters.edxml.packets import EdxmlPackets
from adapters.egress import EgressRules, open_egress
from adapters.key_worker import KeyWorker, open_key_worker
from adapters.secrets import SecretBox
from adapters.vxp.server import mount as mount_vxp
from adapters.webhook import WebhookConnector
from broker.counters import BrokerCounters
from broker.sweeper import Sweeper
from gateway.domain.errors import DependencyUnavailable, ExchangeError
from gateway.domain.model import Channel
from gateway.domain.ports import Broker, Connector, Wakeups
from gateway.domain.retry import in_steps
from gateway.domain.working_days import VIETNAM, WorkingCalendar
from gateway.edge.limits import Limits
from gateway.edge.server import serve
from gateway.http.app import make_app
from gateway.service.breaker import Breaker
from gateway.service.exchange import Exchange, Rules
from gateway.service.receipt_batch import ReceiptBatch
from ops.health import Checks, admin_port
from ops.metrics import BacklogCollector, BrokerCollector, Metrics
from ops.settings import NotInitialised, Settings, seconds
from ops.verifying import NoParsing, open_verifier
from ops.worker_commands import key_worker_command

BACKLOG_AGE = timedelta(seconds=10)
"""How old per-agency figures may be: they cost one pass over the open deliveries."""


def now() -> datetime:
    """Return the present moment in UTC: the clock of every role."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """What every role opens."""

    settings: Settings
    ledger: Ledger
    bodies: FolderBodies
    key_worker: KeyWorker
    metrics: Metrics
    counters: BrokerCounters


def check_initialised(settings: Settings) -> None:
    """Pass when `lienthong init` has been run to its end.

    Raises:
        NotInitialised: It has not.
    """
    if not settings.receipt_key_path.exists():
        raise NotInitialised(f"{settings.receipt_key_path} does not exist: run `lienthong init` first")


async def check_tables(ledger: Ledger) -> None:
    """Pass when the tables are those of this version.

    Raises:
        NotInitialised: They are not.
    """
    tables = await revisions(ledger.database)
    if not tables.agree:
        raise NotInitialised(
            f"the record is at revision {tables.current}, this version wants {tables.expected}: "
            "run `lienthong init`"
        )


@asynccontextmanager
async def open_parts(settings: Settings) -> AsyncIterator[Parts]:
    """Open the record, the bodies and the key worker.

    Raises:
        NotInitialised: `lienthong init` has not been run, or not by this version.
    """
    check_initialised(settings)
    bodies = await open_bodies(
        settings.bodies_dir, free_floor_bytes=settings.limits.free_space_bytes, now=now()
    )
    async with (
        open_ledger(settings.record_url, pool_size=settings.database.pool) as ledger,
        open_key_worker(key_worker_command(settings.receipt_key_path)) as key_worker,
    ):
        await check_tables(ledger)
        yield Parts(settings, ledger, bodies, key_worker, Metrics(), BrokerCounters())


@asynccontextmanager
async def open_exchange(
    parts: Parts, *, broker: Broker, wakeups: Wakeups, agency_queues: Connector, parses: bool = True
) -> AsyncIterator[Exchange]:
    """Bind everything a service may touch; parsing workers only where documents are taken in."""
    settings, ledger = parts.settings, parts.ledger
    rules = rules_of(settings)
    networks = tuple(ip_network(network) for network in settings.webhook.allowed_networks)
    egress_rules = EgressRules(allowed=networks, total=seconds(settings.webhook.timeout_seconds))
    registry = parts.metrics.registry
    async with (
        open_egress(egress_rules) as egress,
        open_verifier(settings, registry, clock=now) if parses else nullcontext(NoParsing()) as parsers,
    ):
        yield Exchange(
            clock=now,
            random=random.random,
            rules=rules,
            directory=ledger.directory,
            clients=ledger.clients,
            submissions=ledger.submissions,
            deliveries=ledger.deliveries,
            inbox=ledger.inbox,
            records=ledger.records,
            lives=ledger.lives,
            systems=ledger.systems,
            dossiers=ledger.dossiers,
            reports=ledger.reports,
            packets=EdxmlPackets(parts.bodies, parsers, relay=settings.exchange.relay_code),
            bodies=parts.bodies,
            verifier=parsers,
            receipts=ReceiptBatch(parts.key_worker),
            connectors={
                Channel.WEBHOOK: WebhookConnector(egress, settings.public_url, now),
                Channel.AMQP: agency_queues,
            },
            broker=broker,
            wakeups=wakeups,
            breaker=Breaker(rules.breaker_failures, rules.breaker_wait),
            meter=parts.metrics,
        )


def rules_of(settings: Settings) -> Rules:
    """Return the rules the settings make."""
    chosen = settings.exchange
    return Rules(
        life=timedelta(days=chosen.life_days),
        grace=seconds(chosen.grace_seconds),
        handover_lease=seconds(chosen.handover_lease_seconds),
        inbox_lease=seconds(chosen.inbox_lease_seconds),
        retry_schedule=in_steps(
            [seconds(wait) for wait in chosen.retry_schedule_seconds],
            longest=seconds(chosen.line_wait_seconds),
        ),
        breaker_failures=chosen.breaker_failures,
        breaker_wait=seconds(chosen.breaker_seconds),
        calendar=_calendar(settings),
        urgent_within=timedelta(minutes=chosen.urgent_minutes),
        change_answer_days=chosen.change_answer_days,
        returns_before_parked=chosen.returns_before_parked,
    )


def _calendar(settings: Settings) -> WorkingCalendar:
    chosen = settings.calendar
    return WorkingCalendar(
        holidays=frozenset(chosen.holidays),
        worked=frozenset(chosen.worked),
        morning_ends=chosen.morning_ends,
        day_ends=chosen.day_ends,
    )


# --- listening -----------------------------------------------------------------------------------


@asynccontextmanager
async def open_http(parts: Parts, x: Exchange) -> AsyncIterator[None]:
    """Serve the API until the context ends; then running requests are finished first."""
    settings, limits = parts.settings, _limits(parts.settings)
    app = make_app(x, limits, public_url=settings.public_url, observer=parts.metrics.request)
    box = SecretBox(settings.vxp_key_path)
    vxp = settings.vxp
    window, zones = seconds(vxp.window_seconds), clock_zones(settings)
    mount_vxp(app, box=box, window=window, max_agencies=vxp.max_agencies, zones=zones)
    http = settings.http
    async with serve(app, host=http.host, port=http.port, limits=limits, tls=_tls(settings)) as url:
        # The one line people wait for when they start it by hand; scripts read it too.
        print(f"lienthong listens on {url}", flush=True)
        yield


def clock_zones(settings: Settings) -> list[tzinfo]:
    """Return the time zones that the wall clocks of VXP clients may be in."""
    own = datetime.now().astimezone().tzinfo
    assert own is not None, "astimezone gives one"
    return [VIETNAM, own] if settings.vxp.own_zone_too else [VIETNAM]


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if not settings.http.tls_certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.http.tls_certificate, settings.http.tls_key)
    return context


def _limits(settings: Settings) -> Limits:
    chosen = settings.limits
    return Limits(
        max_request_bytes=chosen.request_bytes,
        max_file_bytes=chosen.file_bytes,
        max_files=chosen.files,
        max_header_bytes=chosen.part_header_bytes,
        max_envelope_bytes=chosen.envelope_bytes,
        header_timeout=seconds(chosen.header_seconds),
        idle_timeout=seconds(chosen.idle_seconds),
        body_idle_timeout=seconds(chosen.body_idle_seconds),
        body_min_rate_bytes=chosen.body_min_bytes_per_second,
        max_connections=chosen.connections,
        max_connections_per_address=chosen.connections_per_address,
        requests_per_second=chosen.requests_per_second,
        requests_burst=chosen.requests_burst,
        bytes_per_second=chosen.bytes_per_second,
        bytes_burst=chosen.bytes_burst,
        token_life=seconds(chosen.token_seconds),
        inbox_wait_max=seconds(chosen.inbox_wait_seconds),
        trusted_proxies=tuple(ip_network(proxy) for proxy in settings.http.trusted_proxies),
        # One worker is left to the others, where there is more than one.
        judgements_at_once=max(1, settings.parsing.workers - 1),
    )


@asynccontextmanager
async def open_admin(parts: Parts, x: Exchange, *, sweeper: Sweeper | None) -> AsyncIterator[str]:
    """Serve health and metrics; the value is the URL. Per-agency figures come from who sweeps."""
    metrics = parts.metrics
    backlog = BacklogCollector(metrics.registry)
    BrokerCollector(metrics.registry, parts.counters)
    taken_at = x.clock() - BACKLOG_AGE

    async def refresh() -> None:
        nonlocal taken_at
        moment = x.clock()
        metrics.circuits_open.set(x.breaker.open_count(now=moment))
        with suppress(OSError):  # the readiness check says so
            metrics.free_space.set(parts.bodies.free_bytes)
        if sweeper is None:
            return
        metrics.sweeper_lag.set(sweeper.lag.total_seconds())
        if moment - taken_at >= BACKLOG_AGE:
            # Without the record the other figures are wanted most: these keep their last values.
            with suppress(DependencyUnavailable):
                backlog.update(await x.records.backlog(now=moment), at=moment)
                taken_at = moment
        metrics.backlog_age.set((moment - taken_at).total_seconds())

    admin = parts.settings.admin
    checks = _checks(parts, x)
    async with admin_port(
        admin.host, admin.port, checks=checks, registry=parts.metrics.registry, refresh=refresh
    ) as url:
        yield url


def _checks(parts: Parts, x: Exchange) -> Checks:
    async def record() -> str | None:
        return await _answers(x.directory.version)

    async def bodies() -> str | None:
        try:
            free = parts.bodies.free_bytes
        except OSError as error:
            return str(error)
        floor = parts.settings.limits.free_space_bytes
        return None if free > floor else f"{free} bytes free, below the floor of {floor}"

    async def receipt_key() -> str | None:
        return await _answers(lambda: parts.key_worker.sign_root(bytes(32)))

    async def broker() -> str | None:
        # Away is not unready: documents are accepted all the same and handed over later.
        return None if await x.broker.waiting() else "away: hand-over waits, documents are accepted"

    return Checks(
        needed={"record": record, "bodies": bodies, "receipt-key": receipt_key},
        shown={"broker": broker},
    )


async def _answers(question: Callable[[], Awaitable[object]]) -> str | None:
    try:
        await question()
    except ExchangeError as error:
        return error.detail
    return None
