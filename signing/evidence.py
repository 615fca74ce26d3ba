"""Revocation evidence: what says whether a certificate still holds. Nothing is fetched here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Evidence:
    """What came with a signed file, each piece in DER and not yet judged."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()

    def __add__(self, other: Evidence) -> Evidence:
        """Return both together."""
        return Evidence(
            self.certificates + other.certificates, self.crls + other.crls, self.ocsps + other.ocsps
        )


class EvidenceStore(Protocol):
    """Evidence that was fetched or imported before."""

    @property
    def epoch(self) -> str:
        """Return what changes whenever an answer in the store does."""

    def get(self, key: str) -> bytes | None:
        """Return the newest answer under the key of a `Wanted`, in DER, however old it is."""


@dataclass(frozen=True, slots=True)
class AtHand:
    """An evidence store in memory; empty, it is what judging offline looks into."""

    answers: Mapping[str, bytes]
    epoch: str = ""

    def get(self, key: str) -> bytes | None:
        """Return the answer under a key."""
        return self.answers.get(key)


NOTHING = AtHand({})
