"""`lienthong status, statuses, recall, late` and packets, from an agency's terminal."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.support.api import Api, api
from tests.support.exchange import RECIPIENT, SENDER
from tests.support.sent_packet import PACKET
from tests.support.terminal import Terminals, at, decision, delivery

__all__ = ["api", "at", "decision", "delivery"]


async def test_status_is_reported_shown_to_the_sender_and_taken(at: Terminals, decision: Path) -> None:
    sent = await at(SENDER).json("send", decision, "--to", RECIPIENT)
    said = await at(RECIPIENT).run("status", sent["id"], "03", "--description", "đã vào sổ")
    shown = await at(SENDER).run("statuses", "--take")
    after = await at(SENDER).run("statuses")
    assert said.stdout == f"{RECIPIENT} → {SENDER}: 03 received\n"
    assert "03 received" in shown.stdout
    assert "đã vào sổ" in shown.stdout
    assert after.stdout == "Nothing new.\n"


async def test_status_out_of_turn_says_why_and_exits_with_1(at: Terminals, decision: Path) -> None:
    sent = await at(SENDER).json("send", decision, "--to", RECIPIENT)
    result = await at(RECIPIENT).run("status", sent["id"], "06")
    assert result.exit_code == 1
    assert "06 cannot follow sent" in result.stderr


async def test_late_shows_what_was_not_answered_in_time(at: Terminals, decision: Path, api: Api) -> None:
    await at(SENDER).run("send", decision, "--to", RECIPIENT, "--subject", "Về việc thử")
    before = await at(RECIPIENT).run("late")
    api.wait(timedelta(days=5))
    after = await at(RECIPIENT).run("late")
    assert before.stdout == "Nothing is late.\n"
    assert "Về việc thử" in after.stdout


async def test_packet_is_sent_as_it_is(at: Terminals, tmp_path: Path) -> None:
    packet = tmp_path / "7.edxml"
    packet.write_text(PACKET)
    sent = await at(SENDER).json("send", packet)
    inbox = await at(RECIPIENT).json("inbox")
    assert [item["document"]["id"] for item in inbox["items"]] == [sent["id"]]


async def test_packet_with_options_is_wrong_usage(at: Terminals, tmp_path: Path) -> None:
    packet = tmp_path / "7.edxml"
    packet.write_text(PACKET)
    result = await at(SENDER).run("send", packet, "--to", RECIPIENT)
    assert result.exit_code != 0
    assert "says everything itself" in result.output
