"""What a case of a certification path is, and the usual shapes of paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.support.chain_pki import (
    Extension,
    Made,
    authority,
    root,
    signer,
)

FAULTY = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
NO_PATH = "NO_CERTIFICATE_CHAIN_FOUND"
TIME = "OUT_OF_BOUNDS_NO_POE"
USAGE = "CHAIN_CONSTRAINTS_FAILURE"
WEAK = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
UNREADABLE = "NO_SIGNING_CERTIFICATE_FOUND"
GOOD = None


@dataclass(frozen=True)
class Chain:
    """A signer, what lies between, and the root."""

    leaf: Made
    between: tuple[Made, ...] = ()
    anchor: Made | None = None


Cases = dict[str, tuple[str | None, Callable[[], Chain]]]
"""What each path is to be judged as, and how it is made, by its name."""


def case(cases: Cases, expected: str | None) -> Callable[[Callable[[], Chain]], Callable[[], Chain]]:
    """Register a path among the cases; its name is the function's."""

    def register(build: Callable[[], Chain]) -> Callable[[], Chain]:
        cases[build.__name__] = (expected, build)
        return build

    return register


def through(*extensions: Extension, leaf: tuple[Extension, ...] = (), **rest: object) -> Chain:
    """A root, one authority with these extensions, a signer."""
    top = root()
    middle = authority("Issuing", *extensions, by=top, **rest)
    return Chain(signer("Leader", *leaf, by=middle), (middle,), top)


def line(*authorities: tuple[Extension, ...], leaf: tuple[Extension, ...] = ()) -> Chain:
    """A root and several authorities below each other."""
    top = root()
    between: list[Made] = []
    for number, extensions in enumerate(authorities):
        above = between[-1] if between else top
        between.append(authority(f"Authority {number}", *extensions, by=above))
    return Chain(signer("Leader", *leaf, by=between[-1] if between else top), tuple(between), top)
