"""One crash run on one size: start, send, strike, heal, read, judge."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from ops.dev.crash.agencies import Agencies, at_work, open_lines
from ops.dev.crash.checker import Goal, Judgement, judge
from ops.dev.crash.faults import Fault, drawn, kills, unbinding, wipe, wipe_rounds
from ops.dev.crash.journal import Died, Journal, Struck, read_journal
from ops.dev.crash.orders import Order, open_mill
from ops.dev.crash.planted import BITTEN_BY
from ops.dev.crash.receiver import open_receiver
from ops.dev.crash.survey import Survey
from ops.dev.crash.system import GRACE_SECONDS, NEVER_SECONDS, Size, System, open_system

STRUCK_BY, ENOUGH_ANSWERED = 0.4, 0.7
"""Shares of a portion: answered when its fault strikes at the latest, and before the next one follows."""
LONGEST_ROUND_SECONDS = 20.0
FIRST_PACE_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 2.0
"""A fault strikes somewhere within the time that portions have taken lately, but no later than this."""
STANDSTILL_SECONDS = 25.0
"""Healing is over when nothing has moved for so long: every wait of the system is far shorter."""
READ_SECONDS, READ_SECONDS_PER_DOCUMENT = 60.0, 0.1
LATE_DOUBLES_SECONDS = 3.0
LOOK_EVERY_SECONDS = 0.05
STRIKES_TRIED = 100

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do; with `unbind`, bindings are taken away instead of processes killed."""

    size: Size
    documents: int
    kills: int
    seed: int
    wipe_broker: bool = False
    unbind: bool = False
    planted: str | None = None

    @property
    def goal(self) -> Goal:
        """Return what the checker holds the run to."""
        return Goal(documents=self.documents, kills=self.kills)

    def portion(self, n: int) -> int:
        """Return how many documents are sent before fault `n`, or after the last one."""
        rounds = self.kills + 1
        return self.documents * (n + 1) // rounds - self.documents * n // rounds


async def run(plan: Plan, folder: Path, say: Say) -> Judgement:
    """Run one campaign in a folder and return what its journal proves.

    Raises:
        DidNotStart, RabbitMqMissing, PostgresqlMissing: The system could not be run.
    """
    if (this := asyncio.current_task()) is not None:
        # Told to stop, it still ends all that it has started.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    journal = Journal(folder / "journal.jsonl")
    try:
        await _campaign(plan, folder, journal, say)
    finally:
        journal.close()
    return judge(read_journal(journal.path), goal=plan.goal)


async def _campaign(plan: Plan, folder: Path, journal: Journal, say: Say) -> None:
    dice = random.Random(plan.seed)
    say("starting the system")
    mill = await open_mill(dice, trust=folder / "trust")
    async with (
        open_receiver(dice) as receiver,
        open_system(
            plan.size,
            folder,
            receiver=receiver,
            planted=plan.planted,
            grace_seconds=NEVER_SECONDS if plan.unbind else GRACE_SECONDS,
            died=lambda name, code: journal.write(Died(name=name, code=code)),
        ) as system,
        open_lines(system, dice) as lines,
    ):
        async with at_work(lines, journal, receiver, only_offered=plan.unbind) as agencies:
            rounds = _Rounds(journal, agencies, dice)
            faults = _faults(plan, system, dice)
            for n in range(plan.kills):
                await rounds.play(mill.portion(plan.portion(n)), faults)
                say(_progress(plan, journal))
            agencies.order(mill.portion(plan.portion(plan.kills)))
            say(f"{_progress(plan, journal)}; healing")
            await _until_still(journal, agencies)
        say(f"{_progress(plan, journal)}; reading what is there")
        with suppress(TimeoutError):  # the checker sees that the final read did not happen
            async with asyncio.timeout(READ_SECONDS + READ_SECONDS_PER_DOCUMENT * plan.documents):
                await Survey(system, journal, lines).read()


def _faults(plan: Plan, system: System, dice: random.Random) -> Iterator[Fault]:
    """Yield the faults of a run in order, and then more of them for those that find nothing to hit."""
    if plan.unbind:
        assert system.rabbitmq is not None, "of site size"
        yield from drawn([unbinding(system.rabbitmq)], dice=dice)
    chosen = kills(system, dice=dice)
    if plan.planted is not None:
        chosen = [fault for fault in chosen if fault.kind in BITTEN_BY[plan.planted]]
    others = drawn(chosen, dice=dice)
    if plan.wipe_broker and system.rabbitmq is not None:
        wipes = wipe_rounds(plan.kills)
        for n in range(plan.kills):
            yield wipe(system.rabbitmq) if n in wipes else next(others)
    yield from others


class _Rounds:
    """Portion after portion, a fault within each: so that every fault finds work in flight."""

    def __init__(self, journal: Journal, agencies: Agencies, dice: random.Random) -> None:
        self._journal = journal
        self._agencies = agencies
        self._dice = dice
        self._pace = FIRST_PACE_SECONDS

    async def play(self, portion: list[Order], faults: Iterator[Fault]) -> None:
        """Send a portion, strike while it is under way, and return when most of it is answered."""
        before, began = self._agencies.ordered, monotonic()
        self._agencies.order(portion)
        delay = self._dice.uniform(0, min(self._pace, LONGEST_DELAY_SECONDS))
        await self._until_answered(before + STRUCK_BY * len(portion), within=delay)
        await self._strike(faults)
        await self._until_answered(before + ENOUGH_ANSWERED * len(portion), within=LONGEST_ROUND_SECONDS)
        self._pace = 0.7 * self._pace + 0.3 * (monotonic() - began)

    async def _until_answered(self, count: float, *, within: float) -> None:
        """Return when so many documents were answered in all, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while len(self._journal.progress.answered) < count:  # noqa: ASYNC110 - others write it
                    await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _strike(self, faults: Iterator[Fault]) -> None:
        for _ in range(STRIKES_TRIED):
            fault = next(faults)
            in_flight = self._journal.progress.is_in_flight
            if await fault.strike():
                self._journal.write(Struck(kind=fault.kind, in_flight=in_flight))
                return
            # What it would hit is just being started again.
            await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _until_still(journal: Journal, agencies: Agencies) -> None:
    """Return when all is answered and taken and nothing more comes, or when nothing moves any more."""
    progress = journal.progress
    before, moved_at = (-1, -1), monotonic()
    sent = asyncio.ensure_future(agencies.until_all_sent())
    try:
        while not sent.done() or progress.is_in_flight:
            now = (len(progress.answered), progress.taken)
            if now != before:
                before, moved_at = now, monotonic()
            if monotonic() - moved_at > STANDSTILL_SECONDS:
                return
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        await asyncio.sleep(LATE_DOUBLES_SECONDS)
    finally:
        sent.cancel()


def _progress(plan: Plan, journal: Journal) -> str:
    progress = journal.progress
    return (
        f"{plan.size}: {progress.accepted}/{plan.documents} accepted, {progress.taken} taken, "
        f"{progress.faults}/{plan.kills} faults"
    )
