"""The bench runs and says everything it is asked for. How fast anything was is nobody's verdict here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASKED_FOR = {
    "documents_per_second",
    "p50_ms",
    "p99_ms",
    "server_cpu_ms_per_document",
    "fanout_632_seconds",
    "rss_growth_bytes",
    "statements_per_document",
    "fsyncs_per_document",
    "rsa2048_signs_per_second",
    "broker_ids_per_second",
}
SMALL = ("--documents", "24", "--agencies", "110", "--attachment-mb", "2")


def test_small_bench_gives_every_figure(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ops.dev.bench", "exchange", *SMALL, "--json", str(figures)],
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{ROOT / 'queue'}"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "documents per second" in done.stdout
    measured = json.loads(figures.read_text())
    assert measured.keys() >= ASKED_FOR
    assert all(measured[name] > 0 for name in ASKED_FOR - {"rss_growth_bytes"})


def test_unknown_option_is_wrong_usage() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ops.dev.bench", "exchange", "--fast"],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'queue'}"},
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 64
