"""The README's samples, run as they stand there on a running demo. The README is the truth."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120
FIRST, CONNECT = "Send your first document in five minutes", "Connect your system"
VERIFY = "Verify like a court would"
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^ *```$", re.MULTILINE | re.DOTALL)


def samples(section: str, language: str) -> list[str]:
    """Return the code blocks of a language in one section of the README."""
    sections = re.split(r"^## ", (ROOT / "README.md").read_text("utf-8"), flags=re.MULTILINE)
    (text,) = [each for each in sections if each.startswith(section)]
    return [
        re.sub(rf"^{block['indent']}", "", block["code"], flags=re.MULTILINE)
        for block in _FENCE.finditer(text)
        if block["language"] == language
    ]


@dataclass(frozen=True)
class RunningDemo:
    """A demo that stays up, as it does for somebody at a terminal."""

    shown: str
    variables: str
    """Its shell file."""

    def run(self, *words: str, folder: Path, before: str = "") -> str:
        """Return what a command printed that has the demo's variables."""
        script = f'set -euo pipefail; . "{self.variables}"; {before or "exec"} "$@"'
        done = subprocess.run(
            ["bash", "-c", script, "bash", *words],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    folder = tmp_path_factory.mktemp("demo") / "kept"
    master, slave = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-P", "-m", "ops.dev.demo", "--agencies", "12", "--keep", str(folder)],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'queue'}", "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    try:
        shown = shown_until(master, b'-F "file=@$PDF"')
        yield RunningDemo(shown, str(folder / "demo.env"))
    finally:
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 0
        os.close(master)


def shown_until(terminal: int, words: bytes) -> str:
    """Return what a program has shown, once these words are among it."""
    shown, end = b"", time.monotonic() + SECONDS
    while words not in shown:
        readable, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        assert readable, shown.decode()
        shown += os.read(terminal, 65536)
    return shown.decode()


def test_demo_says_where_to_point_a_vxp_client(demo: RunningDemo, tmp_path: Path) -> None:
    endpoint = demo.run("sh", "-c", 'printf %s "$VXP"', folder=tmp_path)
    secret = demo.run("sh", "-c", 'printf %s "$SYSTEM_SECRET"', folder=tmp_path)
    assert f"endpoint {endpoint}" in demo.shown
    assert f"secret {secret}" in demo.shown


def test_curl_samples_send_fetch_verify_and_recall(demo: RunningDemo, tmp_path: Path) -> None:
    script = "\n".join(samples(FIRST, "sh") + samples(CONNECT, "sh") + samples(VERIFY, "sh"))
    (tmp_path / "sample.sh").write_text(script, "utf-8")

    shown = demo.run("sample.sh", folder=tmp_path, before=".")

    assert "TOTAL-PASSED" in shown
    assert shown.count("good") >= 2
    assert (tmp_path / "received.pdf").read_bytes().startswith(b"%PDF-")
    assert '"status":"03"' in shown
    assert '"asked":[{' in shown
    assert (tmp_path / "packet.edxml").read_bytes().startswith(b"<?xml")
    assert '"ErrorCode":"0"' in shown
    assert "received.pdf: TOTAL-PASSED" in shown
    assert "thời gian: đạt" in shown


def test_python_sample_sends_fetches_and_verifies(demo: RunningDemo, tmp_path: Path) -> None:
    (code,) = samples(CONNECT, "python")
    (tmp_path / "sample.py").write_text(code, "utf-8")

    # Alone, as a stranger's Python: without any package of ours.
    shown = demo.run(sys.executable, "-I", "-S", "sample.py", folder=tmp_path)

    assert "signatures: ['TOTAL-PASSED']" in shown
    assert shown.count("good") >= 2


@pytest.mark.parametrize("java", [java for java in (shutil.which("java"),) if java is not None])
def test_java_sample_sends_fetches_and_verifies(demo: RunningDemo, java: str, tmp_path: Path) -> None:
    (code,) = samples(CONNECT, "java")
    (tmp_path / "Sample.java").write_text(code, "utf-8")

    shown = demo.run(java, "Sample.java", folder=tmp_path)

    assert "signatures: TOTAL-PASSED" in shown
    assert shown.count("good") >= 2
