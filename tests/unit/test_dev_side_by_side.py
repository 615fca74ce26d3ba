"""Commands that `./dev test` runs at once: nothing of what they say or how they end is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30

SIDE_BY_SIDE = """
import sys
from ops.dev.side_by_side import side_by_side
programs = {f"program {number}": text for number, text in enumerate(sys.argv[1:], start=1)}
commands = {name: [sys.executable, "-c", text] for name, text in programs.items()}
try:
    sys.exit(side_by_side(commands, environ={}))
except KeyboardInterrupt:
    sys.exit(130)
"""
# Says that it has begun through a pipe in its folder, which waits for a reader.
UNTIL_SIGINT = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
open("{pipe}", "w").close()
signal.sigwait([signal.SIGINT])
print("cleaned up")
"""


def started(folder: Path, *programs: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", SIDE_BY_SIDE, *programs],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_they_run_at_once_and_the_output_of_each_is_in_one_piece(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # opened when both are there
    first = "print('a', flush=True); open('pipe', 'w').close(); print('b')"
    second = "print('c', flush=True); open('pipe').close(); print('d')"
    program = started(tmp_path, first, second)
    out, err = program.communicate(timeout=SECONDS)
    assert (program.returncode, out) == (0, "a\nb\nc\nd\n")
    assert "program 1: good\ndev: program 2: good\n" in err


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("end", ["sys.exit(1)", "sys.exit(5)", "os.kill(os.getpid(), 9)", "1 / 0"])
def test_failure_of_either_is_one_of_all_and_shown_whole(failing: int, end: str, tmp_path: Path) -> None:
    programs = ["print('good')", "print('good')"]
    programs[failing] = f"import os, sys; print('x' * 300_000, flush=True); {end}"
    program = started(tmp_path, *programs)
    out, err = program.communicate(timeout=SECONDS)
    assert program.returncode == 1
    assert (out.count("x"), out.count("good")) == (300_000, 1)
    assert (err.count("NOT GOOD"), f"program {failing + 1}: NOT GOOD" in err) == (1, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "prefix", [(), ("/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh")], ids=["", "ignored"]
)
def test_stopped_it_stops_all_and_waits_for_their_last_words(
    number: signal.Signals, prefix: tuple[str, ...], tmp_path: Path
) -> None:
    pipes = [tmp_path / name for name in "ab"]
    for pipe in pipes:
        os.mkfifo(pipe)
    program = started(tmp_path, *(UNTIL_SIGINT.format(pipe=pipe) for pipe in pipes), prefix=prefix)
    for pipe in pipes:
        pipe.open().close()
    os.killpg(program.pid, number)  # as a terminal sends it to all of the group
    out, _ = program.communicate(timeout=SECONDS)
    assert (program.returncode, out) == (130, "cleaned up\n" * 2)
