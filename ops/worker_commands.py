"""The commands that start workers. Apart from the programs, so that a gateway never loads a parser."""

from __future__ import annotations

import sys
from pathlib import Path


def parsing_worker_command(trust_dir: Path, *, bodies_dir: Path, memory_bytes: int) -> list[str]:
    """Return the command of a parsing worker for files in `bodies_dir` that may grow by `memory_bytes`."""
    folders = ["--trust", str(trust_dir.resolve()), "--bodies", str(bodies_dir.resolve())]
    limit = ["--memory-bytes", str(memory_bytes)]
    return [sys.executable, "-m", "ops.parsing_worker", *folders, *limit]


def key_worker_command(key_path: Path) -> list[str]:
    """Return the command of the key worker that holds this key."""
    return [sys.executable, "-m", "ops.key_worker", "--key", str(key_path.resolve())]
