"""The bench runs and says everything it is asked for. How fast anything was is nobody's verdict here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
    "broker_batched_ids_per_second",
}
SMALL = ("--documents", "24", "--agencies", "110", "--attachment-mb", "2")
ASKED_OF_VXP = {
    "v1_ms",
    "vxp_ms",
    "ratio",
    "pollers",
    "p99_ms",
    "growth_percent",
    "packet_50mb_worker_growth_mb",
}
SMALL_VXP = ("--pairs", "6", "--pollers", "8", "--per-second", "4", "--seconds", "2", "--windows", "1")

ROWS_OF_VERIFY = ("verify_2p", "verify_2p_633_signers", "verify_500p", "verify_20mb", "verify_2p_2_cores")


def measured(name: str, *size: str, figures: Path) -> tuple[str, dict[str, float]]:
    """Return what a bench printed and what it wrote."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ops.dev.bench", name, *size, "--json", str(figures)],
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{ROOT / 'queue'}"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(figures.read_text())


def test_small_bench_gives_every_figure(tmp_path: Path) -> None:
    shown, figures = measured("exchange", *SMALL, figures=tmp_path / "figures.json")

    assert "documents per second" in shown
    assert figures.keys() >= ASKED_FOR
    assert all(figures[name] > 0 for name in ASKED_FOR - {"rss_growth_bytes"})


@pytest.fixture(scope="module")
def vxp(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, float]]:
    """A small run whose packet has its full size."""
    return measured("vxp", *SMALL_VXP, figures=tmp_path_factory.mktemp("bench") / "figures.json")


def test_small_bench_of_both_surfaces_gives_every_figure(vxp: tuple[str, dict[str, float]]) -> None:
    shown, figures = vxp
    assert "the same over /vxp" in shown
    assert figures.keys() >= ASKED_OF_VXP
    assert all(figures[name] > 0 for name in ("v1_ms", "vxp_ms", "ratio", "p99_ms"))
    assert figures["pollers"] == 8


def test_large_packet_does_not_fill_its_parsing_worker(vxp: tuple[str, dict[str, float]]) -> None:
    _, figures = vxp
    assert figures["packet_mb"] >= 50
    assert figures["packet_50mb_worker_growth_mb"] < 32


def test_small_bench_of_verifying_gives_every_row(tmp_path: Path) -> None:
    small = ("--seconds", "0.5", "--signers", "3")
    shown, figures = measured("verify", *small, figures=tmp_path / "figures.json")
    rows: Any = figures["rows"]

    assert tuple(row["name"] for row in rows) == ROWS_OF_VERIFY
    assert all(row["stock_per_second"] > 0 and row["ours_per_second"] > 0 for row in rows)
    assert [row["cores"] for row in rows] == [1, 1, 1, 1, 2]
    assert rows[3]["growth_to_file"] < 3, "of 20 MB"
    assert "wanted: 4 × stock" in shown


def test_unknown_option_is_wrong_usage() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ops.dev.bench", "exchange", "--fast"],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'queue'}"},
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 64
