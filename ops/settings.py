"""Settings: the default file, a site's file, then the environment; checked whole before anything starts."""

from __future__ import annotations

import logging
import math
import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import urlsplit

import msgspec

from broker.consumer import HANDLE_WITHIN
from gateway.service.deliver import DRAIN_LIMIT
from ops.sections import (
    Admin,
    BrokerSettings,
    Calendar,
    Content,
    DatabaseSettings,
    Evidence,
    ExchangeSettings,
    Http,
    LimitSettings,
    Log,
    Parsing,
    Receipts,
    Trust,
    Vxp,
    WebhookSettings,
)

DEFAULTS = Path(__file__).with_name("settings.default.toml")
PREFIX = "LIENTHONG_"
DIRECT = "direct:"
"""The broker_url of hand-over within the process."""
OTHER_NAMES = frozenset({"CONFIG", "URL", "CLIENT_ID", "CLIENT_SECRET", "CLIENT_SECRET_FILE"})
"""LIENTHONG_… names that belong to the command line and its client, not to the settings."""

# Without parsing and up to the last @: a password that breaks its URL must not be shown either.
_PASSWORD_BEFORE_HOST = re.compile(r"(://[^/:@]*:).*@")
_SECTIONS_WITH_NUMBERS = (
    *("limits", "exchange", "broker", "webhook", "database"),
    *("parsing", "content", "evidence", "vxp"),
)
_HOST = re.compile(r"[a-z0-9.-]+(?::[0-9]{1,5})?", re.IGNORECASE)
_PASSWORD_IN_QUERY = re.compile(r"(password=)[^&]*", re.IGNORECASE)


class NotInitialised(Exception):
    """The record or the receipt key does not exist, or the record is of another version."""


class SettingsError(Exception):
    """The settings are wrong; `faults` names every one."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a site can choose. `ops/settings.default.toml` says what each key means."""

    data_dir: str
    database_url: str
    broker_url: str
    bodies_url: str
    public_url: str
    font_path: str
    http: Http
    admin: Admin
    limits: LimitSettings
    exchange: ExchangeSettings
    calendar: Calendar
    broker: BrokerSettings
    webhook: WebhookSettings
    database: DatabaseSettings
    parsing: Parsing
    content: Content
    trust: Trust
    evidence: Evidence
    receipts: Receipts
    vxp: Vxp
    log: Log

    @property
    def data(self) -> Path:
        """Return the data folder."""
        return Path(self.data_dir).absolute()

    @property
    def record_url(self) -> str:
        """Return the URL of the record."""
        return self.database_url or f"sqlite:///{self.data / 'lienthong.db'}"

    @property
    def bodies_dir(self) -> Path:
        """Return the folder of the bodies."""
        return Path(urlsplit(self.bodies_url).path) if self.bodies_url else self.data / "bodies"

    @property
    def trust_dir(self) -> Path:
        """Return the trust folder."""
        return Path(self.trust.dir) if self.trust.dir else self.data / "trust"

    @property
    def evidence_dir(self) -> Path:
        """Return the folder of the evidence that verdicts rest on."""
        return Path(self.evidence.dir) if self.evidence.dir else self.data / "evidence"

    @property
    def receipt_key_path(self) -> Path:
        """Return the PEM file of the receipt key."""
        return Path(self.receipts.key_path) if self.receipts.key_path else self.data / "receipt-key.pem"

    @property
    def vxp_key_path(self) -> Path:
        """Return the file of the key that secrets of connected centres are encrypted with."""
        return Path(self.vxp.key_path) if self.vxp.key_path else self.data / "vxp-key"

    @property
    def is_embedded(self) -> bool:
        """Return whether one process does everything on SQLite."""
        return self.record_url.startswith("sqlite:")


def load(config: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the effective settings.

    Raises:
        SettingsError: A file cannot be read, or keys are unknown, or values are wrong; all are named.
    """
    tree = tomllib.loads(DEFAULTS.read_text("utf-8"))
    faults: list[str] = []
    if config is not None:
        faults += _overlay(tree, _read(config), origin=str(config))
    faults += _overlay_environment(tree, environ)
    faults += _type_faults(tree, Settings)
    if faults:
        raise SettingsError(faults)
    settings = msgspec.convert(tree, Settings)
    faults = _faults(settings)
    if faults:
        raise SettingsError(faults)
    return settings


def seconds(number: float) -> timedelta:
    """Return a setting in seconds as a duration."""
    return timedelta(seconds=number)


def masked(settings: Settings) -> dict[str, Any]:
    """Return the effective settings for showing, passwords in URLs replaced."""
    shown: dict[str, Any] = msgspec.to_builtins(settings)
    for tree, key in ((shown, "database_url"), (shown, "broker_url"), (shown["broker"], "management_url")):
        tree[key] = _PASSWORD_IN_QUERY.sub(r"\1***", _PASSWORD_BEFORE_HOST.sub(r"\1***@", tree[key]))
    return shown


def _read(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError([f"{config}: {error}"]) from error


def _overlay(tree: dict[str, Any], above: Mapping[str, Any], *, origin: str) -> list[str]:
    """Put one layer over another; return a fault for each key that does not exist below."""
    faults = []
    for key, value in above.items():
        if key not in tree:
            faults.append(f"{origin}: there is no setting {key!r}")
        elif isinstance(tree[key], dict) and isinstance(value, dict):
            faults += _overlay(tree[key], value, origin=f"{origin} [{key}]")
        else:
            tree[key] = value
    return faults


def _overlay_environment(tree: dict[str, Any], environ: Mapping[str, str]) -> list[str]:
    faults = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name.removeprefix(PREFIX) in OTHER_NAMES:
            continue
        path, value = name.removeprefix(PREFIX).lower(), environ[name]
        if path.endswith("_file") and not _exists(tree, path):
            path = path.removesuffix("_file")
            try:
                value = Path(value).read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                faults.append(f"{name}: {error}")
                continue
        if not _exists(tree, path):
            faults.append(f"{name}: there is no such setting")
            continue
        faults += _set(tree, path, value, origin=name)
    return faults


def _exists(tree: dict[str, Any], path: str) -> bool:
    section, _, key = path.rpartition("__")
    below = tree.get(section, {}) if section else tree
    return isinstance(below, dict) and key in below and not isinstance(below[key], dict)


def _set(tree: dict[str, Any], path: str, text: str, *, origin: str) -> list[str]:
    section, _, key = path.rpartition("__")
    below = tree[section] if section else tree
    if isinstance(below[key], str):
        below[key] = text
        return []
    try:
        below[key] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return [f"{origin}: {text!r} is no TOML value"]
    return []


def _type_faults(tree: Mapping[str, Any], of: type[msgspec.Struct], *, section: str = "") -> list[str]:
    """Return a fault for each value of the wrong type; msgspec itself stops at the first."""
    faults = []
    for field in msgspec.structs.fields(of):
        name, value = section + field.name, tree[field.name]
        if isinstance(value, dict) and _is_section(field.type):
            faults += _type_faults(value, field.type, section=f"{name}.")
            continue
        try:
            msgspec.convert(value, field.type)
        except msgspec.ValidationError as error:
            faults.append(f"{name}: {error}")
    return faults


def _is_section(of: Any) -> TypeGuard[type[msgspec.Struct]]:
    return isinstance(of, type) and issubclass(of, msgspec.Struct)


def _faults(settings: Settings) -> list[str]:
    return [
        *_url_faults(settings),
        *_listening_faults(settings),
        *_network_faults("http.trusted_proxies", settings.http.trusted_proxies),
        *_network_faults("webhook.allowed_networks", settings.webhook.allowed_networks),
        *_network_faults("evidence.allowed_networks", settings.evidence.allowed_networks),
        *_host_faults(settings),
        *_exchange_faults(settings),
        *_content_faults(settings),
        *_number_faults(settings),
    ]


def _url_faults(settings: Settings) -> list[str]:
    faults = []
    if not settings.record_url.startswith(("sqlite:///", "postgresql://")):
        faults.append("database_url: must begin with sqlite:/// or postgresql://")
    if settings.broker_url != DIRECT and not settings.broker_url.startswith(("amqp://", "amqps://")):
        faults.append('broker_url: must be "direct:" or begin with amqp:// or amqps://')
    if settings.bodies_url and not settings.bodies_url.startswith("file:///"):
        faults.append("bodies_url: must begin with file:///")
    if settings.broker.management_url and not settings.broker.management_url.startswith(
        ("http://", "https://")
    ):
        faults.append("broker.management_url: must begin with http:// or https://")
    if not settings.public_url.startswith(("http://", "https://")):
        faults.append("public_url: must begin with http:// or https://")
    return faults


def _listening_faults(settings: Settings) -> list[str]:
    faults = []
    http = settings.http
    if bool(http.tls_certificate) != bool(http.tls_key):
        faults.append("http: tls_certificate and tls_key go together")
    if not _is_loopback(http.host) and not http.tls_certificate and not http.trusted_proxies:
        faults.append("http.host: an address that is not loopback demands TLS or trusted_proxies")
    for name, port in (("http.port", http.port), ("admin.port", settings.admin.port)):
        if not 0 <= port <= 65535:
            faults.append(f"{name}: must be between 0 (any free one) and 65535")
    return faults


def _exchange_faults(settings: Settings) -> list[str]:
    faults = []
    if settings.exchange.handover_lease_seconds <= settings.webhook.timeout_seconds:
        faults.append("exchange.handover_lease_seconds: must be longer than webhook.timeout_seconds")
    if settings.webhook.timeout_seconds * DRAIN_LIMIT >= HANDLE_WITHIN.total_seconds():
        longest = HANDLE_WITHIN.total_seconds() / DRAIN_LIMIT
        faults.append(f"webhook.timeout_seconds: must be below {longest:g}")
    if not settings.exchange.retry_schedule_seconds:
        faults.append("exchange.retry_schedule_seconds: name at least one wait")
    if not settings.exchange.relay_code.strip():
        faults.append("exchange.relay_code: must not be empty")
    if settings.log.level.upper() not in logging.getLevelNamesMapping():
        faults.append(f"log.level: {settings.log.level!r} is not DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return faults


def _content_faults(settings: Settings) -> list[str]:
    if settings.content.active in ("flag", "refuse"):
        return []
    return [f'content.active: {settings.content.active!r} is neither "flag" nor "refuse"']


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _network_faults(key: str, networks: list[str]) -> list[str]:
    faults = []
    for network in networks:
        try:
            ip_network(network)
        except ValueError as error:
            faults.append(f"{key}: {error}")
    return faults


def _host_faults(settings: Settings) -> list[str]:
    return [
        f'evidence.hosts: {host!r} is neither "name" nor "name:port"'
        for host in settings.evidence.hosts
        if not _HOST.fullmatch(host)
    ]


def _number_faults(settings: Settings) -> list[str]:
    faults = []
    for name in _SECTIONS_WITH_NUMBERS:
        for key, value in msgspec.to_builtins(getattr(settings, name)).items():
            numbers = value if isinstance(value, list) else [value]
            # Written so that "nan", which compares with nothing, is refused too. False is no number here.
            if not all(0 < number < math.inf for number in numbers if type(number) in (int, float)):
                faults.append(f"{name}.{key}: must be greater than 0")
    return faults
