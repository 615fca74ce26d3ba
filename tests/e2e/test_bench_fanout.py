"""The bench of mixed channels runs and says everything it is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASKED_FOR = {
    "ids_offered_per_second",
    "broker_ids_per_second",
    "broker_batched_ids_per_second",
    "ratio",
    "ratio_to_batched",
    "p99_ms",
    "p99_ms_with_black_holes",
    "black_holes",
}
SMALL = ("--agencies", "110", "--circulars", "2", "--paced", "2", "--every", "0.5")


def test_small_fanout_gives_every_figure(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ops.dev.bench", "fanout", *SMALL, "--json", str(figures)],
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{ROOT / 'queue'}"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "ids offered per second" in done.stdout
    measured = json.loads(figures.read_text())
    assert measured.keys() >= ASKED_FOR | {"growth_percent"}
    assert all(measured[name] > 0 for name in ASKED_FOR)
