"""How `./dev` shows its steps and runs commands. Standard library only: nothing is installed yet."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class CannotBeDone(Exception):
    """This machine lacks something; the text says what to do about it."""


def say(line: str) -> None:
    """Print one step, so that a newcomer sees what takes the time."""
    print(f"dev: {line}", file=sys.stderr, flush=True)


def run_quietly(command: Sequence[str | Path], *, folder: Path | None = None) -> None:
    """Run a command and show its output only when it fails.

    Raises:
        CannotBeDone: It failed.
    """
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise CannotBeDone(f"{shlex.join(str(word) for word in command[:4])} … failed ({done.returncode})")
