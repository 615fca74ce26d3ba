"""The demo from outside: the program as a stranger runs it, small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
AGENCIES, DOCUMENTS = 12, 3
SECONDS = 120


def run(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", module, *words],
        env={
            "PYTHONPATH": f"{ROOT}:{ROOT / 'queue'}",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def demo(*words: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    size = ("--agencies", str(AGENCIES), "--documents", str(DOCUMENTS))
    done = run("ops.dev.demo", *size, "--exit", "--json", "-", *words)
    assert done.returncode == 0, done.stderr
    return done, json.loads(done.stdout)


@pytest.mark.parametrize(
    ("broker", "database"),
    [("direct", "sqlite"), ("rabbitmq", "postgresql")],
)
def test_counts_of_the_demo_agree(broker: str, database: str) -> None:
    done, outcome = demo("--broker", broker, "--database", database)
    deliveries = AGENCIES + DOCUMENTS
    assert {key: value for key, value in outcome.items() if isinstance(value, int)} == {
        "agencies": AGENCIES,
        "submitted": 2 + DOCUMENTS,
        "refused": 2,
        "deliveries": deliveries,
        "delivered": deliveries,
        "receipts_verified": 2 + DOCUMENTS + deliveries,
    }
    assert (outcome["broker"], outcome["database"]) == (broker, database)
    assert len({each["client_id"] for each in outcome["clients"]}) == AGENCIES
    assert "UNSIGNED" in done.stderr
    assert "altered after it was signed" in done.stderr


def test_demo_leaves_nothing_behind() -> None:
    _, outcome = demo()
    assert not Path(outcome["config"]).parent.exists()


def test_kept_demo_has_receipts_that_verify_on_the_command_line(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    _, outcome = demo("--keep", str(kept))
    receipts = sorted((kept / "receipts").glob("*.json"))
    assert len(receipts) == outcome["receipts_verified"]
    judged = run("ops.cli", "receipt", "verify", *map(str, receipts), "--trust", outcome["trust_dir"])
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_receipts_do_not_verify_against_another_trust_folder(tmp_path: Path) -> None:
    demo("--keep", str(tmp_path / "one"))
    demo("--keep", str(tmp_path / "two"))
    receipt = next((tmp_path / "one" / "receipts").glob("*.json"))
    judged = run("ops.cli", "receipt", "verify", str(receipt), "--trust", str(tmp_path / "two" / "trust"))
    assert judged.returncode == 1, judged.stdout + judged.stderr


def test_wrong_usage_is_said_with_its_own_exit_code(tmp_path: Path) -> None:
    assert run("ops.dev.demo", "--agencies", "2").returncode == 64
    assert run("ops.dev.demo", "--agencies", "999999").returncode == 64
    (tmp_path / "something").touch()
    in_use = run("ops.dev.demo", "--exit", "--keep", str(tmp_path))
    assert in_use.returncode == 2
    assert "not empty" in in_use.stderr
