"""Commands on the ledger: the directory, credentials, parked deliveries."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.errors import AgencyUnavailable, MalformedRequest, NotFound, RecipientRefused
from gateway.domain.model import AgencyCode, ClientId, Role
from gateway.domain.states import DeliveryState
from ops.commands import COMMANDS
from ops.desk import SECRET_OVERLAP, Json
from tests.support.api import Api, open_api
from tests.support.desks import desk_of
from tests.support.exchange import AGENCIES, OTHER_RECIPIENT, PUSHED_RECIPIENT, RECIPIENT
from tests.support.paperwork import Clerk

PUBLIC_KEY = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with open_api(tmp_path) as opened:
        yield opened


async def run(api: Api, name: str, **arguments: Any) -> Json:
    return await COMMANDS[name](desk_of(api.world), arguments)


async def bring(api: Api, *rows: Json) -> Json:
    """Import these rows as a JSON file."""
    file = api.world.folder / "directory.json"
    file.write_text(json.dumps([{"name": "Sở", "level": 2} | row for row in rows]))
    return await run(api, "agencies import", file=str(file))


def bad_lines(outcome: Json) -> list[int]:
    return [row["line"] for row in outcome["bad"]]


# --- importing a directory ---------------------------------------------------------------------------


async def test_import_reports_what_it_created_changed_and_left(api: Api) -> None:
    first = await bring(api, {"code": "A"}, {"code": "B", "qd20": "B.1"})
    again = await bring(api, {"code": "A"}, {"code": "B", "qd20": "B.1"})
    later = await bring(api, {"code": "A", "name": "Sở mới"}, {"code": "B", "qd20": "B.1"}, {"code": "C"})
    assert first == {"created": ["A", "B"], "changed": [], "unchanged": 0, "bad": []}
    assert again == {"created": [], "changed": [], "unchanged": 2, "bad": []}
    assert later == {"created": ["C"], "changed": ["A"], "unchanged": 1, "bad": []}


async def test_superiors_may_stand_behind_their_subordinates(api: Api) -> None:
    rows = [{"code": "C", "parent": "B"}, {"code": "B", "parent": "A"}, {"code": "A"}]
    outcome = await bring(api, *rows, {"code": "X", "parent": "nobody"})
    assert (outcome["created"], bad_lines(outcome)) == (["A", "B", "C"], [4])


async def test_of_two_agencies_with_one_alias_the_second_is_bad_and_nothing_else(api: Api) -> None:
    rows = [{"code": f"A{n}", "qd20": f"A.{n}"} for n in range(20)]
    rows[13]["qd20"] = "A.4"
    outcome = await bring(api, *rows)
    assert len(outcome["created"]) == 19
    assert bad_lines(outcome) == [14]
    assert "A.4: would mean both" in outcome["bad"][0]["fault"]


async def test_alias_that_means_an_agency_of_the_directory_is_bad(api: Api) -> None:
    outcome = await bring(api, {"code": "A"}, {"code": "B", "qcvn102": "000.00.01.H26"}, {"code": "C"})
    assert (outcome["created"], bad_lines(outcome)) == (["A", "C"], [2])
    assert RECIPIENT in outcome["bad"][0]["fault"]


async def test_one_alias_may_mean_two_agencies_one_after_the_other(api: Api) -> None:
    old = {"code": "A", "qd20": "H26.7@/2025-06-30"}
    outcome = await bring(api, old, {"code": "B", "qd20": "H26.7@2025-07-01/"})
    assert outcome["bad"] == []


async def test_alias_moves_to_another_agency_though_a_row_beside_it_is_bad(api: Api) -> None:
    await bring(api, {"code": "A", "qd20": "M.1"}, {"code": "B"})
    moved = [{"code": "B", "qd20": "M.1"}, {"code": "A"}, {"code": "X", "parent": "nobody"}]
    outcome = await bring(api, *moved)
    assert (sorted(outcome["changed"]), bad_lines(outcome)) == (["A", "B"], [3])


async def test_subordinates_of_a_bad_row_are_bad_too(api: Api) -> None:
    outcome = await bring(api, {"code": "A", "level": 9}, {"code": "B", "parent": "A"}, {"code": "C"})
    assert (outcome["created"], bad_lines(outcome)) == (["C"], [1, 2])


@pytest.mark.parametrize("content", [b"\xff", b"{}", None])
async def test_file_that_cannot_be_read_is_refused_by_name(api: Api, content: bytes | None) -> None:
    file = api.world.folder / "directory.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(MalformedRequest, match=r"directory\.json"):
        await run(api, "agencies import", file=str(file))


# --- credentials -------------------------------------------------------------------------------------


async def test_created_client_logs_in_with_the_secret_shown_once(api: Api) -> None:
    (made,) = (await run(api, "clients create", agencies=[RECIPIENT]))["clients"]
    assert (await api.login(made["client_id"], made["client_secret"])).status == 200
    stored = await api.world.exchange.clients.find(ClientId(made["client_id"]))
    assert made["client_secret"] not in repr(stored)
    assert made["client_secret"] not in str(stored and stored.secret_sha256)


async def test_everybody_gets_a_client(api: Api) -> None:
    made = (await run(api, "clients create", all=True))["clients"]
    assert {each["agency"] for each in made} == {agency.code for agency in AGENCIES}
    assert len({each["client_secret"] for each in made}) == len(AGENCIES)


async def test_unknown_agencies_are_all_named_and_nobody_gets_a_client(api: Api) -> None:
    before = api.world.rows("clients")
    with pytest.raises(NotFound, match="H98, H99"):
        await run(api, "clients create", agencies=[RECIPIENT, "H98", "H99"])
    assert api.world.rows("clients") == before


async def test_client_with_its_own_key_has_no_secret(api: Api) -> None:
    (made,) = (await run(api, "clients create", agencies=[RECIPIENT], public_key=PUBLIC_KEY))["clients"]
    assert "client_secret" not in made
    client = await api.world.exchange.clients.find(ClientId(made["client_id"]))
    assert client is not None
    assert (client.public_key, client.secret_sha256) == (PUBLIC_KEY, None)


@pytest.mark.parametrize(
    "key",
    [
        PUBLIC_KEY.replace("PUBLIC", "PRIVATE"),
        PUBLIC_KEY.replace("PUBLIC", "EC PRIVATE") + PUBLIC_KEY,
        '{"kty": "EC", "crv": "P-256", "x": "", "y": "", "d": "secret"}',
        "{",
        "ssh-ed25519 AAAA",
    ],
)
async def test_private_key_never_comes_into_the_record(api: Api, key: str) -> None:
    before = api.world.rows("clients")
    with pytest.raises(MalformedRequest):
        await run(api, "clients create", agencies=[RECIPIENT], public_key=key)
    assert api.world.rows("clients") == before


async def test_rotated_secret_works_beside_the_old_one_for_a_week(api: Api) -> None:
    (old,) = (await run(api, "clients create", agencies=[PUSHED_RECIPIENT]))["clients"]
    outcome = await run(api, "clients rotate", agency=PUSHED_RECIPIENT)
    (new,) = [each for each in outcome["clients"] if each["client_id"] == old["client_id"]]
    assert new["client_secret"] != old["client_secret"]
    api.world.clock += SECRET_OVERLAP - timedelta(seconds=1)
    during = [await api.login(old["client_id"], each["client_secret"]) for each in (old, new)]
    api.world.clock += timedelta(seconds=1)
    after = [await api.login(old["client_id"], each["client_secret"]) for each in (old, new)]
    assert [answer.status for answer in during + after] == [200, 200, 401, 200]


async def test_rotation_leaves_tokens_alive(api: Api) -> None:
    await api.token(RECIPIENT)
    await run(api, "clients rotate", agency=RECIPIENT)
    api.world.clock += timedelta(minutes=5)
    assert (await api.get("/v1/inbox", by=RECIPIENT)).status == 200


async def test_agency_whose_clients_hold_their_own_keys_has_nothing_to_rotate(api: Api) -> None:
    await bring(api, {"code": "A"})
    await run(api, "clients create", agencies=["A"], public_key=PUBLIC_KEY)
    with pytest.raises(NotFound, match="own keys"):
        await run(api, "clients rotate", agency="A")


async def test_token_of_a_revoked_client_dies_within_five_seconds(api: Api) -> None:
    assert (await api.get("/v1/inbox", by=RECIPIENT)).status == 200
    await run(api, "clients revoke", agency=RECIPIENT)
    api.world.clock += timedelta(seconds=5)
    assert (await api.get("/v1/inbox", by=RECIPIENT)).status == 401
    assert (await api.login(RECIPIENT, "secret-of-" + RECIPIENT)).status == 401
    assert (await api.get("/v1/inbox", by=OTHER_RECIPIENT)).status == 200


async def test_one_client_can_be_revoked_beside_others(api: Api) -> None:
    (made,) = (await run(api, "clients create", agencies=[RECIPIENT]))["clients"]
    outcome = await run(api, "clients revoke", agency=RECIPIENT, client_id=made["client_id"])
    assert outcome == {"revoked": [made["client_id"]]}
    assert (await api.get("/v1/inbox", by=RECIPIENT)).status == 200
    with pytest.raises(NotFound):
        await run(api, "clients revoke", agency=RECIPIENT, client_id=made["client_id"])


async def test_agency_without_clients_has_nothing_to_rotate_or_revoke(api: Api) -> None:
    for name in ("clients rotate", "clients revoke"):
        with pytest.raises(NotFound):
            await run(api, name, agency="H99")


async def test_administrator_belongs_to_no_agency(api: Api) -> None:
    made = await run(api, "administrators create")
    client = await api.world.exchange.clients.find(ClientId(made["client_id"]))
    assert client is not None
    assert (client.role, client.agency) == (Role.ADMINISTRATOR, None)
    assert (await api.login(made["client_id"], made["client_secret"])).status == 200


# --- redriving ---------------------------------------------------------------------------------------


async def test_redrive_shows_and_then_queues_what_is_parked(api: Api) -> None:
    api.world.webhook.script = [RecipientRefused("the webhook answered 410")]
    accepted = await Clerk(api.world).sent(to=[PUSHED_RECIPIENT])
    await api.world.work()
    shown = await run(api, "redrive", recipient=PUSHED_RECIPIENT, dry_run=True)
    outcome = await run(api, "redrive", after="2026-11-21T08:00:00+07:00", before="2026-11-22T00:00:00Z")
    (line,) = outcome["deliveries"]
    assert shown == {"dry_run": True, "deliveries": [line], "more_wait": False}
    assert (line["to"], line["reason"]) == (PUSHED_RECIPIENT, "the webhook answered 410")
    assert await Clerk(api.world).states(accepted.document) == [DeliveryState.QUEUED]
    elsewhere = await run(api, "redrive", recipient=AgencyCode("H99"))
    assert elsewhere == {"dry_run": False, "deliveries": [], "more_wait": False}


async def test_waiting_line_is_sent_on_its_way_by_redrive_too(api: Api) -> None:
    api.world.webhook.script = [AgencyUnavailable("the webhook answered 503")]
    accepted = await Clerk(api.world).sent(to=[PUSHED_RECIPIENT])
    await api.world.work()
    assert (await run(api, "redrive", recipient=PUSHED_RECIPIENT))["deliveries"] == []
    outcome = await run(api, "redrive", recipient=PUSHED_RECIPIENT, waiting=True)
    assert [line["reason"] for line in outcome["deliveries"]] == ["the webhook answered 503"]
    await api.world.work()
    assert await Clerk(api.world).states(accepted.document) == [DeliveryState.OFFERED]


async def test_waiting_line_must_be_named(api: Api) -> None:
    with pytest.raises(MalformedRequest):
        await run(api, "redrive", waiting=True)


@pytest.mark.parametrize("moment", ["2026-11-21T08:00:00", "yesterday"])
async def test_moment_must_say_its_time_zone(api: Api, moment: str) -> None:
    with pytest.raises(MalformedRequest, match=moment):
        await run(api, "redrive", after=moment)
