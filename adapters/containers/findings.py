"""What a container is refused for, and what is only said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from signing.report import Warning as ReportWarning


class BadContainer(Exception):
    """The file hides something, is not what it says, or cannot be looked through; the text says why."""


class ActiveContent(StrEnum):
    """What a file may do beyond being read: codes of warnings."""

    MACROS = "macros"
    EMBEDDED_OBJECT = "embedded-object"
    DDE = "dde"
    EXTERNAL_CONTENT = "external-content"
    NESTED_ARCHIVE = "archive-nested"


ACTIVE: frozenset[str] = frozenset(ActiveContent)

_DETAILS = {
    ActiveContent.MACROS: "The file holds macros.",
    ActiveContent.EMBEDDED_OBJECT: "The file holds an embedded object.",
    ActiveContent.DDE: "The file starts another program by DDE when its fields are brought up to date.",
    ActiveContent.EXTERNAL_CONTENT: "The file fetches a part of itself from elsewhere.",
    ActiveContent.NESTED_ARCHIVE: "The archive holds another archive.",
}


@dataclass(slots=True)
class Findings:
    """What was found so far, each kind once, with the first place."""

    _places: dict[ActiveContent, str] = field(default_factory=dict)

    def note(self, *found: ActiveContent, at: str) -> None:
        """Remember what was found in a part of the file; `at` is the part's name, "" for the file itself."""
        for each in found:
            self._places.setdefault(each, at)

    def warnings(self) -> tuple[ReportWarning, ...]:
        """Return one warning per kind, in the order found."""
        return tuple(
            ReportWarning(code.value, f"{_DETAILS[code]} ({place})" if place else _DETAILS[code])
            for code, place in self._places.items()
        )
