"""Turns: what one account holds is no loss to another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain.errors import Throttled
from gateway.edge.turns import Turns


async def test_account_has_so_many_turns_and_others_have_their_own() -> None:
    turns = Turns(2, timedelta(0))

    async with turns.of("H26"), turns.of("H26"), turns.of("H27"):
        with pytest.raises(Throttled):
            async with turns.of("H26"):
                pass


async def test_turn_that_is_over_is_the_next_ones() -> None:
    turns = Turns(1, timedelta(0))

    with pytest.raises(ValueError, match="broken"):
        async with turns.of("H26"):
            raise ValueError("broken")
    async with turns.of("H26"):
        pass


async def test_accounts_without_a_turn_are_forgotten() -> None:
    turns = Turns(1, timedelta(0))

    async with turns.of("H26"):
        assert len(turns._of) == 1
    assert len(turns._of) == 0
