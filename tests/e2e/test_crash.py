"""Small crash runs on both sizes, and the planted mistakes that a crash run must catch.

The whole tool runs as `./dev crash` runs it. The full size is `./dev crash --documents 5000 --kills 200
--wipe-broker`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLEAN, VIOLATED = 0, 1
LONGEST_SECONDS = 300
PROMISES = ("lost", "duplicated", "phantom", "receipts_missing", "left_in_flight")


def _crash(tmp_path: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    """Return the exit code of a crash run, its figures, and what it said."""
    figures = tmp_path / "figures.json"
    path = f"{ROOT}{os.pathsep}{ROOT / 'queue'}"
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ops.dev.crash", *words, "--json", str(figures)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    said = done.stderr + done.stdout
    return done.returncode, json.loads(figures.read_text()) if figures.exists() else {}, said


@pytest.mark.parametrize("size", ["embedded", "site"])
def test_nothing_is_lost_doubled_or_left_behind_when_everything_is_killed(size: str, tmp_path: Path) -> None:
    code, figures, said = _crash(tmp_path, "--size", size, "--documents", "100", "--kills", "6")

    assert code == CLEAN, said
    assert figures["documents"] == 100
    assert figures["kills"] == 6
    assert [figures[promise] for promise in PROMISES] == [0, 0, 0, 0, 0]


@pytest.mark.long
def test_a_wiped_broker_loses_nothing(tmp_path: Path) -> None:
    code, figures, said = _crash(
        tmp_path, "--size", "site", "--documents", "100", "--kills", "4", "--wipe-broker"
    )

    assert code == CLEAN, said
    assert figures["faults"]["rabbitmq-wiped"] == 1


@pytest.mark.long
def test_publishes_that_come_back_are_published_again(tmp_path: Path) -> None:
    code, _, said = _crash(tmp_path, "--unbind", "--documents", "200", "--kills", "10")

    assert code == CLEAN, said


@pytest.mark.long
@pytest.mark.parametrize(
    ("planted", "size", "broken"),
    [
        ("ack-before-commit", "embedded", "lost"),
        ("receipt-outside-transaction", "embedded", "receipts_missing"),
        ("shared-message-id", "site", "lost"),
    ],
)
def test_a_planted_mistake_is_caught(planted: str, size: str, broken: str, tmp_path: Path) -> None:
    code, figures, said = _crash(
        tmp_path, "--planted", planted, "--size", size, "--documents", "200", "--kills", "10"
    )

    assert code == VIOLATED, said
    assert figures[broken] > 0
