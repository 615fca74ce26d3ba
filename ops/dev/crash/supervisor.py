"""Starting `lienthong` processes, starting them again when they die, and finding the workers below them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from broker.connection import running

RESTART_AFTER_SECONDS = 0.2
STOP_SECONDS = 30
READY_SECONDS = 60


class DidNotStart(Exception):
    """A process of the system did not come up; the text says where its log is."""


class Supervised:
    """One process that is started again whenever it ends. Made by `supervised`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        died: Callable[[str, int], None],
    ) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._environment = environment
        self._died = died
        self._process: asyncio.subprocess.Process | None = None
        self._is_expected_to_end = False
        self._orphans: dict[int, str] = {}
        self.deaths = 0
        """How often it ended by itself."""

    @property
    def pid(self) -> int | None:
        """Return its process id, None between two lives."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def keep_up(self) -> None:
        """Run it again and again, each life in a session of its own."""
        while True:
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    env=self._environment,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            code = await self._process.wait()
            if not self._is_expected_to_end:
                self.deaths += 1
                self._died(self.name, code)
            self._is_expected_to_end = False
            await asyncio.sleep(RESTART_AFTER_SECONDS)

    def kill9(self) -> bool:
        """Kill it, and not the workers below it; return whether it was alive."""
        if self.pid is not None:
            self._orphans |= {pid: command_line(pid) for pid in descendants(self.pid)}
        return self._signal(signal.SIGKILL)

    def living_orphans(self) -> list[str]:
        """Return the command lines of workers that have outlived the process they worked for."""
        return [words for pid, words in self._orphans.items() if words and command_line(pid) == words]

    async def restart(self) -> None:
        """Stop it cleanly; its supervisor starts it again.

        Raises:
            DidNotStart: It did not stop within STOP_SECONDS.
        """
        process = self._process
        if process is None or not self._signal(signal.SIGTERM):
            return
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            raise DidNotStart(f"{self.name} does not stop on SIGTERM; see {self.log}") from None

    async def end(self) -> None:
        """End it for good, cleanly if it lets us."""
        process = self._process
        if process is None or not self._signal(signal.SIGTERM):
            return
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _signal(self, number: signal.Signals) -> bool:
        pid = self.pid
        if pid is None:
            return False
        self._is_expected_to_end = True
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        return True


@asynccontextmanager
async def supervised(program: Supervised) -> AsyncIterator[Supervised]:
    """Keep a process up while the block runs."""
    async with running(program.keep_up(), name=f"supervisor of {program.name}"):
        yield program
    await program.end()


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes below a process, as far as they live."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for word in (task / "children").read_text().split():
                yield int(word)
                yield from descendants(int(word))


def command_line(pid: int) -> str:
    """Return the words a process was started with, empty when it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""
