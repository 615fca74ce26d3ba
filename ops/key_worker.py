"""The key worker's program: signs Merkle roots of receipts and nothing else.

Started by `adapters/key_worker.py` with the command of `ops/worker_commands.py`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import msgspec

from adapters.key_worker import SignedRoot, SignRoot
from adapters.workers import Ready, serve
from ops.confinement import confine, enclose
from signing.errors import KeyUnreadable
from signing.jws import sign_root
from signing.keys import SigningKey, load_key

_MEMORY_GROWTH_BYTES = 64 * 1024 * 1024


def main() -> None:
    """Answer questions until the gateway closes the pipe."""
    arguments = argparse.ArgumentParser(prog="key_worker")
    arguments.add_argument("--key", type=Path, required=True)
    key_path = arguments.parse_args().key
    serve(lambda: _prepare(key_path))


def _prepare(key_path: Path) -> tuple[Ready, Callable[[bytes], bytes]]:
    isolated = confine(memory_growth_bytes=_MEMORY_GROWTH_BYTES)
    try:
        key = load_key(key_path)
    except KeyUnreadable as broken:
        return Ready(isolated, failure=str(broken)), bytes
    return Ready(isolated, enclose(readable=[])), lambda question: _answer(question, key)


def _answer(question: bytes, key: SigningKey) -> bytes:
    asked = msgspec.json.decode(question, type=SignRoot)
    return msgspec.json.encode(SignedRoot(sign_root(asked.root, key=key)))


if __name__ == "__main__":
    main()
