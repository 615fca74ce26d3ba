"""`lienthong send, inbox, fetch, accept, refuse, timeline`: an agency's work from a terminal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from ops.client.api import ExchangeClient, total_bytes
from ops.client.landing import safe_name
from ops.client.line import Json, Refused
from ops.client.terminal import (
    Shown,
    exchange_command,
    legal_time,
    problem_fields,
    problem_lines,
    progress_bar,
    table,
)

_URGENCIES = ("normal", "urgent", "very-urgent", "immediate")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_LEASE = click.option("--lease", help="The lease `fetch` has shown, while it lasts.")


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE…")
@click.option("--to", "recipients", multiple=True, help="Agency codes, separated by commas.")
@click.option("--subject", help="Trích yếu; else the first file's name.")
@click.option("--number", help='Number, e.g. "12".')
@click.option("--notation", help='Symbol, e.g. "QĐ-UBND".')
@click.option("--document-id", help="Your own id of the document; else made from the content.")
@click.option("--urgency", type=click.Choice(_URGENCIES))
@click.option(
    "--envelope", "envelope_file", type=_FILE, help="JSON file with the envelope; options win over it."
)
@click.option(
    "--skip-unknown", is_flag=True, help="Leave unknown and closed agencies out instead of failing."
)
@exchange_command
async def send(
    client: ExchangeClient,
    files: Sequence[Path],
    recipients: Sequence[str],
    subject: str | None,
    number: str | None,
    notation: str | None,
    document_id: str | None,
    urgency: str | None,
    envelope_file: Path | None,
    skip_unknown: bool,
) -> Shown:
    """Send FILE… as one document, or one edXML packet (FILE.edxml) as it is.

    The same command again is a resend: it gets the first answer.
    """
    own = {
        "to": [code.strip() for codes in recipients for code in codes.split(",") if code.strip()],
        "subject": subject,
        "number": number,
        "notation": notation,
        "document_id": document_id,
        "urgency": urgency,
        "unknown_recipients": "skip" if skip_unknown else None,
    }
    envelope = _read_envelope(envelope_file) | {key: value for key, value in own.items() if value}
    if files[0].suffix == ".edxml":
        return await _send_packet(client, files, envelope)
    if not envelope.get("to"):
        raise click.UsageError("Name recipients with --to, or in the envelope.")
    envelope.setdefault("subject", files[0].stem)
    envelope.setdefault("document_id", _content_id(envelope, files))
    with progress_bar("Sending", size_bytes=total_bytes(files)) as progress:
        answer = await client.submit(envelope, files, progress=progress)
    return Shown(answer, _accepted_lines(answer, subject=envelope["subject"]))


async def _send_packet(client: ExchangeClient, files: Sequence[Path], envelope: Json) -> Shown:
    if len(files) > 1 or envelope:
        raise click.UsageError("A packet says everything itself: send it alone, without options.")
    with progress_bar("Sending", size_bytes=total_bytes(files)) as progress:
        answer = await client.submit_packet(files[0], progress=progress)
    return Shown(answer, _accepted_lines(answer, subject=None))


@click.command()
@click.option("--wait", type=click.IntRange(0, 60), default=0, help="Seconds to wait for the first delivery.")
@exchange_command
async def inbox(client: ExchangeClient, wait: int) -> Shown:
    """Show the deliveries that wait for your agency."""
    items = await client.everything_waiting(wait=timedelta(seconds=wait))
    if not items:
        return Shown({"items": items}, ["Nothing waits."])
    rows = [_inbox_row(item) for item in items]
    header = ("DELIVERY", "FROM", "NUMBER", "URGENCY", "FILES", "UNTIL", "SUBJECT")
    return Shown({"items": items}, table(header, rows))


@click.command()
@click.argument("delivery")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder. [.]")
@exchange_command
async def fetch(client: ExchangeClient, delivery: str, into: Path) -> Shown:
    """Claim DELIVERY and bring its files here, each checked against its SHA-256."""
    claimed = await client.claim(delivery)
    document = claimed["item"]["document"]
    files = document["files"]
    paths = []
    with progress_bar("Fetching", size_bytes=sum(file["size_bytes"] for file in files)) as progress:
        for file in files:
            paths.append(await client.download(document["id"], file, into=into, progress=progress))
    accepting = f"lienthong accept {delivery} --lease={claimed['lease']}"
    lines = [
        f"{_number(document)}  {document['subject']}",
        *(f"  {path}" for path in paths),
        f"Yours until {legal_time(claimed['until'])}; then: {accepting}",
    ]
    return Shown({**claimed, "paths": [str(path) for path in paths]}, lines)


@click.command()
@click.argument("deliveries", nargs=-1, required=True, metavar="DELIVERY…")
@click.option(
    "--receipts", type=click.Path(file_okay=False, path_type=Path), help="Folder to keep the receipts in."
)
@_LEASE
@exchange_command
async def accept(
    client: ExchangeClient, deliveries: Sequence[str], receipts: Path | None, lease: str | None
) -> Shown:
    """Take DELIVERY…: your agency has the document. Each answer is a signed receipt."""
    _demand_one(deliveries, lease)
    answers = [await _answer(client, delivery, reason=None, lease=lease) for delivery in deliveries]
    return _answers_shown(answers, verb="accepted", receipts=receipts)


@click.command()
@click.argument("deliveries", nargs=-1, required=True, metavar="DELIVERY…")
@click.option("--reason", required=True, help="Why (the sender reads it).")
@click.option(
    "--receipts", type=click.Path(file_okay=False, path_type=Path), help="Folder to keep the receipts in."
)
@_LEASE
@exchange_command
async def refuse(
    client: ExchangeClient,
    deliveries: Sequence[str],
    reason: str,
    receipts: Path | None,
    lease: str | None,
) -> Shown:
    """Refuse DELIVERY… for good and tell the sender why."""
    _demand_one(deliveries, lease)
    answers = [await _answer(client, delivery, reason=reason, lease=lease) for delivery in deliveries]
    return _answers_shown(answers, verb="refused", receipts=receipts)


@click.command()
@click.argument("document")
@exchange_command
async def timeline(client: ExchangeClient, document: str) -> Shown:
    """Show everything that happened to DOCUMENT (our id, as `send` shows it)."""
    answer = await client.timeline(document)
    rows = [
        (legal_time(line["at"]), _what(line), line["agency"] or "", line["detail"])
        for line in answer["items"]
    ]
    return Shown(answer, table(("WHEN", "WHAT", "AGENCY", "DETAIL"), rows))


document_commands = (send, inbox, fetch, accept, refuse, timeline)
"""What `ops/cli.py` adds to `lienthong`."""


def _read_envelope(file: Path | None) -> Json:
    if file is None:
        return {}
    try:
        envelope = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise click.UsageError(f"{file}: not JSON: {error}") from error
    if not isinstance(envelope, dict):
        raise click.UsageError(f"{file}: must be a JSON object")
    return envelope


def _content_id(envelope: Mapping[str, Any], files: Sequence[Path]) -> str:
    """Return a document id that is the same whenever the same document is sent."""
    digest = hashlib.sha256()
    for key in ("number", "notation", "subject"):
        digest.update(f"{envelope.get(key)}\n".encode())
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]


def _accepted_lines(answer: Json, *, subject: str | None) -> list[str]:
    lines = [
        f"accepted       {answer['id']}",
        f"your id        {answer['document_id']}",
        *([f"subject        {subject}"] if subject else []),
        f"travels as     {answer['label']}",
        f"recipients     {len(answer['deliveries'])}",
    ]
    lines += [line for file in answer["verification"] for line in _signature_lines(file)]
    if answer.get("duplicate_of"):
        lines.append(f"same id as     {answer['duplicate_of']}, sent before with other content or recipients")
    if answer.get("skipped"):
        lines.append(f"left out       {', '.join(answer['skipped'])}")
    return lines


def _signature_lines(file: Json) -> list[str]:
    """Return what the exchange made of a file's signatures, and every reason against them."""
    reasons = [reason for signature in file["signatures"] for reason in signature["reasons"]]
    return [
        f"signatures     {file['name']}: {file['verdict']}",
        *(f"               {each}" for each in reasons),
    ]


def _inbox_row(item: Json) -> tuple[str, ...]:
    document = item["document"]
    return (
        item["delivery"],
        document["from"],
        _number(document),
        document["urgency"],
        str(len(document["files"])),
        legal_time(item["expires_at"]),
        document["subject"],
    )


def _what(line: Json) -> str:
    return f"attempt {line['number']} {line['outcome']}" if line["kind"] == "attempt" else str(line["kind"])


def _number(document: Json) -> str:
    """Return number and symbol as they are written, e.g. 12/QĐ-UBND."""
    return "/".join(part for part in (document.get("number"), document.get("notation")) if part) or "-"


def _demand_one(deliveries: Sequence[str], lease: str | None) -> None:
    if lease is not None and len(deliveries) > 1:
        raise click.UsageError("A lease belongs to one delivery: with --lease, name one.")


async def _answer(
    client: ExchangeClient, delivery: str, *, reason: str | None, lease: str | None
) -> tuple[str, Json | Refused]:
    """Accept a delivery, or refuse it with a reason; one that fails does not stop the others."""
    try:
        if reason is None:
            return delivery, await client.accept(delivery, lease=lease)
        return delivery, await client.refuse(delivery, reason=reason, lease=lease)
    except Refused as refused:
        return delivery, refused


def _answers_shown(
    answers: Sequence[tuple[str, Json | Refused]], *, verb: str, receipts: Path | None
) -> Shown:
    content, lines, good = [], [], True
    for delivery, answer in answers:
        if isinstance(answer, Refused):
            good = False
            content.append({"delivery": delivery, "problem": problem_fields(answer)})
            first, *others = problem_lines(answer)
            lines += [f"{delivery}  {first}", *others]
            continue
        content.append({"delivery": delivery, "receipt": answer})
        lines.append(f"{delivery}  {verb}, receipt {answer['statement']['receipt']}")
        if receipts is not None:
            lines.append(f"  {_keep_receipt(answer, receipts)}")
    return Shown({"answers": content}, lines, good)


def _keep_receipt(receipt: Json, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / safe_name(f"{receipt['statement']['receipt']}.json", otherwise="receipt.json")
    path.write_text(json.dumps(receipt, ensure_ascii=False), "utf-8")
    return path
