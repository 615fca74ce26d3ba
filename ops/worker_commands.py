"""The commands that start workers. Apart from the programs, so that a gateway never loads a parser."""

from __future__ import annotations

import sys
from pathlib import Path


def parsing_worker_command(
    trust_dir: Path,
    *,
    bodies_dir: Path,
    memory_bytes: int,
    evidence_dir: Path | None = None,
    max_files: int = 30,
    text_bytes: int = 256 * 1024,
    unpacked_bytes: int = 512 * 1024 * 1024,
) -> list[str]:
    """Return the command of a parsing worker; the name of its own folder is still to be added.

    Args:
        trust_dir: Whom to believe.
        bodies_dir: The folder of the bodies; it may read all of them.
        memory_bytes: By how much it may grow.
        evidence_dir: The folder of the evidence; it may read it. None: no evidence is at hand.
        max_files: How many files a packet may hold.
        text_bytes: How long the texts of a packet may be together.
        unpacked_bytes: How long the files of a packet, or what is in an archive, may be together.
    """
    folders = ["--trust", str(trust_dir.resolve()), "--bodies", str(bodies_dir.resolve())]
    if evidence_dir is not None:
        folders += ["--evidence", str(evidence_dir.resolve())]
    limits = ["--memory-bytes", str(memory_bytes), "--unpacked-bytes", str(unpacked_bytes)]
    packets = ["--max-files", str(max_files), "--text-bytes", str(text_bytes)]
    return [sys.executable, "-m", "ops.parsing_worker", *folders, *limits, *packets]


def key_worker_command(key_path: Path) -> list[str]:
    """Return the command of the key worker that holds this key."""
    return [sys.executable, "-m", "ops.key_worker", "--key", str(key_path.resolve())]
