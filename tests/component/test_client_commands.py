"""`lienthong send … recall` as people and scripts meet them, against a real `/v1`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops.client.terminal import legal_time, table
from tests.support.api import Api, api
from tests.support.exchange import OTHER_RECIPIENT, RECIPIENT, SENDER, secret_of
from tests.support.terminal import Terminal, Terminals, at, decision, delivery
from tests.support.twins import SIGNED

__all__ = ["api", "at", "decision", "delivery"]

# --- sending ---------------------------------------------------------------------------------------


async def test_send_says_what_was_accepted(at: Terminals, decision: Path) -> None:
    to = f"{RECIPIENT},{OTHER_RECIPIENT}"
    result = await at(SENDER).run("send", decision, "--to", to, "--number", "12", "--notation", "QĐ-UBND")
    assert result.exit_code == 0
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines() if "  " in line)
    assert lines["subject"] == "Quyết định"
    assert lines["recipients"] == "2"


async def test_same_command_again_is_a_resend(at: Terminals, decision: Path) -> None:
    command = ("send", decision, "--to", RECIPIENT)
    first = await at(SENDER).json(*command)
    assert await at(SENDER).json(*command) == first
    other = await at(SENDER).json(*command, "--subject", "Khác")
    assert (other["id"] != first["id"], other["duplicate_of"]) == (True, None)


async def test_options_win_over_the_envelope_file(at: Terminals, decision: Path, tmp_path: Path) -> None:
    envelope = tmp_path / "envelope.json"
    envelope.write_text(
        json.dumps({"document_id": "VB-1", "subject": "Từ tệp", "to": ["H0"], "due_date": "2026-12-01"})
    )
    sent = await at(SENDER).json("send", decision, "--envelope", envelope, "--to", RECIPIENT)
    assert sent["document_id"] == "VB-1"
    (item,) = (await at(RECIPIENT).json("inbox"))["items"]
    assert (item["document"]["subject"], item["document"]["due_date"]) == ("Từ tệp", "2026-12-01")


async def test_refusal_prints_code_detail_and_every_reason_and_exits_with_1(
    at: Terminals, decision: Path
) -> None:
    result = await at(SENDER).run("send", decision, "--to", "H0,H1")
    assert result.exit_code == 1
    first, *reasons = result.stderr.splitlines()
    assert first.startswith("unknown-agency: ")
    assert [reason.split(":")[0] for reason in reasons] == ["  - H0", "  - H1"]


async def test_refusal_as_json(at: Terminals, decision: Path) -> None:
    problem = await at(SENDER).json("send", decision, "--to", "H0,H1")
    assert (problem["code"], problem["status"], len(problem["reasons"])) == ("unknown-agency", 422, 2)


async def test_unknown_recipients_can_be_left_out(at: Terminals, decision: Path) -> None:
    result = await at(SENDER).run("send", decision, "--to", f"{RECIPIENT},H0", "--skip-unknown")
    assert result.exit_code == 0
    assert "left out       H0" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [("send",), ("send", "--to", "H0"), ("send", __file__), ("send", "/nowhere.pdf", "--to", "H0")],
)
async def test_wrong_usage_is_a_usage_error(at: Terminals, arguments: tuple[str, ...]) -> None:
    assert (await at(SENDER).run(*arguments)).stderr.startswith("Usage: ")


@pytest.mark.parametrize("content", ["{", "[]", "\ufeff{}"])
async def test_envelope_that_is_none_is_a_usage_error(
    at: Terminals, decision: Path, tmp_path: Path, content: str
) -> None:
    envelope = tmp_path / "envelope.json"
    envelope.write_text(content, "utf-8")
    result = await at(SENDER).run("send", decision, "--to", "H0", "--envelope", envelope)
    assert "envelope.json" in result.stderr


# --- receiving -------------------------------------------------------------------------------------


async def test_inbox_is_a_table(at: Terminals, delivery: str) -> None:
    result = await at(RECIPIENT).run("inbox")
    header, row = result.stdout.splitlines()
    assert header.split() == ["DELIVERY", "FROM", "NUMBER", "URGENCY", "FILES", "UNTIL", "SUBJECT"]
    assert row.startswith(delivery)
    assert row.index("Về việc thử") == header.index("SUBJECT")


async def test_empty_inbox_says_so(at: Terminals) -> None:
    result = await at(RECIPIENT).run("inbox")
    assert (result.exit_code, result.stdout) == (0, "Nothing waits.\n")


async def test_fetch_brings_the_files_and_accept_keeps_the_receipt(
    at: Terminals, delivery: str, tmp_path: Path
) -> None:
    fetched = await at(RECIPIENT).json("fetch", delivery, "--into", tmp_path / "in")
    taking = ("accept", delivery, "--lease", fetched["lease"], "--receipts", tmp_path / "receipts")
    accepted = await at(RECIPIENT).run(*taking)
    assert fetched["paths"] == [str(tmp_path / "in" / "Quyết định.pdf")]
    assert (tmp_path / "in" / "Quyết định.pdf").read_bytes() == SIGNED
    (receipt,) = (tmp_path / "receipts").glob("*.json")
    assert json.loads(receipt.read_text("utf-8"))["statement"]["kind"] == "delivered"
    assert f"{delivery}  accepted, receipt {receipt.stem}" in accepted.stdout


async def test_command_that_fetch_prints_accepts_what_was_fetched(
    at: Terminals, delivery: str, tmp_path: Path
) -> None:
    fetched = await at(RECIPIENT).run("fetch", delivery, "--into", tmp_path)
    command = fetched.stdout.split("then: lienthong ")[1].split()
    without = await at(RECIPIENT).run("accept", delivery)
    assert (without.exit_code, "lease-lost" in without.stdout) == (1, True)
    assert (await at(RECIPIENT).run(*command)).exit_code == 0


async def test_fetched_delivery_is_refused_with_its_lease(
    at: Terminals, delivery: str, tmp_path: Path
) -> None:
    lease = (await at(RECIPIENT).json("fetch", delivery, "--into", tmp_path))["lease"]
    refusing = ("refuse", delivery, "--reason", "Sai nơi nhận", "--lease", lease)
    assert (await at(RECIPIENT).run(*refusing)).exit_code == 0


@pytest.mark.parametrize("verb", ["accept", "refuse"])
async def test_lease_belongs_to_one_delivery(at: Terminals, verb: str) -> None:
    reason = ("--reason", "x") if verb == "refuse" else ()
    result = await at(RECIPIENT).run(verb, "one", "two", "--lease", "abc", *reason)
    assert result.stderr.startswith("Usage: ")


async def test_one_delivery_that_cannot_be_accepted_does_not_stop_the_others(
    at: Terminals, delivery: str
) -> None:
    unknown = "00000000-0000-7000-8000-000000000000"
    result = await at(RECIPIENT).run("accept", unknown, delivery)
    assert result.exit_code == 1
    assert f"{unknown}  not-found" in result.stdout
    assert f"{delivery}  accepted" in result.stdout


async def test_refuse_tells_the_sender_why(at: Terminals, delivery: str) -> None:
    answers = (await at(RECIPIENT).json("refuse", delivery, "--reason", "Sai nơi nhận"))["answers"]
    assert answers[0]["receipt"]["statement"]["reason"] == "Sai nơi nhận"


async def test_timeline_shows_what_happened_in_legal_time(at: Terminals, api: Api, decision: Path) -> None:
    sent = await at(SENDER).json("send", decision, "--to", RECIPIENT)
    await api.world.work()
    await at(RECIPIENT).run("accept", sent["deliveries"][0]["id"])
    lines = (await at(SENDER).run("timeline", sent["id"])).stdout.splitlines()
    what = [line.split("  ")[1] for line in lines[1:]]
    assert what == ["accepted", "attempt 1 offered", "delivered", "status"]
    assert lines[1].startswith("21/11/2026 08:02")


async def test_recall_says_what_it_achieved(at: Terminals, decision: Path) -> None:
    sent = await at(SENDER).json("send", decision, "--to", f"{RECIPIENT},{OTHER_RECIPIENT}")
    by_agency = {each["to"]: each["id"] for each in sent["deliveries"]}
    await at(RECIPIENT).run("accept", by_agency[RECIPIENT])
    result = await at(SENDER).run("recall", sent["id"], "--reason", "Gửi nhầm")
    assert result.stdout.splitlines()[0] == "taken back from 1"
    assert result.stdout.splitlines()[1].startswith(f"asked {RECIPIENT} (opened it ")


# --- who asks and where ----------------------------------------------------------------------------


async def test_missing_settings_are_all_named_and_exit_with_2() -> None:
    nobody: dict[str, str | None] = dict.fromkeys(
        ("LIENTHONG_URL", "LIENTHONG_CLIENT_ID", "LIENTHONG_CLIENT_SECRET")
    )
    result = await Terminal("nobody", nobody).run("inbox")
    assert result.exit_code == 2
    assert all(name in result.stderr for name in nobody)


async def test_secret_can_come_from_a_file(at: Terminals, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(secret_of(SENDER) + "\n")
    terminal = at(SENDER)
    terminal.environment["LIENTHONG_CLIENT_SECRET"] = None
    assert (await terminal.run("inbox", "--client-secret-file", secret)).exit_code == 0
    assert (await terminal.run("inbox", "--client-secret-file", tmp_path / "none")).exit_code == 2


async def test_wrong_secret_exits_with_1(at: Terminals) -> None:
    terminal = at(SENDER)
    terminal.environment["LIENTHONG_CLIENT_SECRET"] = "wrong"
    result = await terminal.run("inbox")
    assert (result.exit_code, "not-authenticated" in result.stderr) == (1, True)


# --- showing ---------------------------------------------------------------------------------------


def test_table_is_aligned_whatever_the_letters() -> None:
    lines = table(("A", "B"), [("Quye\u0302\u0301t", "x"), ("số", "y"), ("漢", "z"), ("a\nb\x1b[2J", "w")])
    assert lines == ["A        B", "Quyết    x", "số       y", "漢       z", "a b [2J  w"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-21T17:30:00Z", "22/11/2026 00:30"),
        ("2026-11-21T08:02:03.004+07:00", "21/11/2026 08:02"),
        ("soon", "soon"),
    ],
)
def test_times_are_shown_in_legal_time(text: str, shown: str) -> None:
    assert legal_time(text) == shown
