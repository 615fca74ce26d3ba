"""The demo from outside: the program as a stranger runs it, small."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.dev.pki import DemoAuthority

ROOT = Path(__file__).resolve().parents[2]
AGENCIES, DOCUMENTS = 12, 3
SECONDS = 120


@dataclass(frozen=True)
class Demo:
    """One finished run: what it showed, and what it says in JSON."""

    shown: str
    outcome: dict[str, Any]

    @property
    def folder(self) -> Path:
        return Path(self.outcome["config"]).parent


def run(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"{ROOT}:{ROOT / 'queue'}"
    return subprocess.run(
        [sys.executable, "-P", "-m", module, *words],
        env={"PYTHONPATH": path, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def demo(*words: str) -> Demo:
    size = ("--agencies", str(AGENCIES), "--documents", str(DOCUMENTS))
    done = run("ops.dev.demo", *size, "--exit", "--json", "-", *words)
    assert done.returncode == 0, done.stderr
    return Demo(done.stderr, json.loads(done.stdout))


def counts(demo: Demo) -> dict[str, int]:
    return {key: value for key, value in demo.outcome.items() if isinstance(value, int)}


EXPECTED = {
    "agencies": AGENCIES,
    "submitted": 2 + DOCUMENTS,
    "refused": 2,
    "deliveries": AGENCIES + DOCUMENTS,
    "delivered": AGENCIES + DOCUMENTS,
    "receipts_verified": 2 + DOCUMENTS + AGENCIES + DOCUMENTS,
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A run in embedded size whose folder is still there."""
    return demo("--keep", str(tmp_path_factory.mktemp("demo") / "kept"))


def test_embedded_demo_agrees_with_what_it_set_out_to_do(kept: Demo) -> None:
    assert counts(kept) == EXPECTED
    assert (kept.outcome["broker"], kept.outcome["database"]) == ("direct", "sqlite")
    assert len({each["client_id"] for each in kept.outcome["clients"]}) == AGENCIES


def test_demo_says_why_papers_were_refused(kept: Demo) -> None:
    assert "unsigned.pdf: UNSIGNED" in kept.shown
    assert "tampered.pdf: TOTAL-FAILED: The document was altered" in kept.shown
    unwrapped = " ".join(kept.shown.split())
    assert "không hợp lệ. Nội dung văn bản đã bị thay đổi sau khi ký." in unwrapped
    assert "Tệp không có chữ ký số." in unwrapped


def test_demo_connects_two_centres_whose_agencies_need_no_signature(kept: Demo) -> None:
    first, second = kept.outcome["vxp"]
    with (kept.folder / "agencies.csv").open(encoding="utf-8", newline="") as file:
        policies = {row["code"]: row["policy"] for row in csv.DictReader(file)}

    for centre in (first, second):
        assert centre["endpoint"] == kept.outcome["url"] + "/vxp"
        assert centre["secret"]
        assert len(centre["agencies"]) > 1
        assert {policies[code] for code in centre["agencies"]} == {"label"}
    assert first["system_id"] != second["system_id"]
    assert not set(first["agencies"]) & set(second["agencies"])


def test_demo_shows_statuses_and_who_had_opened_a_recalled_circular(kept: Demo) -> None:
    assert kept.outcome["life"] == {
        "documents": 2,
        "statuses": 4,
        "recalled_unopened": 3,
        "recall_asked": 2,
        "recall_agreed": 1,
        "recall_refused": 1,
    }
    assert "recalled: 2 had opened it, 3 had not" in kept.shown


def test_city_too_small_for_centres_has_none() -> None:
    done = run("ops.dev.demo", "--agencies", "4", "--exit", "--json", "-")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert (outcome["vxp"], outcome["life"], outcome["agencies"]) == ([], {}, 4)


def test_receipts_of_the_demo_verify_on_the_command_line(kept: Demo) -> None:
    receipts = [str(path) for path in sorted((kept.folder / "receipts").glob("*.json"))]
    judged = run("ops.cli", "receipt", "verify", *receipts, "--trust", kept.outcome["trust_dir"])
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert len(receipts) == kept.outcome["receipts_verified"]


def test_receipts_of_the_demo_mean_nothing_to_who_trusts_others(kept: Demo, tmp_path: Path) -> None:
    foreign = DemoAuthority(now=datetime.now(UTC)).write_trust(tmp_path)
    receipt = next((kept.folder / "receipts").glob("*.json"))
    judged = run("ops.cli", "receipt", "verify", str(receipt), "--trust", str(foreign))
    assert judged.returncode == 1, judged.stdout + judged.stderr


def test_demo_on_servers_agrees_and_leaves_nothing_behind() -> None:
    done = demo("--broker", "rabbitmq", "--database", "postgresql")
    assert counts(done) == EXPECTED
    assert (done.outcome["broker"], done.outcome["database"]) == ("rabbitmq", "postgresql")
    assert not done.folder.exists()


@pytest.mark.parametrize("agencies", ["2", "999999", "many"])
def test_a_city_of_impossible_size_is_wrong_usage(agencies: str) -> None:
    assert run("ops.dev.demo", "--agencies", agencies).returncode == 64


def test_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    refused = run("ops.dev.demo", "--exit", "--keep", str(tmp_path))
    assert refused.returncode == 2
    assert "not empty" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["something"]
