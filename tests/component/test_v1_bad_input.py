"""Every bad input ends in a typed error, with nothing stored, and a server that goes on."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.errors import SigningUnavailable
from tests.support.api import LIMITS, Api, api, form_of, open_api, usual_envelope
from tests.support.exchange import CLOSED, RECIPIENT, SENDER
from tests.support.twins import SIGNED

__all__ = ["api"]

BOUNDARY = b"x-x"
ENVELOPE_PART = (
    b'--x-x\r\nContent-Disposition: form-data; name="envelope"\r\n\r\n'
    + json.dumps(usual_envelope()).encode()
    + b"\r\n"
)
FILE_HEAD = b'Content-Disposition: form-data; name="file"; filename="a.pdf"\r\n'
FILE_PART = b"--x-x\r\n" + FILE_HEAD + b"\r\n" + SIGNED + b"\r\n"
END = b"--x-x--\r\n"


def file_part_with(header: bytes) -> bytes:
    return b"--x-x\r\n" + FILE_HEAD + header + b"\r\n\r\n" + SIGNED + b"\r\n"


async def post_raw(api: Api, body: bytes, content_type: str = "multipart/form-data; boundary=x-x") -> str:
    """Return `status code` of the answer to a hand-made body."""
    headers = {"Content-Type": content_type}
    answer = await api.post("/v1/documents", data=io.BytesIO(body), headers=headers)
    return f"{answer.status} {answer.code}"


# --- what the envelope says ----------------------------------------------------------------------


async def test_all_wrong_recipients_are_named_at_once(api: Api) -> None:
    answer = await api.submit(to=[RECIPIENT, "H99.01", CLOSED, "H99.02"])
    assert (answer.status, answer.code) == (422, "unknown-agency")
    assert [reason.split(":")[0] for reason in answer.json["reasons"]] == ["H99.01", CLOSED, "H99.02"]
    assert api.world.kept_nothing()


async def test_skipping_every_recipient_is_refused(api: Api) -> None:
    answer = await api.submit(to=["H99.01"], unknown_recipients="skip")
    assert (answer.status, answer.code) == (422, "unknown-agency")
    assert api.world.kept_nothing()


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2201-01-01", "9999-12-31"])
async def test_date_of_no_calendar_is_named_by_its_field(api: Api, day: str) -> None:
    answer = await api.submit(
        issued_on=day,
        due_date=day,
        replies_to=[{"code": "1/UBND", "issued_on": day}],
        dossier={"code": "HS-1", "stages": [{"agency": RECIPIENT, "due_on": day}]},
    )
    assert (answer.status, answer.code) == (422, "malformed-document")
    year = "the year must lie between 1900 and 2200"
    assert answer.json["reasons"] == [
        f"{name}: {year}" for name in ("dossier", "due_date", "issued_on", "replies_to")
    ]
    assert api.world.kept_nothing()


async def test_all_mistakes_of_an_envelope_are_named_at_once(api: Api) -> None:
    answer = await api.submit(
        subject="dòng một\ndòng hai", document_id=None, urgency="rất khẩn", due_date="31/12", to=[], colour=1
    )
    fields = [reason.split(":")[0] for reason in answer.json["reasons"]]
    assert (answer.status, answer.code) == (422, "malformed-document")
    assert fields == ["colour", "document_id", "due_date", "subject", "to", "urgency"]
    assert "urgency: must be one of normal, urgent, very-urgent, immediate" in answer.json["reasons"]
    assert api.world.kept_nothing()


@pytest.mark.parametrize(
    "envelope",
    [
        b"not json",
        b'{"to": ["a"], "to": ["b"]}',
        b'{"number": NaN}',
        b'{"subject": "\\ud800"}',
        b"\xff\xfe",
        b"[" * 50_000,
    ],
)
async def test_envelope_that_is_not_strict_json_is_malformed(api: Api, envelope: bytes) -> None:
    answer = await api.submit(envelope=envelope)
    assert (answer.status, answer.code) == (400, "malformed-request")
    assert api.world.kept_nothing()


@pytest.mark.parametrize("changes", [{"secrecy": "mat"}, {"subject": "TỐI MẬT: kế hoạch"}])
async def test_state_secret_is_refused_before_its_files_are_read(api: Api, changes: dict[str, str]) -> None:
    answer = await api.submit(**changes)
    assert (answer.status, answer.code) == (422, "state-secret")
    assert api.world.kept_nothing()
    assert await api.is_alive()


async def test_sealing_is_not_offered_yet(api: Api) -> None:
    answer = await api.submit(seal=True)
    assert answer.code == "sealing-unavailable"


async def test_envelope_beyond_its_limit_is_too_large(api: Api) -> None:
    answer = await api.submit(subject="x" * (LIMITS.max_envelope_bytes + 1))
    assert (answer.status, answer.code) == (413, "too-large")
    assert api.world.kept_nothing()


# --- how the body is made ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "nothing at all"),
        (b"preamble\r\n" + ENVELOPE_PART + FILE_PART + END, "a preamble"),
        (ENVELOPE_PART + FILE_PART, "no last boundary"),
        (ENVELOPE_PART + FILE_PART + END + b"epilogue", "an epilogue"),
        (ENVELOPE_PART + FILE_PART[:-20], "it breaks off"),
        (FILE_PART + ENVELOPE_PART + END, "the file comes first"),
        (ENVELOPE_PART + b"--x-x\r\n\r\n" + SIGNED + b"\r\n" + END, "a part without headers"),
        (ENVELOPE_PART + b"--x-x \r\n" + FILE_HEAD + b"\r\n\r\n" + END, "padding behind a boundary"),
        (ENVELOPE_PART + b"--x-x\r\n" + FILE_HEAD + FILE_HEAD + b"\r\n\r\n" + END, "a header twice"),
        (ENVELOPE_PART + b"--x-x\r\nX: " + b"y" * 9000 + b"\r\n\r\n\r\n" + END, "a huge header"),
        (ENVELOPE_PART + ENVELOPE_PART + END, "two envelopes"),
        (
            ENVELOPE_PART
            + b"--x-x\r\n"
            + FILE_HEAD
            + b"Content-Type: multipart/mixed; boundary=y\r\n\r\n"
            + END,
            "parts in a part",
        ),
        (
            ENVELOPE_PART + b"--x-x\r\n" + FILE_HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + END,
            "a transfer encoding",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_malformed_multipart_is_refused(api: Api, body: bytes, why: str) -> None:
    assert await post_raw(api, body) == "400 malformed-request", why
    assert api.world.kept_nothing()


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=x-x",
    ],
)
async def test_body_that_is_no_form_is_malformed(api: Api, content_type: str) -> None:
    assert await post_raw(api, ENVELOPE_PART + FILE_PART + END, content_type) == "400 malformed-request"


async def test_document_without_files_is_malformed(api: Api) -> None:
    assert await post_raw(api, ENVELOPE_PART + END) == "422 malformed-document"
    assert api.world.kept_nothing()


async def test_ten_thousand_parts_are_refused_at_the_first_too_many(api: Api) -> None:
    many = b"".join(FILE_PART.replace(b"a.pdf", f"{n}.pdf".encode()) for n in range(10_000))
    assert await post_raw(api, ENVELOPE_PART + many + END) == "413 too-large"
    assert api.world.kept_nothing()
    assert await api.is_alive()


async def test_compressed_request_is_refused_unread(api: Api) -> None:
    answer = await api.post("/v1/documents", data=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.code) == (400, "malformed-request")


# --- how much and how fast -----------------------------------------------------------------------


async def test_announced_size_beyond_the_limit_is_refused_before_anything_is_sent(api: Api) -> None:
    token = await api.token(SENDER)
    head = (
        "POST /v1/documents HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: multipart/form-data; boundary=x-x\r\n"
        "Content-Length: 999999999\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(api.url.host, api.url.port)
    writer.write(head.encode())
    async with asyncio.timeout(5):
        first_line = await reader.readline()
    writer.close()
    assert first_line.startswith(b"HTTP/1.1 413 ")


async def test_wanted_body_is_invited(api: Api) -> None:
    form = form_of(usual_envelope(), [("a.pdf", SIGNED)])
    answer = await api.post("/v1/documents", data=form, expect100=True)
    assert answer.status == 202


async def test_file_beyond_its_limit_is_too_large(api: Api) -> None:
    answer = await api.submit(("a.pdf", b"%PDF-" + bytes(LIMITS.max_file_bytes)))
    assert (answer.status, answer.code) == (413, "too-large")
    assert "a.pdf" in answer.json["detail"]
    assert api.world.kept_nothing()
    assert await api.is_alive()


async def test_request_of_unknown_length_is_stopped_at_the_limit(api: Api) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield ENVELOPE_PART + FILE_PART[:-2]
        for _ in range(100):
            yield bytes(100_000)

    answer = await api.post(
        "/v1/documents", data=endless(), headers={"Content-Type": "multipart/form-data; boundary=x-x"}
    )
    assert (answer.status, answer.code) == (413, "too-large")
    assert api.world.kept_nothing()


async def test_sender_that_pauses_is_given_up(tmp_path: Path) -> None:
    async def halting() -> AsyncIterator[bytes]:
        yield ENVELOPE_PART + FILE_PART[:-20]
        await asyncio.Event().wait()

    async with open_api(tmp_path, body_idle_timeout=timedelta(seconds=0.2)) as api:
        headers = {"Content-Type": "multipart/form-data; boundary=x-x"}
        answer = await api.post("/v1/documents", data=halting(), headers=headers)
        assert (answer.status, answer.code) == (408, "too-slow")
        assert api.world.kept_nothing()
        assert await api.is_alive()


async def test_sender_that_drips_is_given_up_although_it_never_pauses(tmp_path: Path) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        for byte in ENVELOPE_PART:
            yield bytes([byte])
            await asyncio.sleep(0.02)  # the sender's own slowness, not the test's

    async with open_api(
        tmp_path, body_idle_timeout=timedelta(seconds=0.2), body_min_rate_bytes=10_000
    ) as api:
        headers = {"Content-Type": "multipart/form-data; boundary=x-x"}
        answer = await api.post("/v1/documents", data=dripping(), headers=headers)
        assert (answer.status, answer.code) == (408, "too-slow")


async def test_sender_that_breaks_off_leaves_nothing(api: Api) -> None:
    token = await api.token(SENDER)
    head = (
        f"POST /v1/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: multipart/form-data; boundary=x-x\r\nContent-Length: 100000\r\n\r\n"
    )
    _, writer = await asyncio.open_connection(api.url.host, api.url.port)
    writer.write(head.encode() + ENVELOPE_PART + FILE_PART[:-20])
    await writer.drain()
    writer.close()
    async with asyncio.timeout(5):
        while ("POST", "/v1/documents", 499) not in api.observed:  # noqa: ASYNC110  the server's own end
            await asyncio.sleep(0.005)
    assert api.world.kept_nothing()
    assert await api.is_alive()


async def test_too_many_requests_are_throttled_until_time_has_passed(tmp_path: Path) -> None:
    async with open_api(tmp_path, requests_per_second=0.5, requests_burst=3) as api:
        answers = [await api.get("/v1/inbox") for _ in range(3)]
        refused = answers[-1]
        api.world.clock += timedelta(seconds=int(refused.headers["Retry-After"]))
        later = await api.get("/v1/inbox")
        other = await api.get("/v1/inbox", by=RECIPIENT)
    assert (refused.status, refused.code) == (429, "throttled")
    assert (later.status, other.status) == (200, 200)


async def test_too_many_bytes_are_throttled_after_the_upload_that_used_them_up(tmp_path: Path) -> None:
    async with open_api(tmp_path, bytes_per_second=1000, bytes_burst=5000) as api:
        large = await api.submit(("a.pdf", b"%PDF-" + bytes(10_000)))
        next_one = await api.submit(document_id="next")
    assert large.status == 202
    assert (next_one.status, next_one.code) == (429, "throttled")
    assert int(next_one.headers["Retry-After"]) >= 5


async def test_full_store_refuses_and_asks_to_come_back(tmp_path: Path) -> None:
    async with open_api(tmp_path, free_floor_bytes=1 << 60) as api:
        answer = await api.submit()
        assert (answer.status, answer.code) == (503, "store-unavailable")
        assert "Retry-After" in answer.headers
        assert api.world.kept_nothing()


async def test_receipt_that_cannot_be_signed_refuses_the_document(api: Api) -> None:
    api.world.signer.failure = SigningUnavailable()
    answer = await api.submit()
    api.world.signer.failure = None
    assert (answer.status, answer.code) == (503, "signing-unavailable")
    assert api.world.rows("documents") == 0
    assert await api.is_alive()


# --- what the files are called and what they are -------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../../x", "../../x.pdf", "C:\\x.pdf", "a\u202efdp.pdf", "a\x00.pdf", "", "x" * 252 + ".pdf"]
)
async def test_name_that_cannot_be_shown_or_is_a_path_is_refused(api: Api, name: str) -> None:
    disposition = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    body = ENVELOPE_PART + b"--x-x\r\n" + disposition + SIGNED + b"\r\n" + END
    assert (await post_raw(api, body))[:3] in ("400", "422")
    assert api.world.kept_nothing()
    assert await api.is_alive()


async def test_line_break_smuggled_into_a_name_is_refused(api: Api) -> None:
    disposition = b"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''a%0d%0aSet-Cookie:x.pdf"
    body = ENVELOPE_PART + b"--x-x\r\n" + disposition + b"\r\n\r\n" + SIGNED + b"\r\n" + END
    assert await post_raw(api, body) == "422 malformed-document"


async def test_two_files_of_one_name_are_refused(api: Api) -> None:
    answer = await api.submit(("a.pdf", SIGNED), ("A.PDF", SIGNED))
    assert (answer.status, answer.code) == (422, "malformed-document")
    assert api.world.kept_nothing()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b"MZ\x90\x00"),
        ("a.docx", SIGNED),
        ("a.exe", b"MZ"),
        ("a", SIGNED),
        ("a.pdf", b""),
        (".pdf", SIGNED),
    ],
)
async def test_file_that_is_not_what_it_says_is_refused(api: Api, name: str, content: bytes) -> None:
    answer = await api.submit((name, content))
    assert (answer.status, answer.code) == (422, "unsupported-file-type")
    assert answer.json["reasons"][0].startswith(f"{name}: ")
    assert api.world.kept_nothing()


# --- headers and small bodies --------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "x" * 129, "khóa", "a b"])
async def test_unusable_idempotency_key_is_refused(api: Api, key: str) -> None:
    form = form_of(usual_envelope(), [("a.pdf", SIGNED)])
    answer = await api.post("/v1/documents", data=form, headers={"Idempotency-Key": key})
    assert (answer.status, answer.code) == (400, "malformed-request")
    assert api.world.kept_nothing()


@pytest.mark.parametrize("body", [{"lease": 5}, {"lease": ""}, {"colour": "red"}, [], "text"])
async def test_small_body_of_the_wrong_shape_is_malformed(api: Api, body: object) -> None:
    sent = await api.submit()
    answer = await api.post(f"/v1/inbox/{sent.json['deliveries'][0]['id']}/accept", by=RECIPIENT, body=body)
    assert (answer.status, answer.code) == (400, "malformed-request")


@pytest.mark.parametrize("query", ["wait=-1", "wait=x", "limit=1e9", "cursor=1", "cursor=../x"])
async def test_unusable_query_is_malformed(api: Api, query: str) -> None:
    answer = await api.get(f"/v1/inbox?{query}")
    assert (answer.status, answer.code) == (400, "malformed-request")
