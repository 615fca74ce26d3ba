"""One module publishes (design §4): everybody else would have to repeat its precautions."""

from __future__ import annotations

import re
from pathlib import Path

import broker.publisher

FOLDERS = ("gateway", "signing", "adapters", "queue", "ops")
PUBLISHES = re.compile(r"\.(basic_)?publish\(")


def test_only_the_publisher_publishes() -> None:
    root = Path(__file__).parents[2]
    tools = root / "ops" / "dev"  # the bench measures the naked library on purpose
    modules = [path for folder in FOLDERS for path in (root / folder).rglob("*.py")]

    publishing = [
        path for path in modules if tools not in path.parents and PUBLISHES.search(path.read_text("utf-8"))
    ]

    assert publishing == [Path(broker.publisher.__file__)]
