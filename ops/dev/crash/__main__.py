"""`./dev crash`: kill -9 under load, checked from outside. See `--help`."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn

from ops.dev.crash.campaign import Plan, run
from ops.dev.crash.checker import Judgement, Verdict, Violation
from ops.dev.crash.planted import PLANTED, SHARED_MESSAGE_ID
from ops.dev.crash.supervisor import DidNotStart
from ops.dev.crash.system import Size
from ops.dev.private_postgresql import PostgresqlMissing
from ops.dev.private_rabbitmq import RabbitMqMissing

COULD_NOT_RUN = 2
WRONG_USAGE = 64
INTERRUPTED = 130
SHOWN = 20
"""Findings printed; the journal has them all."""

SUMMED = (
    "documents",
    "deliveries",
    "kills",
    "kills_in_flight",
    *(kind.value for kind in Violation),
    "seconds",
)
EPILOG = """\
exit codes: 0 clean; 1 a promise was broken, with --planted: the mistake was caught; 2 could not run;
3 the run proves nothing (faults missed the work, or too little was attempted); 64 wrong usage
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(WRONG_USAGE, f"{self.prog}: {message}\n")


def main() -> int:
    """Run what was asked for and return the exit code."""
    wanted = _arguments()
    _say(f"seed {wanted.seed}")
    parts: dict[str, dict[str, Any]] = {}
    verdicts = []
    for plan in _plans(wanted):
        try:
            parts[plan.size.value], verdict = _run(plan, keep=wanted.keep)
        except (DidNotStart, RabbitMqMissing, PostgresqlMissing) as error:
            _say(f"could not run: {error}")
            return COULD_NOT_RUN
        except (KeyboardInterrupt, asyncio.CancelledError):
            return INTERRUPTED
        verdicts.append(verdict)
    outcome = _summed(parts) | {"seed": wanted.seed, "planted": wanted.planted, "sizes": parts}
    if wanted.json is not None:
        wanted.json.write_text(json.dumps(outcome, indent=2, ensure_ascii=False) + "\n")
    # A violation is worse than a run that proves nothing.
    return min((verdict for verdict in verdicts if verdict), default=Verdict.CLEAN)


def _arguments() -> argparse.Namespace:
    parser = _Parser(
        prog="./dev crash",
        description="Kill servers and workers at random under load, then check every promise from outside.",
        epilog=EPILOG,
    )
    parser.add_argument("--documents", type=_count, default=200, metavar="N", help="to send (default 200)")
    parser.add_argument("--kills", type=_count, default=10, metavar="K", help="faults (default 10)")
    parser.add_argument("--wipe-broker", action="store_true", help="let the broker lose its disk as well")
    parser.add_argument("--size", choices=("embedded", "site", "both"), default="both")
    parser.add_argument("--planted", choices=PLANTED, help="run with a mistake that must be caught")
    parser.add_argument(
        "--unbind",
        action="store_true",
        help="instead of kills take the bindings of the work queues away (site), sweeper and inbox no help",
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--keep", action="store_true", help="keep logs and journal of a clean run too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    wanted = parser.parse_args()
    wanted.unbind = wanted.unbind or wanted.planted == SHARED_MESSAGE_ID
    if wanted.unbind and wanted.size == "embedded":
        parser.error("the embedded size has no bindings to take away")
    return wanted


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return count


def _plans(wanted: argparse.Namespace) -> list[Plan]:
    sizes = list(Size) if wanted.size == "both" else [Size(wanted.size)]
    return [
        Plan(
            size=size,
            documents=wanted.documents,
            kills=wanted.kills,
            seed=wanted.seed,
            wipe_broker=wanted.wipe_broker,
            unbind=wanted.unbind,
            planted=wanted.planted,
        )
        for size in sizes
        if size is Size.SITE or not wanted.unbind
    ]


def _run(plan: Plan, *, keep: bool) -> tuple[dict[str, Any], Verdict]:
    """Run one campaign; its folder stays when it was not clean or is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix=f"lienthong-crash-{plan.size}-"))
    folder.chmod(0o755)  # PostgreSQL, started by root, runs as another user
    began = monotonic()
    try:
        judgement = asyncio.run(run(plan, folder, _say))
    except BaseException:
        _say(f"logs and journal: {folder}")
        raise
    figures = _figures(judgement, seconds=monotonic() - began)
    _show(plan, judgement, figures)
    if judgement.verdict is Verdict.CLEAN and not keep:
        shutil.rmtree(folder)
    else:
        _say(f"logs and journal: {folder}")
    return figures, judgement.verdict


def _figures(judgement: Judgement, *, seconds: float) -> dict[str, Any]:
    return {
        "documents": judgement.documents,
        "deliveries": judgement.deliveries,
        "kills": judgement.faults.total(),
        "kills_in_flight": judgement.kills_in_flight,
        **{kind.value: judgement.count(kind) for kind in Violation},
        "seconds": round(seconds, 1),
        "faults": dict(sorted(judgement.faults.items())),
        "died_by_themselves": dict(sorted(judgement.deaths.items())),
        "doubts": list(judgement.doubts),
    }


def _summed(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    sums: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for part in parts.values():
        sums.update({name: part[name] for name in SUMMED})
        faults.update(part["faults"])
    return {**{name: round(sums[name], 1) for name in SUMMED}, "faults": dict(faults)}


def _show(plan: Plan, judgement: Judgement, figures: Mapping[str, Any]) -> None:
    for finding in judgement.findings[:SHOWN]:
        _say(f"{finding.violation}: {finding.text}")
    if len(judgement.findings) > SHOWN:
        _say(f"… and {len(judgement.findings) - SHOWN} more")
    for doubt in judgement.doubts:
        _say(f"proves nothing: {doubt}")
    counts = "  ".join(f"{kind.value} {judgement.count(kind)}" for kind in Violation)
    faults = ", ".join(f"{kind} {count}" for kind, count in figures["faults"].items())
    print(
        f"{plan.size}: {judgement.documents} documents, {judgement.deliveries} deliveries, "
        f"{figures['kills']} faults ({figures['kills_in_flight']} in flight: {faults}), "
        f"{figures['seconds']} s\n  {counts}\n  {judgement.verdict.name.lower().replace('_', ' ')}"
    )


def _say(line: str) -> None:
    print(f"crash: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
