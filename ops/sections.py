"""The sections of the settings. `ops/settings.default.toml` says what each key means."""

from __future__ import annotations

from datetime import date, time

import msgspec


class Http(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the exchange listens."""

    host: str
    port: int
    tls_certificate: str
    tls_key: str
    trusted_proxies: list[str]


class Admin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where metrics and health are served."""

    host: str
    port: int


class LimitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much, how fast, how slow."""

    request_bytes: int
    file_bytes: int
    files: int
    envelope_bytes: int
    part_header_bytes: int
    header_seconds: float
    idle_seconds: float
    body_idle_seconds: float
    body_min_bytes_per_second: int
    connections: int
    connections_per_address: int
    requests_per_second: float
    requests_burst: int
    bytes_per_second: float
    bytes_burst: int
    token_seconds: float
    inbox_wait_seconds: float
    free_space_bytes: int


class ExchangeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Life, grace, leases and retries of deliveries."""

    life_days: float
    grace_seconds: float
    handover_lease_seconds: float
    inbox_lease_seconds: float
    retry_schedule_seconds: list[float]
    line_wait_seconds: float
    breaker_failures: int
    breaker_seconds: float
    urgent_minutes: float
    change_answer_days: int
    returns_before_parked: int
    relay_code: str


class Calendar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Working days and hours."""

    holidays: list[date]
    worked: list[date]
    morning_ends: time
    day_ends: time


class BrokerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Publishing, consuming, sweeping."""

    short_queue: int
    buffer: int
    timeout_seconds: float
    webhook_workers: int
    sweep_seconds: float
    management_url: str


class WebhookSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pushing to agencies."""

    timeout_seconds: float
    allowed_networks: list[str]


class DatabaseSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Connections to the record."""

    pool: int
    statement_timeout_seconds: float


class Parsing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parsing workers."""

    workers: int
    seconds: float
    packet_seconds: float
    memory_bytes: int
    unpacked_bytes: int
    files_per_worker: int


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What files may hold besides their text."""

    active: str
    scanner_command: list[str]
    scanner_seconds: float


class Trust(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to believe."""

    dir: str


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What says whether certificates still hold: where it is kept, and who may be asked."""

    dir: str
    hosts: list[str]
    allowed_networks: list[str]
    answer_seconds: float
    wait_seconds: float
    crl_bytes: int


class Receipts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The receipt key."""

    key_path: str


class Vxp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Connected centres that speak the national axis's protocol."""

    key_path: str
    window_seconds: float
    max_agencies: int
    own_zone_too: bool


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is logged."""

    level: str
