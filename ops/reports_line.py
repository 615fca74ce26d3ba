"""`lienthong report`: what leaders read, on the command line."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.service.reports import MAX_MONTHS
from ops.desk import Json
from ops.line import as_json, print_outcome, run_command

_HEADINGS = (
    "sent",
    "received",
    "refused",
    "on time",
    "late",
    "late %",
    "unsigned %",
    "mean accept",
    "dossiers late %",
)
_NAME_WIDTH = 44


@click.command()
@click.option("--month", required=True, help="The first month, like 2026-11.")
@click.option("--months", type=click.IntRange(1, MAX_MONTHS), default=1, help="How many months.")
@click.option("--agency", help="Only this agency and everything beneath it.")
@click.option("--csv", "csv", type=click.Path(path_type=Path, dir_okay=False), help="Write CSV to this file.")
@as_json
@click.pass_obj
def report(
    config: Path | None, month: str, months: int, agency: str | None, csv: Path | None, as_json: bool
) -> None:
    """Show per agency, with everything beneath it: sent, received, on time, late, unsigned."""
    if csv is not None and as_json:
        raise click.UsageError("Either --csv or --json.")
    arguments = {"month": month, "months": months, "agency": agency, "csv": csv is not None}
    outcome = run_command(config, "report", arguments)
    if csv is None:
        print_outcome(outcome, as_json=as_json, lines=lambda: _table(outcome))
    else:
        csv.write_text(outcome["csv"], encoding="utf-8", newline="")


def _table(outcome: Json) -> list[str]:
    lines = []
    for month in outcome["months"]:
        lines.append(_row(month["month"], _HEADINGS))
        depths: dict[str, int] = {}
        for line in month["agencies"]:
            depth = depths[line["code"]] = depths.get(line["parent"], -1) + 1
            name = f"{'  ' * depth}{line['code']} {line['name']}"
            lines.append(_row(_printable(name), _figures(line["total"])))
    return lines


def _figures(tally: Json) -> tuple[str, ...]:
    return (
        str(tally["sent"]),
        str(tally["received"]),
        str(tally["refused"]),
        str(tally["on_time"]),
        str(tally["late"]),
        _percent(tally["late_rate"]),
        _percent(tally["received_unsigned_share"]),
        _duration(tally["mean_accept_seconds"]),
        _percent(tally["dossiers_late_rate"]),
    )


def _row(name: str, figures: tuple[str, ...]) -> str:
    cells = (figure.rjust(max(len(heading), 6)) for heading, figure in zip(_HEADINGS, figures, strict=True))
    return f"{name[:_NAME_WIDTH]:<{_NAME_WIDTH}}  {'  '.join(cells)}"


def _printable(text: str) -> str:
    # A name in the directory must not move the cursor of whoever reads the table.
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes = round(seconds / 60)
    return f"{minutes // 60}h{minutes % 60:02}"
