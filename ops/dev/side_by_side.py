"""Commands that run at the same time, each with its output in one piece. Standard library only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, NoReturn

from ops.dev.steps import say

LOOK_EVERY_SECONDS = 0.2
PIECE_BYTES = 1 << 16


class _Side:
    """One running command, and the file its output goes to."""

    def __init__(
        self, name: str, command: Sequence[str], *, environ: Mapping[str, str], output: IO[bytes]
    ) -> None:
        self.name = name
        self._output = output
        self._shown = 0
        self._was_told = False
        self._program = subprocess.Popen(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A Ctrl-C is for us; what it means for the command, `stop` says.
            process_group=0,
        )

    @property
    def exit_code(self) -> int | None:
        """Return how it ended, None while it runs."""
        return self._program.poll()

    def show(self) -> None:
        """Print its output, as far as it is not yet printed and until it has ended."""
        if not self._shown:
            say(f"{self.name}:")
        while True:
            # Looked at first: all it ever wrote is then in the file.
            has_ended = self.exit_code is not None
            while piece := os.pread(self._output.fileno(), PIECE_BYTES, self._shown):
                self._shown += len(piece)
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            if has_ended:
                return
            time.sleep(LOOK_EVERY_SECONDS)

    def stop(self) -> None:
        """Tell it to stop, as Ctrl-C does; once, for the second time would cut its cleaning up short."""
        if not self._was_told and self.exit_code is None:
            self._was_told = True
            self._program.send_signal(signal.SIGINT)


def side_by_side(commands: Mapping[str, Sequence[str]], *, environ: Mapping[str, str]) -> int:
    """Run all the commands at once and return 0 if every one of them ended well, else 1.

    Their output is printed in the order given: that of the first as it comes, each other when the one before
    it has ended.

    Args:
        commands: By the names they are spoken of.
        environ: The environment of them all.

    Raises:
        KeyboardInterrupt: SIGINT or SIGTERM came. All were told to stop and have stopped, and what they said
            last is printed.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(_interrupted_by(signal.SIGINT, signal.SIGTERM))
        sides: list[_Side] = []
        stack.callback(_stop, sides)  # however this ends
        for name, command in commands.items():
            output = stack.enter_context(tempfile.TemporaryFile(prefix="lienthong-dev-"))
            sides.append(_Side(name, command, environ=environ, output=output))
        try:
            for side in sides:
                side.show()
        except KeyboardInterrupt:
            _stop(sides)
            for side in sides:
                side.show()
            raise
    for side in sides:
        say(f"{side.name}: {f'NOT GOOD (exit code {side.exit_code})' if side.exit_code else 'good'}")
    say(f"{time.monotonic() - began:.0f} seconds")
    return 1 if any(side.exit_code for side in sides) else 0


def _stop(sides: Sequence[_Side]) -> None:
    for side in sides:
        side.stop()


@contextmanager
def _interrupted_by(*signals: signal.Signals) -> Iterator[None]:
    """Let these signals raise KeyboardInterrupt, also where a shell has us started with SIGINT ignored; the
    commands would inherit that and not stop."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
