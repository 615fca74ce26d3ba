"""The port `Directory`, over every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from adapters.db.ledger import Ledger
from gateway.domain.envelope import Dialect
from gateway.domain.errors import Conflict
from gateway.domain.model import Agency, AgencyCode, Alias, AliasScheme
from tests.support.exchange_samples import NOW, agency
from tests.support.ledgers import HOOK, codes

DAY = date(2026, 11, 21)
FULL = Agency(
    code=AgencyCode("H26.03"),
    name="Sở Nội vụ",
    level=2,
    parent=AgencyCode("H26"),
    aliases=(
        Alias(AliasScheme.QCVN102, "000.00.03.H26", date(2020, 1, 1), date(2026, 6, 30)),
        Alias(AliasScheme.QD20, "H26.3"),
    ),
    webhook=HOOK,
    email="vanthu@sonoivu.example",
    phone="024 0000 0000",
    closed_on=date(2027, 1, 1),
    dialect=Dialect.DOTNET,
)


def alias(value: str, start: date | None = None, end: date | None = None) -> Alias:
    return Alias(AliasScheme.QD20, value, start, end)


async def test_agency_is_given_back_as_it_was_imported(ledger: Ledger) -> None:
    await ledger.directory.upsert([agency("H26"), FULL], now=NOW)
    assert await ledger.directory.agency(FULL.code) == FULL


async def test_unknown_agency_is_none(ledger: Ledger) -> None:
    assert await ledger.directory.agency(AgencyCode("H99")) is None


async def test_import_tells_created_changed_and_unchanged(ledger: Ledger) -> None:
    await ledger.directory.upsert([agency("A"), agency("B")], now=NOW)
    changes = await ledger.directory.upsert([agency("A"), agency("B", name="Sở mới"), agency("C")], now=NOW)
    assert (changes.created, changes.changed, changes.unchanged) == (("C",), ("B",), 1)
    assert (await ledger.directory.agency(AgencyCode("B"))) == agency("B", name="Sở mới")


async def test_changed_aliases_replace_the_earlier_ones(ledger: Ledger) -> None:
    await ledger.directory.upsert([agency("A", aliases=(alias("old"),))], now=NOW)
    changes = await ledger.directory.upsert([agency("A", aliases=(alias("new"),))], now=NOW)
    assert changes.changed == ("A",)
    assert list(await ledger.directory.resolve(["old", "new"], on=DAY)) == ["new"]


async def test_version_changes_with_any_agency_and_only_then(ledger: Ledger) -> None:
    versions = [await ledger.directory.version()]
    for imported in ([agency("A")], [agency("A")], [agency("A", email="a@a.example")]):
        await ledger.directory.upsert(imported, now=NOW)
        versions.append(await ledger.directory.version())
    assert versions[0] != versions[1] == versions[2] != versions[3]


async def test_page_continues_behind_a_code(ledger: Ledger) -> None:
    await ledger.directory.upsert(
        [
            agency(code, aliases=(alias(f"{code}-x"), alias(f"{code}-y")))
            for code in ("c", "B", "a", "H26.01")
        ],
        now=NOW,
    )
    first = await ledger.directory.page(after=None, limit=3)
    second = await ledger.directory.page(after=first[-1].code, limit=3)
    assert (codes(first), codes(second)) == (["B", "H26.01", "a"], ["c"])


async def test_resolve_finds_codes_and_aliases_and_leaves_unknown_ones_out(ledger: Ledger) -> None:
    await ledger.directory.upsert([agency("A", aliases=(alias("a1"),)), agency("B")], now=NOW)
    found = await ledger.directory.resolve(["a1", "B", "nobody"], on=DAY)
    assert {code: each.code for code, each in found.items()} == {"a1": "A", "B": "B"}


async def test_alias_means_its_agency_on_its_days_only(ledger: Ledger) -> None:
    moved = date(2026, 7, 1)
    before, after = alias("H26.9", None, date(2026, 6, 30)), alias("H26.9", moved, None)
    await ledger.directory.upsert([agency("A", aliases=(before,)), agency("B", aliases=(after,))], now=NOW)
    meant = [await ledger.directory.resolve(["H26.9"], on=day) for day in (date(2026, 6, 30), moved)]
    assert [each["H26.9"].code for each in meant] == ["A", "B"]


async def test_own_code_wins_over_an_alias(ledger: Ledger) -> None:
    await ledger.directory.upsert([agency("A", aliases=(alias("B"),)), agency("B")], now=NOW)
    assert (await ledger.directory.resolve(["B"], on=DAY))["B"].code == "B"


async def test_closed_agency_is_resolved(ledger: Ledger) -> None:
    await ledger.directory.upsert([agency("A", closed_on=date(2020, 1, 1))], now=NOW)
    assert not (await ledger.directory.resolve(["A"], on=DAY))["A"].is_open_on(DAY)


async def test_ambiguous_alias_and_unknown_parent_are_all_named_and_nothing_changes(ledger: Ledger) -> None:
    await ledger.directory.upsert([agency("A", aliases=(alias("x"),))], now=NOW)
    wrong = [agency("B", aliases=(alias("x"),)), agency("C", parent="nowhere"), agency("D")]
    with pytest.raises(Conflict) as caught:
        await ledger.directory.upsert(wrong, now=NOW)
    assert [reason.split(":")[0] for reason in caught.value.reasons] == ["C", "x"]
    assert codes(await ledger.directory.page(after=None, limit=9)) == ["A"]


async def test_parent_in_the_same_import_is_known(ledger: Ledger) -> None:
    await ledger.directory.upsert([agency("H26.01", parent="H26"), agency("H26")], now=NOW)
    assert codes(await ledger.directory.page(after=None, limit=9)) == ["H26", "H26.01"]


async def test_alias_handed_over_in_one_import_is_no_conflict(ledger: Ledger) -> None:
    holder = agency("A", aliases=(alias("x"),))
    await ledger.directory.upsert([holder, agency("B")], now=NOW)
    await ledger.directory.upsert([replace(holder, aliases=()), agency("B", aliases=(alias("x"),))], now=NOW)
    assert (await ledger.directory.resolve(["x"], on=DAY))["x"].code == "B"


async def test_of_two_imports_at_once_that_contradict_each_other_one_is_refused(ledger: Ledger) -> None:
    imports = [[agency(code, aliases=(alias("x"),))] for code in ("A", "B")]
    ends = await asyncio.gather(
        *(ledger.directory.upsert(each, now=NOW) for each in imports), return_exceptions=True
    )
    assert [type(end) for end in ends].count(Conflict) == 1
    assert len(await ledger.directory.page(after=None, limit=9)) == 1
