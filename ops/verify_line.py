"""`lienthong verify FILE…`: judges signatures on the command line, with or without a gateway."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ops.line import settings_of
from ops.settings import Settings
from signing.report import Verdict

if TYPE_CHECKING:  # what judges takes a second to load: not for the other commands
    from ops.verify_files import Outcome
    from ops.verify_shown import Language

_PASSED, _ANOTHER_VERDICT, _NO_VERDICT = 0, 1, 2
_ENDED_BY = 128
"""A program that a signal ended has this and the signal's number for its exit code."""
_MANY = 10
"""From how many files on a watcher is shown how far they are."""
_FILE = click.Path(path_type=Path)
_DATE_LENGTH = len("2026-11-21")
_VIETNAM = timezone(timedelta(hours=7))


class Moment(click.ParamType[datetime]):
    """A moment with its offset (RFC 3339), or a date: the end of that day in Vietnam."""

    name = "moment"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the moment; it has an offset."""
        moment = value if isinstance(value, datetime) else _moment(value)
        if moment is None or moment.tzinfo is None:
            self.fail(
                f"{value!r} is no moment. Give one with its offset, like 2026-11-21T16:00:00+07:00, "
                "or a date, like 2026-11-21, for the end of that day in Vietnam.",
                param,
                ctx,
            )
        return moment


def _moment(written: str) -> datetime | None:
    try:
        if len(written) == _DATE_LENGTH:
            return datetime.combine(date.fromisoformat(written), time.max, _VIETNAM)
        return datetime.fromisoformat(written)
    except ValueError:
        return None


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE…")
@click.option(
    "--trust",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with the certificates to trust (*.pem, *.crt); else that of the configured gateway.",
)
@click.option(
    "--at",
    type=Moment(),
    help="Judge by this moment, not by the present: 2026-11-21T16:00:00+07:00, or 2026-11-21, its end.",
)
@click.option("--offline", is_flag=True, help="Fetch nothing: judge by what the files and the gateway hold.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each file.")
@click.option(
    "--content",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The document of a detached .p7s; else x.pdf is that of x.pdf.p7s.",
)
@click.option("--lang", type=click.Choice(["vi", "en"]), help="Of the text; else LANG decides.")
@click.pass_obj
def verify(
    config: Path | None,
    files: tuple[Path, ...],
    trust: Path | None,
    at: datetime | None,
    offline: bool,
    as_json: bool,
    content: Path | None,
    lang: Language | None,
) -> None:
    """Judge the signatures of PDF, .p7s, XML and edXML files.

    Exit code 0: all are TOTAL-PASSED; 1: one has another verdict; 2: one has no verdict.
    """
    from ops.verify_files import Terms, verify_files
    from ops.verify_shown import as_json_line, as_text

    settings = settings_of(config)
    terms = Terms(_trust_folder(trust, settings), at, offline, content)
    language: Language = lang or ("en" if os.environ.get("LANG", "").startswith("en") else "vi")
    told = _Told(len(files), as_json_line if as_json else partial(as_text, language=language))
    # What an outcome does not say is for the log of a server.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        asyncio.run(_until_ended(verify_files(files, terms, settings, show=told.show)))
    except BrokenPipeError:
        # Not 1, which is another verdict. What is still to be written goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_ENDED_BY + signal.SIGPIPE)
    except asyncio.CancelledError:
        sys.exit(_ENDED_BY + signal.SIGTERM)
    sys.exit(told.exit_code)


async def _until_ended(judging: Awaitable[None]) -> None:
    """Judge until SIGTERM or SIGHUP: then too the copies of documents have to go."""
    judging_here = asyncio.current_task()
    assert judging_here is not None
    if threading.current_thread() is threading.main_thread():  # no other gets signals
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, judging_here.cancel)
    await judging


def _trust_folder(given: Path | None, settings: Settings) -> Path:
    if given is not None:
        return given
    if settings.trust_dir.is_dir():
        return settings.trust_dir
    raise click.UsageError(
        "Give --trust DIR, a folder with the certificates to trust: no gateway is set up here."
    )


@dataclass(slots=True)
class _Told:
    """Prints outcomes one by one, and how far they are to whoever watches many of them."""

    files: int
    text_of: Callable[[Outcome], str]
    exit_code: int = _PASSED
    _done: int = 0

    def show(self, outcome: Outcome) -> None:
        """Print one more outcome."""
        self._done += 1
        self.exit_code = max(self.exit_code, _exit_code(outcome))
        is_watched = self.files >= _MANY and sys.stderr.isatty()
        if is_watched:
            click.echo("\r\x1b[K", nl=False, err=True)
        click.echo(self.text_of(outcome))
        if is_watched and self._done < self.files:
            click.echo(f"{self._done:,} of {self.files:,} files", nl=False, err=True)


def _exit_code(outcome: Outcome) -> int:
    if outcome.report is None:
        return _NO_VERDICT
    return _PASSED if outcome.report.verdict is Verdict.TOTAL_PASSED else _ANOTHER_VERDICT
