"""`./dev bench NAME`. Exit codes: 0 measured, 2 could not be measured, 64 wrong usage."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from ops.dev.bench.exchange import measure
from ops.dev.bench.ground import Size
from ops.dev.bench.intake import intake
from ops.dev.bench.lean_http import UnexpectedAnswer
from ops.dev.bench.mixed import fanout
from ops.dev.bench.site import BenchFailed
from ops.dev.bench.verify import verify
from ops.dev.bench.vxp import vxp
from ops.dev.private_postgresql import PostgresqlMissing
from ops.dev.private_rabbitmq import RabbitMqMissing

COULD_NOT, WRONG_USAGE = 2, 64
_MEGABYTE = 1_000_000


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def bench() -> None:
    """Speed and memory, for reading: no figure makes a run fail."""


@bench.command()
@click.option("--documents", type=click.IntRange(1), default=1200, show_default=True)
@click.option("--connections", type=click.IntRange(1, 100), default=8, show_default=True)
@click.option("--seconds", type=float, help="End the measured part after so long.")
@click.option("--agencies", type=click.IntRange(110), default=633, show_default=True)
@click.option("--attachment-mb", type=click.IntRange(1, 400), default=300, show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures to this file.")
@click.option(
    "--profile", type=click.Path(path_type=Path, file_okay=False), help="Write samples of the processes here."
)
def exchange(
    documents: int,
    connections: int,
    seconds: float | None,
    agencies: int,
    attachment_mb: int,
    json_path: Path | None,
    profile: Path | None,
) -> None:
    """Pass signed PDFs of 20 KB from agency to agency over RabbitMQ and PostgreSQL.

    Each of the connections is a pair: a sender, and a recipient whose long poll is open.
    """
    if profile is not None:
        profile.mkdir(parents=True, exist_ok=True)
    size = Size(documents, connections, seconds, agencies, attachment_mb * _MEGABYTE, profile)
    figures = asyncio.run(measure(size, _say))
    print(figures.table())
    if json_path is not None:
        json_path.write_bytes(figures.as_json())


bench.add_command(intake)
bench.add_command(verify)
bench.add_command(fanout)
bench.add_command(vxp)


def _say(step: str) -> None:
    print(f"bench: {step}", file=sys.stderr, flush=True)


def main() -> None:
    """Run the bench and exit with its code."""
    try:
        bench.main(standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.UsageError as error:
        error.show()
        sys.exit(WRONG_USAGE)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except (BenchFailed, UnexpectedAnswer, RabbitMqMissing, PostgresqlMissing) as error:
        _say(str(error))
        sys.exit(COULD_NOT)


if __name__ == "__main__":
    main()
