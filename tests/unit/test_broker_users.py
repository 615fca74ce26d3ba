from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.domain.model import AgencyCode
from ops.broker_users import BrokerUser, rotate
from ops.settings import SettingsError, load, masked

ROOT = Path(__file__).resolve().parents[2]


def test_management_password_is_not_shown() -> None:
    settings = load(None, {"LIENTHONG_BROKER__MANAGEMENT_URL": "http://admin:s3cret@broker:15672"})
    assert masked(settings)["broker"]["management_url"] == "http://admin:***@broker:15672"


def test_management_url_is_one_of_http() -> None:
    with pytest.raises(SettingsError, match=r"broker\.management_url"):
        load(None, {"LIENTHONG_BROKER__MANAGEMENT_URL": "amqp://broker"})


def test_new_passwords_are_random_and_not_in_the_repr() -> None:
    first, second = BrokerUser(AgencyCode("H26.01"), "/"), BrokerUser(AgencyCode("H26.01"), "/")
    assert first.password != second.password
    assert first.password not in repr(first)


def test_dots_of_a_code_stand_for_themselves() -> None:
    user = BrokerUser(AgencyCode("H26.01"), "/")
    assert re.search(user.permissions["read"], "agency.H26.01")
    for other in ("agency.H26x01", "agency.H26.011", "agency.H26.01.02", "xagency.H26.01"):
        assert not re.search(user.permissions["read"], other)
    assert not re.search(user.topic_permissions["write"], "H26x01")
    assert not re.search(user.permissions["configure"], "agency.H26.01")


def test_exchange_keeps_the_permission_to_publish_for_last() -> None:
    paths = [path for _, path, _ in BrokerUser(AgencyCode("H26.01"), "/").steps_to_create()]
    assert paths[-2:] == ["topic-permissions/%2F/agency.H26.01", "permissions/%2F/agency.H26.01"]


async def test_without_rabbitmq_there_are_no_broker_users() -> None:
    with pytest.raises(SettingsError, match="needs RabbitMQ"):
        await rotate(load(None, {}), AgencyCode("H26.01"))


def test_without_the_management_api_the_command_says_what_to_run_and_ends_with_2() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ops.cli", "broker-users", "rotate", "H26.01"],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'queue'}", "LIENTHONG_BROKER_URL": "amqp://u:p@broker/"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "rabbitmqctl change_password agency.H26.01 " in done.stderr
