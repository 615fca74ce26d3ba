"""What every client command shares: who asks, how answers and refusals are shown, the exit code."""

from __future__ import annotations

import asyncio
import functools
import sys
import unicodedata
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import click
import msgspec

from ops.client.api import ExchangeClient, Progress, connect
from ops.client.line import Credentials, Refused, Unreachable

GOOD, NOT_GOOD, COULD_NOT = 0, 1, 2

P = ParamSpec("P")

_VIETNAM = timezone(timedelta(hours=7))
_WORTH_A_BAR_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Shown:
    """What a command has to say: `content` for --json, `lines` for people."""

    content: Any
    lines: Sequence[str]
    good: bool = True


def exchange_command(
    work: Callable[Concatenate[ExchangeClient, P], Awaitable[Shown]],
) -> Callable[..., None]:
    """Return the work as the body of a command that connects first, shows the outcome and exits."""

    @click.option("--url", envvar="LIENTHONG_URL", help="The exchange. [LIENTHONG_URL]")
    @click.option("--client-id", envvar="LIENTHONG_CLIENT_ID", help="Who asks. [LIENTHONG_CLIENT_ID]")
    @click.option(
        "--client-secret-file",
        envvar="LIENTHONG_CLIENT_SECRET_FILE",
        type=click.Path(path_type=Path),
        help="File with the secret. [LIENTHONG_CLIENT_SECRET_FILE, or the secret in LIENTHONG_CLIENT_SECRET]",
    )
    @click.option("--client-secret", envvar="LIENTHONG_CLIENT_SECRET", hidden=True)
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @functools.wraps(work)
    def command(
        url: str | None,
        client_id: str | None,
        client_secret_file: Path | None,
        client_secret: str | None,
        as_json: bool,
        *args: P.args,
        **own: P.kwargs,
    ) -> None:
        async def run() -> Shown:
            credentials = _credentials(url, client_id, secret=client_secret, secret_file=client_secret_file)
            async with connect(credentials) as client:
                return await work(client, *args, **own)

        sys.exit(_run(run, as_json=as_json))

    return command


@contextmanager
def progress_bar(label: str, *, size_bytes: int) -> Iterator[Progress | None]:
    """Show a bar on the terminal while much goes over the line; None when nobody would see it."""
    if size_bytes < _WORTH_A_BAR_BYTES or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=size_bytes, label=label, file=sys.stderr) as bar:
        yield bar.update


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with aligned columns."""
    cells = [[unicodedata.normalize("NFC", _one_line(cell)) for cell in row] for row in (header, *rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(header))]
    return [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def problem_lines(refused: Refused) -> list[str]:
    """Return what a refusal says: code, detail and every reason."""
    return [f"{refused.code}: {refused.detail}", *(f"  - {reason}" for reason in refused.reasons)]


def problem_fields(refused: Refused) -> dict[str, Any]:
    """Return what a refusal says, for --json."""
    return {
        "status": refused.status,
        "code": refused.code,
        "detail": refused.detail,
        "reasons": list(refused.reasons),
    }


def legal_time(text: str) -> str:
    """Return a moment of the wire in Vietnamese legal time, e.g. 21/11/2026 08:02."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.astimezone(_VIETNAM).strftime("%d/%m/%Y %H:%M")


def _run(run: Callable[[], Awaitable[Shown]], *, as_json: bool) -> int:
    async def awaited() -> Shown:
        return await run()

    try:
        shown = asyncio.run(awaited())
    except Refused as refused:
        if as_json:
            click.echo(msgspec.json.encode(problem_fields(refused)))
        else:
            click.echo("\n".join(problem_lines(refused)), err=True)
        return NOT_GOOD
    except (Unreachable, OSError) as error:
        click.echo(f"lienthong: {error}", err=True)
        return COULD_NOT
    click.echo(msgspec.json.encode(shown.content) if as_json else "\n".join(shown.lines))
    return GOOD if shown.good else NOT_GOOD


def _credentials(
    url: str | None, client_id: str | None, *, secret: str | None, secret_file: Path | None
) -> Credentials:
    """Return who asks.

    Raises:
        Unreachable: Something is not set; all of it is named.
        OSError: The secret's file cannot be read.
    """
    if secret_file is not None:
        secret = secret_file.read_text("utf-8").strip()
    missing = [
        name
        for name, value in (
            ("--url or LIENTHONG_URL", url),
            ("--client-id or LIENTHONG_CLIENT_ID", client_id),
            ("--client-secret-file, LIENTHONG_CLIENT_SECRET_FILE or LIENTHONG_CLIENT_SECRET", secret),
        )
        if not value
    ]
    if missing or not url or not client_id or not secret:
        raise Unreachable("say who asks and where: set " + "; ".join(missing))
    return Credentials(url, client_id, secret)


def _one_line(text: str) -> str:
    """Return the text without what would break a table or steer the terminal."""
    return "".join(" " if unicodedata.category(char).startswith(("C", "Z")) else char for char in text)


def _width(text: str) -> int:
    """Return how many columns a text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
