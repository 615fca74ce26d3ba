"""What the demo shows: a progress line while it works, a summary, and what to try next."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from ops.dev.life import LifeTally
from ops.dev.site import Site, Size
from ops.dev.story import Tally
from ops.dev.vxp_client import Centre

SECONDS_BETWEEN_LINES = 2.0
SECONDS_BETWEEN_REWRITES = 0.1
WIDTH = 100
SHOWN = 3
"""Agencies of a centre that are named; --json names all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that has come to its end."""

    agencies: int
    documents: int
    size: Size
    site: Site
    tally: Tally
    life: LifeTally | None
    seconds: float

    @property
    def faults(self) -> list[str]:
        """Return everything that was found wrong besides the counts."""
        return [*self.tally.faults, *(self.life.faults if self.life else ())]

    @property
    def lines(self) -> list[tuple[str, int, int]]:
        """Return what was counted: its name, what should be, what is."""
        tally = self.tally
        documents = 2 + self.documents
        deliveries = self.agencies + self.documents
        return [
            ("documents accepted", documents, tally.submitted),
            ("documents refused (one unsigned, one tampered with)", 2, len(tally.refusals)),
            ("deliveries, one per document and recipient", deliveries, tally.deliveries),
            ("delivered, as their senders see it", deliveries, tally.delivered),
            ("receipts verified offline", documents + deliveries, tally.receipts_verified),
            ("resends answered with the first receipt", 1, int(tally.resend_is_same)),
        ]

    @property
    def is_good(self) -> bool:
        """Return whether all counts agree and nothing was found wrong."""
        return not self.faults and all(wanted == got for _, wanted, got in self.lines)

    def fields(self) -> dict[str, Any]:
        """Return the outcome for `--json`, without the clients."""
        return {
            "agencies": self.agencies,
            "submitted": self.tally.submitted,
            "refused": len(self.tally.refusals),
            "deliveries": self.tally.deliveries,
            "delivered": self.tally.delivered,
            "receipts_verified": self.tally.receipts_verified,
            "seconds": round(self.seconds, 1),
            "broker": self.size.broker,
            "database": self.size.database,
            "url": self.site.url,
            "admin_url": self.site.admin_url,
            "trust_dir": str(self.site.trust_dir),
            "config": str(self.site.config),
            "life": self.life.fields() if self.life else {},
        }


class Progress:
    """One line that is rewritten on a terminal; elsewhere a line now and then."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._expected = 0
        self._next_at = 0.0
        self._last = ""

    def step(self, text: str) -> None:
        """Show what is being done now."""
        self.done()
        print(f"· {text}", file=self._out, flush=True)

    def expect(self, deliveries: int) -> None:
        """Say how many deliveries there will be."""
        self._expected = deliveries

    def show(self, tally: Tally) -> None:
        """Show how far it is, unless it was shown a moment ago."""
        self._last = (
            f"· {tally.submitted} sent, {len(tally.refusals)} refused, "
            f"{tally.taken} of {self._expected} taken, {tally.receipts_verified} receipts verified"
        )
        now = time.monotonic()
        if now < self._next_at:
            return
        self._next_at = now + (SECONDS_BETWEEN_REWRITES if self._is_terminal else SECONDS_BETWEEN_LINES)
        self._write()

    def done(self) -> None:
        """Finish the line with its last state."""
        if not self._last:
            return
        self._write()
        if self._is_terminal:
            print(file=self._out)
        self._last = ""

    def _write(self) -> None:
        start, end = ("\r\x1b[K", "") if self._is_terminal else ("", "\n")
        print(f"{start}{self._last}", end=end, file=self._out, flush=True)


def summary(outcome: Outcome) -> str:
    """Return the outcome for people."""
    size, tally = outcome.size, outcome.tally
    rows = [f"  {name:<54}{wanted:>8}{got:>8}" for name, wanted, got in outcome.lines]
    refusals = [line for each in tally.refusals for line in _refusal(each.file, each.detail, each.reasons)]
    verdict = "All counts agree." if outcome.is_good else "THE COUNTS DO NOT AGREE."
    return "\n".join(
        [
            "",
            f"A city of {outcome.agencies} agencies, in {outcome.seconds:.1f} s "
            f"(hand-over: {size.broker}, record: {size.database})",
            "",
            f"  {'':<54}{'wanted':>8}{'got':>8}",
            *rows,
            "",
            "Refused, because the sender's policy is `require`:",
            *refusals,
            *_life(outcome.life),
            *(f"  WRONG: {fault}" for fault in outcome.faults[:20]),
            "",
            verdict,
        ]
    )


def _life(tally: LifeTally | None) -> list[str]:
    if tally is None:
        return []
    return [
        "",
        "Besides, between two centres on /vxp and agencies on /v1:",
        *(f"  {line}" for line in tally.lines),
    ]


def _refusal(file: str, detail: str, reasons: tuple[str, ...]) -> list[str]:
    lines = [f"  {file}: {detail}", *(f"    {reason}" for reason in reasons)]
    return [part for line in lines for part in textwrap.wrap(line, WIDTH, subsequent_indent=" " * 6)]


def farewell(site: Site, variables: Path, centres: Sequence[Centre]) -> str:
    """Return where the running exchange is and what to try on it."""
    return f"""
The exchange stays up until Ctrl-C.
  API          {site.url}/v1     described at {site.url}/v1/docs
  health       {site.admin_url}/readyz?verbose     metrics at {site.admin_url}/metrics
{_for_vxp(centres)}
Try it in another terminal; README.md goes on from here:
  . {variables}
  TOKEN=$(curl -s "$URL/v1/token" -d grant_type=client_credentials \\
    -d client_id="$SENDER_ID" -d client_secret="$SENDER_SECRET" | field access_token)
  curl -s "$URL/v1/documents" -H "Authorization: Bearer $TOKEN" \\
    -F "envelope={{\\"document_id\\":\\"my-1\\",\\"subject\\":\\"Xin chào\\",\\"to\\":[\\"$RECIPIENT\\"]}}" \\
    -F "file=@$PDF"
{_TRY_VXP if centres else ""}"""


def _for_vxp(centres: Sequence[Centre]) -> str:
    """Return what to put into an existing client of the national axis."""
    lines = []
    for centre in centres:
        shown = ", ".join(centre.agencies[:SHOWN]) + (", …" if len(centre.agencies) > SHOWN else "")
        lines += [
            f"  VXP client   endpoint {centre.endpoint}     system id {centre.system_id}",
            f"               secret {centre.secret}     agencies {shown}",
        ]
    return "".join(f"{line}\n" for line in lines)


_TRY_VXP = "  vxp getReceivedEdocList servicetype=eDoc messagetype=edoc\n"
