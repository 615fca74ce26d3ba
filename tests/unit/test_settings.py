"""Settings: defaults, a site's file, the environment; everything wrong is named at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops.parts import rules_of
from ops.settings import Settings, SettingsError, load, masked

PUBLIC = {"LIENTHONG_HTTP__HOST": "0.0.0.0"}


def settings(**environment: str) -> Settings:
    return load(None, {f"LIENTHONG_{name}": value for name, value in environment.items()})


def faults(config: Path | None = None, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(config, environ or {})
    return caught.value.faults


def fault(**environment: str) -> str:
    (only,) = faults(None, {f"LIENTHONG_{name}": value for name, value in environment.items()})
    return only


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "site.toml"


# --- layers ----------------------------------------------------------------------------------------


def test_defaults_alone_are_good_settings() -> None:
    found = settings()
    assert (found.http.host, found.http.port, found.broker_url) == ("127.0.0.1", 8080, "direct:")
    assert found.is_embedded


def test_environment_wins_over_the_file_and_the_file_over_the_defaults(config: Path) -> None:
    config.write_text('[http]\nport = 9000\nhost = "localhost"\n')
    found = load(config, {"LIENTHONG_HTTP__PORT": "9001"})
    assert (found.http.port, found.http.host, found.admin.port) == (9001, "localhost", 8081)


def test_environment_takes_numbers_and_lists_as_toml_and_text_as_it_is() -> None:
    found = settings(
        EXCHANGE__RETRY_SCHEDULE_SECONDS="[1, 2.5]", EXCHANGE__LIFE_DAYS="7", PUBLIC_URL="http://[::1]:80"
    )
    assert found.exchange.retry_schedule_seconds == [1, 2.5]
    assert found.exchange.life_days == 7
    assert found.public_url == "http://[::1]:80"


def test_secret_is_read_from_the_file_named_by_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://lt:s3cret@db/lt\n")
    found = settings(DATABASE_URL_FILE=str(secret))
    assert found.record_url == "postgresql://lt:s3cret@db/lt"
    assert not found.is_embedded


def test_names_of_the_command_line_and_of_others_are_no_settings() -> None:
    names = ("CONFIG", "URL", "CLIENT_ID", "CLIENT_SECRET", "CLIENT_SECRET_FILE")
    assert settings(**dict.fromkeys(names, "x")) == load(None, {"PATH": "/bin", "LIEN": "x"})


def test_places_follow_the_data_folder_unless_they_are_named(tmp_path: Path) -> None:
    found = settings(DATA_DIR=str(tmp_path))
    assert found.record_url == f"sqlite:///{tmp_path}/lienthong.db"
    assert found.bodies_dir == tmp_path / "bodies"
    assert found.trust_dir == tmp_path / "trust"
    assert found.evidence_dir == tmp_path / "evidence"
    assert found.receipt_key_path == tmp_path / "receipt-key.pem"
    named = settings(BODIES_URL="file:///srv/b", TRUST__DIR="/srv/t", RECEIPTS__KEY_PATH="/srv/k.pem")
    assert (named.bodies_dir, named.trust_dir) == (Path("/srv/b"), Path("/srv/t"))
    assert named.receipt_key_path == Path("/srv/k.pem")


# --- everything wrong is named at once ---------------------------------------------------------------


def test_unknown_keys_of_file_and_environment_and_wrong_types_are_all_named(config: Path) -> None:
    config.write_text('colour = "red"\nwebhook = 3\n[http]\nprot = 1\nport = "no"\n[nowhere]\nx = 1\n')
    environ = {
        "LIENTHONG_HTPP__PORT": "1",
        "LIENTHONG_HTTP": "1",
        "LIENTHONG_ADMIN__PORT": "eighty",
        "LIENTHONG_LIMITS__FILES": '"many"',
    }
    assert [each.split(": ")[0] for each in faults(config, environ)] == [
        str(config),
        f"{config} [http]",
        str(config),
        "LIENTHONG_ADMIN__PORT",
        "LIENTHONG_HTPP__PORT",
        "LIENTHONG_HTTP",
        "http.port",
        "limits.files",
        "webhook",
    ]


def test_wrong_values_are_all_named() -> None:
    environ = {
        "LIENTHONG_DATABASE_URL": "mysql://x",
        "LIENTHONG_BROKER_URL": "kafka://x",
        "LIENTHONG_BODIES_URL": "/srv",
        "LIENTHONG_PUBLIC_URL": "lienthong.example.vn",
        "LIENTHONG_HTTP__TLS_KEY": "key.pem",
        "LIENTHONG_HTTP__PORT": "65536",
        "LIENTHONG_HTTP__TRUSTED_PROXIES": '["proxy"]',
        "LIENTHONG_WEBHOOK__ALLOWED_NETWORKS": '["10.0.0.0/33", "10.0.0.1/8"]',
        "LIENTHONG_EVIDENCE__ALLOWED_NETWORKS": '["loopback"]',
        "LIENTHONG_EVIDENCE__HOSTS": '["ocsp.example.vn", "crl.example.vn:8080", "http://ocsp.example.vn/"]',
        "LIENTHONG_WEBHOOK__TIMEOUT_SECONDS": "60",
        "LIENTHONG_EXCHANGE__RETRY_SCHEDULE_SECONDS": "[]",
        "LIENTHONG_LOG__LEVEL": "LOUD",
        "LIENTHONG_BROKER__BUFFER": "0",
        "LIENTHONG_EVIDENCE__WAIT_SECONDS": "0",
    }
    assert [each.split(": ")[0] for each in faults(None, environ)] == [
        "database_url",
        "broker_url",
        "bodies_url",
        "public_url",
        "http",
        "http.port",
        "http.trusted_proxies",
        "webhook.allowed_networks",
        "webhook.allowed_networks",
        "evidence.allowed_networks",
        "evidence.hosts",
        "exchange.handover_lease_seconds",
        "webhook.timeout_seconds",
        "exchange.retry_schedule_seconds",
        "log.level",
        "broker.buffer",
        "evidence.wait_seconds",
    ]


@pytest.mark.parametrize("number", ["0", "-1", "nan", "inf"])
def test_durations_must_be_real_and_greater_than_nothing(number: str) -> None:
    assert "exchange.life_days" in fault(EXCHANGE__LIFE_DAYS=number)
    assert "exchange.retry_schedule_seconds" in fault(EXCHANGE__RETRY_SCHEDULE_SECONDS=f"[1, {number}]")


@pytest.mark.parametrize("content", [b"port = = 1", b'name = "\xff"', None])
def test_file_that_cannot_be_read_is_named(config: Path, content: bytes | None) -> None:
    if content is not None:
        config.write_bytes(content)
    assert str(config) in faults(config)[0]


def test_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"\xff")
    environ = {
        "LIENTHONG_BROKER_URL_FILE": str(tmp_path / "none"),
        "LIENTHONG_DATABASE_URL_FILE": str(tmp_path / "bad"),
    }
    assert [each.split(":")[0] for each in faults(None, environ)] == list(environ)


# --- hand-over ---------------------------------------------------------------------------------------


def test_no_wait_of_a_line_is_longer_than_a_quarter_of_an_hour_and_it_is_parked_after_three_days() -> None:
    waits = rules_of(settings()).retry_schedule
    assert max(waits) == timedelta(minutes=15)
    assert timedelta(days=3) < sum(waits, timedelta()) < timedelta(days=4)


def test_site_may_choose_how_long_a_line_waits_at_most() -> None:
    chosen = settings(EXCHANGE__LINE_WAIT_SECONDS="60", EXCHANGE__RETRY_SCHEDULE_SECONDS="[5, 120]")
    assert rules_of(chosen).retry_schedule == [timedelta(seconds=each) for each in (5, 60, 60)]


def test_webhooks_in_a_row_must_end_before_their_handler_is_given_up() -> None:
    lease = {"EXCHANGE__HANDOVER_LEASE_SECONDS": "60"}
    assert settings(WEBHOOK__TIMEOUT_SECONDS="29", **lease).webhook.timeout_seconds == 29
    assert "webhook.timeout_seconds" in fault(WEBHOOK__TIMEOUT_SECONDS="30", **lease)


# --- deadlines ---------------------------------------------------------------------------------------


def test_calendar_of_the_default_settings_knows_the_holidays_of_2026_and_2027() -> None:
    calendar = rules_of(settings()).calendar
    assert calendar.next_working_day(date(2026, 2, 13)) == date(2026, 2, 23)
    assert calendar.next_working_day(date(2026, 8, 28)) == date(2026, 9, 3)
    assert calendar.is_working_day(date(2026, 8, 22))
    assert calendar.next_working_day(date(2027, 2, 4)) == date(2027, 2, 12)
    assert not any(day.weekday() >= 5 for day in calendar.holidays), "a weekend is free without the list"
    assert all(day.weekday() == 5 for day in calendar.worked)


def test_site_names_its_own_holidays_and_hours(config: Path) -> None:
    config.write_text("[calendar]\nholidays = [2028-01-03]\nworked = []\nday_ends = 16:30:00\n")
    calendar = rules_of(load(config, {})).calendar
    assert (calendar.holidays, calendar.worked) == (frozenset({date(2028, 1, 3)}), frozenset())
    assert (calendar.morning_ends, calendar.day_ends) == (time(12), time(16, 30))
    assert "calendar.holidays" in fault(CALENDAR__HOLIDAYS='["Tết"]')


def test_calendar_is_shown_among_the_effective_settings() -> None:
    assert "2026-02-17" in json.dumps(masked(settings())["calendar"])


def test_deadlines_of_urgent_documents_and_changes_are_settings() -> None:
    chosen = rules_of(settings(EXCHANGE__URGENT_MINUTES="15", EXCHANGE__CHANGE_ANSWER_DAYS="3"))
    assert (chosen.urgent_within, chosen.change_answer_days) == (timedelta(minutes=15), 3)
    assert chosen.returns_before_parked == 5
    assert "exchange.change_answer_days" in fault(EXCHANGE__CHANGE_ANSWER_DAYS="0")
    assert "exchange.relay_code" in fault(EXCHANGE__RELAY_CODE="")


# --- who may listen where ----------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "exchange.example.vn", ""])
def test_address_that_is_not_loopback_demands_tls_or_a_proxy(host: str) -> None:
    assert fault(HTTP__HOST=host).startswith("http.host:")
    assert settings(HTTP__HOST=host, HTTP__TRUSTED_PROXIES='["10.1.2.4"]').http.host == host
    tls = {"HTTP__TLS_CERTIFICATE": "c.pem", "HTTP__TLS_KEY": "k.pem"}
    assert settings(HTTP__HOST=host, **tls).http.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_neither(host: str) -> None:
    assert settings(HTTP__HOST=host).http.host == host


# --- showing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "amqp://lt:s3cret@mq/vhost",
        "amqps://lt:s3cret@with@signs@mq/",
        "amqp://lt:s3cret/unescaped@mq/vhost",
        "amqp://lt:s3cret[@mq/vhost",
        "amqp://mq/?Password=s3cret&heartbeat=9",
    ],
)
def test_shown_settings_hold_no_password(url: str) -> None:
    shown = masked(settings(BROKER_URL=url, DATABASE_URL="postgresql://lt:s3cret@db/lt"))
    assert "s3cret" not in json.dumps(shown)
    assert "mq" in shown["broker_url"]
    assert shown["database_url"] == "postgresql://lt:***@db/lt"


def test_shown_settings_without_password_are_the_effective_ones() -> None:
    shown: dict[str, Any] = masked(settings(DATABASE_URL="sqlite:///srv/a:b@c.db", HTTP__PORT="1"))
    assert (shown["database_url"], shown["http"]["port"]) == ("sqlite:///srv/a:b@c.db", 1)
