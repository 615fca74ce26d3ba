"""`lienthong status, statuses, recall, late`: the life of documents from a terminal."""

from __future__ import annotations

from datetime import timedelta

import click

from ops.client.api import ExchangeClient
from ops.client.line import Json
from ops.client.terminal import Shown, exchange_command, legal_time, table

STATUSES = {
    "01": "arrived",
    "02": "refused",
    "03": "received",
    "04": "assigned",
    "05": "in progress",
    "06": "finished",
    "13": "asks it back",
    "15": "agrees to the change",
    "16": "refuses the change",
}
"""The statuses of the national axis, in words."""


@click.command()
@click.argument("document")
@click.argument("code", type=click.Choice(list(STATUSES)), metavar="CODE")
@click.option("--description", default="", help="In your words; 02 needs it. Others read it.")
@exchange_command
async def status(client: ExchangeClient, document: str, code: str, description: str) -> Shown:
    """Report status CODE of DOCUMENT: 01 to 06, 15, 16 as its recipient, 13 as its sender."""
    answer = await client.report(document, code, description=description)
    lines = [f"{line['from']} → {line['to']}: {_in_words(line)}" for line in answer["items"]]
    return Shown(answer, lines)


@click.command()
@click.option("--wait", type=click.IntRange(0, 60), default=0, help="Seconds to wait for the first one.")
@click.option("--take", is_flag=True, help="Take those shown: they are not listed again.")
@exchange_command
async def statuses(client: ExchangeClient, wait: int, take: bool) -> Shown:
    """Show what others reported of your documents, and asked of those you received."""
    answer = await client.statuses(wait=timedelta(seconds=wait))
    items = answer["items"]
    if take:
        for line in items:
            await client.take_status(line["id"])
    if not items:
        return Shown(answer, ["Nothing new."])
    rows = [
        (legal_time(line["at"]), line["from"], _in_words(line), line["description"], line["document"])
        for line in items
    ]
    lines = table(("WHEN", "FROM", "STATUS", "IN THEIR WORDS", "DOCUMENT"), rows)
    if answer["next"] is not None:
        lines.append("There are more: take these, then ask again.")
    return Shown(answer, lines)


@click.command()
@click.argument("document")
@click.option("--reason", required=True, help="Why (the recipients read it).")
@exchange_command
async def recall(client: ExchangeClient, document: str, reason: str) -> Shown:
    """Take DOCUMENT back: at once from who has not opened it; the others owe an answer."""
    answer = await client.recall(document, reason=reason)
    lines = [f"taken back from {len(answer['recalled'])}"]
    lines += [f"asked {_asked(change)}" for change in answer["asked"]]
    if answer["too_late"]:
        lines.append(f"too late for {len(answer['too_late'])}: refused, finished or replaced")
    return Shown(answer, lines)


@click.command()
@exchange_command
async def late(client: ExchangeClient) -> Shown:
    """Show what your agency is late with."""
    answer = await client.late()
    rows = [
        ("answer to a document", legal_time(each["acknowledge_by"]), each["from"], each["subject"])
        for each in answer["unacknowledged"]
    ]
    rows += [
        (f"answer to a {each['kind']}", legal_time(each["answer_by"]), each["to"], each["reason"])
        for each in answer["unanswered"]
    ]
    rows += [
        ("sent late", legal_time(each["send_by"]), each["from"], each["subject"])
        for each in answer["sent_late"]
    ]
    if not rows:
        return Shown(answer, ["Nothing is late."])
    lines = table(("WHAT", "WAS DUE", "AGENCY", "SUBJECT"), rows)
    if answer["more"]:
        lines.append("There is more than is listed here.")
    return Shown(answer, lines)


life_commands = (status, statuses, recall, late)
"""What `ops/cli.py` adds to `lienthong`."""


def _in_words(line: Json) -> str:
    return f"{line['status']} {STATUSES.get(line['status'], '')}".strip()


def _asked(change: Json) -> str:
    opened = change["opened_at"]
    had = f"opened it {legal_time(opened)}" if opened else "had not opened it"
    return f"{change['to']} ({had}), answer due {legal_time(change['answer_by'])}"
