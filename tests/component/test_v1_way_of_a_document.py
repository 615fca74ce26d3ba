"""The way of a document over `/v1`: sent, found, claimed, accepted, proven."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import timedelta

from tests.support.api import Api, api
from tests.support.exchange import (
    ADMINISTRATOR,
    OTHER_RECIPIENT,
    PUSHED_RECIPIENT,
    RECIPIENT,
    SENDER,
    STRICT_SENDER,
)
from tests.support.twins import SIGNED, TAMPERED, UNSIGNED

__all__ = ["api"]


async def delivery_of(api: Api, agency: str) -> str:
    inbox = await api.get("/v1/inbox", by=agency)
    return str(inbox.json["items"][0]["delivery"])


async def test_document_is_sent_found_claimed_accepted_and_proven(api: Api) -> None:
    sent = await api.submit(key="k1", to=[RECIPIENT, OTHER_RECIPIENT])
    await api.world.work()
    inbox = await api.get("/v1/inbox", by=RECIPIENT)
    (entry,) = inbox.json["items"]
    claim = await api.post(f"/v1/inbox/{entry['delivery']}/claim", by=RECIPIENT)
    file = await api.get(entry["document"]["files"][0]["url"], by=RECIPIENT)
    lease = {"lease": claim.json["lease"]}
    receipt = await api.post(f"/v1/inbox/{entry['delivery']}/accept", by=RECIPIENT, body=lease)
    status = await api.get(sent.headers["Location"])

    assert sent.status == 202
    assert sent.json["label"] == "signed"
    assert sent.json["receipt"]["statement"]["to"] == [RECIPIENT, OTHER_RECIPIENT]
    assert entry["state"] == "OFFERED"
    assert entry["document"]["subject"] == "Về việc bảo đảm an toàn thông tin"
    assert file.content == SIGNED
    assert hashlib.sha256(file.content).hexdigest() == entry["document"]["files"][0]["sha256"]
    assert receipt.json["statement"]["kind"] == "delivered"
    assert {each["to"]: each["state"] for each in status.json["deliveries"]} == {
        RECIPIENT: "DELIVERED",
        OTHER_RECIPIENT: "OFFERED",
    }


async def test_times_are_shown_in_vietnamese_time(api: Api) -> None:
    sent = await api.submit()
    document = await api.get(sent.headers["Location"])
    assert document.json["accepted_at"] == "2026-11-21T08:02:03+07:00"


async def test_answer_says_what_was_found_of_each_signature(api: Api) -> None:
    sent = await api.submit()
    (verification,) = sent.json["verification"]
    (signature,) = verification["signatures"]
    assert verification["verdict"] == "TOTAL-PASSED"
    assert signature["signer"] == "Nguyễn Văn A"
    assert signature["facets"]["integrity"] == "unknown"


async def test_unsigned_document_travels_for_information_only(api: Api) -> None:
    sent = await api.submit(("công văn.pdf", UNSIGNED))
    assert sent.json["label"] == "for-information"


async def test_agency_that_pulls_sees_what_was_not_handed_over_yet(api: Api) -> None:
    await api.submit()
    inbox = await api.get("/v1/inbox", by=RECIPIENT)
    assert [entry["state"] for entry in inbox.json["items"]] == ["QUEUED"]


async def test_resend_with_key_gets_the_first_answer_byte_for_byte(api: Api) -> None:
    first = await api.submit(key="k1")
    api.world.clock += timedelta(minutes=10)
    again = await api.submit(key="k1")
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert api.world.rows("documents") == 1


async def test_resend_without_key_gets_the_first_answer(api: Api) -> None:
    first = await api.submit()
    again = await api.submit()
    assert again.content == first.content


async def test_same_document_id_with_other_content_is_accepted_and_flagged(api: Api) -> None:
    first = await api.submit()
    other = await api.submit(("khác.pdf", UNSIGNED))
    assert other.json["duplicate_of"] == first.json["id"]


async def test_key_used_for_another_request_is_refused(api: Api) -> None:
    await api.submit(key="k1")
    other = await api.submit(key="k1", document_id="another")
    assert (other.status, other.code) == (422, "idempotency-key-reused")


async def test_same_key_of_another_agency_is_another_key(api: Api) -> None:
    await api.submit(key="k1")
    other = await api.submit(key="k1", by=OTHER_RECIPIENT)
    assert other.status == 202
    assert api.world.rows("documents") == 2


async def test_key_still_being_worked_on_is_a_conflict(api: Api) -> None:
    api.world.verifier.gate.clear()
    await api.token(SENDER)
    first = asyncio.ensure_future(api.submit(key="k1"))
    await api.world.verifier.is_busy.wait()
    second = await api.submit(key="k1")
    api.world.verifier.gate.set()
    assert (second.status, second.code) == (409, "submission-in-progress")
    assert (await first).status == 202


async def test_unknown_recipients_may_be_skipped_and_are_named(api: Api) -> None:
    sent = await api.submit(to=[RECIPIENT, "H99.00"], unknown_recipients="skip")
    assert sent.json["skipped"] == ["H99.00"]
    assert sent.json["receipt"]["statement"]["skipped"] == ["H99.00"]
    assert [each["to"] for each in sent.json["deliveries"]] == [RECIPIENT]


async def test_recipient_may_be_named_by_another_code(api: Api) -> None:
    sent = await api.submit(to=["000.00.01.H26"])
    assert [each["to"] for each in sent.json["deliveries"]] == [RECIPIENT]


async def test_refusal_reaches_the_sender_with_its_reason(api: Api) -> None:
    sent = await api.submit()
    delivery = await delivery_of(api, RECIPIENT)
    refusal = {"reason": "không thuộc thẩm quyền"}
    receipt = await api.post(f"/v1/inbox/{delivery}/refuse", by=RECIPIENT, body=refusal)
    status = await api.get(sent.headers["Location"])
    assert receipt.json["statement"]["reason"] == "không thuộc thẩm quyền"
    assert status.json["deliveries"][0]["state"] == "REFUSED"
    assert status.json["deliveries"][0]["receipt"] == receipt.json["statement"]["receipt"]


async def test_refusal_needs_a_reason(api: Api) -> None:
    await api.submit()
    delivery = await delivery_of(api, RECIPIENT)
    missing = await api.post(f"/v1/inbox/{delivery}/refuse", by=RECIPIENT, body={})
    empty = await api.post(f"/v1/inbox/{delivery}/refuse", by=RECIPIENT, body={"reason": ""})
    assert (missing.status, empty.status) == (400, 400)
    assert "reason" in missing.json["reasons"][0]


async def test_accepting_twice_gets_the_same_receipt(api: Api) -> None:
    await api.submit()
    delivery = await delivery_of(api, RECIPIENT)
    first = await api.post(f"/v1/inbox/{delivery}/accept", by=RECIPIENT)
    again = await api.post(f"/v1/inbox/{delivery}/accept", by=RECIPIENT)
    assert again.content == first.content


async def test_accepted_delivery_cannot_be_refused(api: Api) -> None:
    await api.submit()
    delivery = await delivery_of(api, RECIPIENT)
    await api.post(f"/v1/inbox/{delivery}/accept", by=RECIPIENT)
    refused = await api.post(f"/v1/inbox/{delivery}/refuse", by=RECIPIENT, body={"reason": "nhầm"})
    assert (refused.status, refused.code) == (409, "illegal-transition")


async def test_claimed_delivery_is_out_of_the_inbox_until_its_lease_ends(api: Api) -> None:
    await api.submit()
    delivery = await delivery_of(api, RECIPIENT)
    await api.post(f"/v1/inbox/{delivery}/claim", by=RECIPIENT)
    second = await api.post(f"/v1/inbox/{delivery}/claim", by=RECIPIENT)
    meanwhile = await api.get("/v1/inbox", by=RECIPIENT)
    api.world.clock += timedelta(minutes=6)
    later = await api.get("/v1/inbox", by=RECIPIENT)
    assert (second.status, second.code) == (409, "lease-lost")
    assert meanwhile.json["items"] == []
    assert len(later.json["items"]) == 1


async def test_lease_is_renewed_by_showing_it(api: Api) -> None:
    await api.submit()
    delivery = await delivery_of(api, RECIPIENT)
    claim = await api.post(f"/v1/inbox/{delivery}/claim", by=RECIPIENT)
    api.world.clock += timedelta(minutes=4)
    held = {"lease": claim.json["lease"]}
    renewed = await api.post(f"/v1/inbox/{delivery}/claim", by=RECIPIENT, body=held)
    assert renewed.json["until"] > claim.json["until"]


async def test_long_poll_answers_as_soon_as_something_arrives(api: Api) -> None:
    await api.token(RECIPIENT)
    poll = asyncio.ensure_future(api.get("/v1/inbox?wait=20", by=RECIPIENT))
    await api.submit()
    await api.world.work()
    async with asyncio.timeout(5):
        inbox = await poll
    assert len(inbox.json["items"]) == 1


async def test_inbox_is_read_page_by_page(api: Api) -> None:
    for number in range(3):
        await api.submit(document_id=f"VB-{number}")
        api.world.clock += timedelta(seconds=1)
    first = await api.get("/v1/inbox?limit=2", by=RECIPIENT)
    second = await api.get(f"/v1/inbox?limit=2&cursor={first.json['next']}", by=RECIPIENT)
    seen = [entry["document"]["document_id"] for entry in first.json["items"] + second.json["items"]]
    assert seen == ["VB-0", "VB-1", "VB-2"]
    assert second.json["next"] is None


async def test_recall_takes_back_what_nobody_has_opened(api: Api) -> None:
    sent = await api.submit(to=[RECIPIENT, OTHER_RECIPIENT])
    taken = await delivery_of(api, RECIPIENT)
    await api.post(f"/v1/inbox/{taken}/accept", by=RECIPIENT)
    path = f"/v1/documents/{sent.json['id']}"
    recalled = await api.post(f"{path}/recall", body={"reason": "sai số văn bản"})
    late = await api.get(f"{path}/files/1", by=OTHER_RECIPIENT)
    kept = await api.get(f"{path}/files/1", by=RECIPIENT)
    assert [each["delivery"] for each in recalled.json["asked"]] == [taken]
    assert len(recalled.json["recalled"]) == 1
    assert (late.status, kept.status) == (403, 200)


async def test_timeline_tells_what_happened_in_order(api: Api) -> None:
    sent = await api.submit(to=[RECIPIENT, PUSHED_RECIPIENT])
    await api.world.work()
    api.world.clock += timedelta(minutes=1)
    delivery = await delivery_of(api, RECIPIENT)
    await api.post(f"/v1/inbox/{delivery}/accept", by=RECIPIENT)
    path = f"/v1/documents/{sent.json['id']}/timeline"
    timeline = await api.get(path)
    own = await api.get(path, by=RECIPIENT)
    kinds = [entry["kind"] for entry in timeline.json["items"]]
    assert kinds[0] == "accepted"
    assert kinds[-2:] == ["delivered", "status"]
    assert "attempt" in kinds
    assert {entry["delivery"] for entry in own.json["items"]} == {None, delivery}


async def test_recipient_sees_only_its_own_delivery(api: Api) -> None:
    sent = await api.submit(to=[RECIPIENT, OTHER_RECIPIENT])
    seen = await api.get(sent.headers["Location"], by=RECIPIENT)
    assert [each["to"] for each in seen.json["deliveries"]] == [RECIPIENT]
    assert "to" not in seen.json


async def test_administrator_reads_everything_and_accepts_nothing(api: Api) -> None:
    sent = await api.submit()
    delivery = sent.json["deliveries"][0]["id"]
    read = await api.get(sent.headers["Location"], by=ADMINISTRATOR)
    accept = await api.post(f"/v1/inbox/{delivery}/accept", by=ADMINISTRATOR)
    assert read.status == 200
    assert (accept.status, accept.code) == (403, "not-allowed")


async def test_receipts_are_given_out_as_they_were_signed(api: Api) -> None:
    sent = await api.submit()
    receipt = sent.json["receipt"]
    fetched = await api.get(f"/v1/receipts/{receipt['statement']['receipt']}")
    assert json.loads(fetched.content) == receipt


async def test_signature_policy_refuses_with_the_reasons(api: Api) -> None:
    unsigned = await api.submit(("a.pdf", UNSIGNED), by=STRICT_SENDER)
    tampered = await api.submit(("b.pdf", TAMPERED), by=STRICT_SENDER)
    assert (unsigned.status, unsigned.code) == (422, "signature-rejected")
    assert tampered.json["reasons"] == ["b.pdf: TOTAL-FAILED: the file was changed after signing"]
    assert api.world.kept_nothing()


async def test_file_can_be_fetched_in_ranges_under_its_own_name(api: Api) -> None:
    sent = await api.submit(('Quyết định "12".pdf', SIGNED))
    path = f"/v1/documents/{sent.json['id']}/files/1"
    part = await api.get(path, headers={"Range": "bytes=1-3"})
    assert (part.status, part.content) == (206, b"PDF")
    disposition = part.headers["Content-Disposition"]
    assert disposition == (
        'attachment; filename="Quy_t __nh _12_.pdf"; '
        "filename*=UTF-8''Quy%E1%BA%BFt%20%C4%91%E1%BB%8Bnh%20%2212%22.pdf"
    )


async def test_directory_is_not_sent_again_while_unchanged(api: Api) -> None:
    first = await api.get("/v1/agencies?limit=2")
    known = {"If-None-Match": first.headers["ETag"]}
    again = await api.get("/v1/agencies?limit=2", headers=known)
    second = await api.get(f"/v1/agencies?limit=200&cursor={first.json['next']}")
    codes = [agency["code"] for agency in first.json["items"] + second.json["items"]]
    assert (again.status, again.content) == (304, b"")
    assert codes == sorted(codes)
    assert len(codes) == 6
    assert b"whsec" not in first.content + second.content
    assert b"soyte.example.vn" not in first.content + second.content
