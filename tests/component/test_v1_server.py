"""The server around `/v1`: headers, deadlines, places, stopping, and what it says of itself."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
from contextlib import AbstractAsyncContextManager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from gateway.domain.errors import ExchangeError
from gateway.edge.problems import every_error
from gateway.http.app import ROUTES
from tests.support.api import Api, api, form_of, open_api, usual_envelope
from tests.support.exchange import RECIPIENT, SENDER
from tests.support.twins import SIGNED

__all__ = ["api"]


async def test_description_is_valid_openapi_and_lists_every_operation(api: Api) -> None:
    answer = await api.get("/v1/openapi.json", by=None)
    validate(answer.json)
    described = {(method.upper(), path) for path, item in answer.json["paths"].items() for method in item}
    assert described == {(route.method, route.path) for route in ROUTES}


async def test_description_names_the_problems_of_each_operation(api: Api) -> None:
    description = (await api.get("/v1/openapi.json", by=None)).json
    answers = description["paths"]["/v1/documents"]["post"]["responses"]
    assert "state-secret" in answers["422"]["x-codes"]
    assert "throttled" in answers["429"]["x-codes"]


async def test_docs_are_readable_without_scripts_or_other_servers(api: Api) -> None:
    page = (await api.get("/v1/docs", by=None)).content.decode()
    for route in ROUTES:
        assert f"{route.method} {route.path}" in page
    assert "curl" in page
    assert "<script" not in page
    assert "src=" not in page


async def test_type_of_a_problem_points_at_its_explanation(api: Api) -> None:
    problem = (await api.get("/v1/nothing-here")).json
    page = (await api.get("/v1/errors", by=None)).content.decode()
    assert problem["type"] == "https://lienthong.example.vn/v1/errors#not-found"
    for kind in every_error():
        assert f'id="{kind.code}"' in page


async def test_pages_are_made_once_at_the_start(api: Api) -> None:
    class BornLater(ExchangeError):
        """An error no page can know."""

        code = "born-later"

    page = (await api.get("/v1/errors", by=None)).content
    del BornLater
    gc.collect()
    assert b"born-later" not in page


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not-found"),
        ("GET", "/v1/documents/", 404, "not-found"),
        ("DELETE", "/v1/inbox", 405, "method-not-allowed"),
        ("TRACE", "/v1/inbox", 405, "method-not-allowed"),
    ],
)
async def test_wrong_addresses_and_methods_are_problems_too(
    api: Api, method: str, path: str, status: int, code: str
) -> None:
    answer = await api.call(method, path)
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_method_override_is_not_believed(api: Api) -> None:
    answer = await api.get("/v1/inbox", headers={"X-HTTP-Method-Override": "DELETE"})
    assert answer.status == 200


@pytest.mark.parametrize("path", ["/v1/agencies", "/v1/docs", "/v1/nothing-here"])
async def test_every_answer_carries_the_headers_of_care(api: Api, path: str) -> None:
    answer = await api.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Server"] == "lienthong"
    assert answer.headers["Cache-Control"] in ("no-store", "private, no-cache")


async def test_request_id_is_taken_over_when_it_is_harmless(api: Api) -> None:
    named = await api.get("/v1/nothing", headers={"X-Request-Id": "so-1234.a_b"})
    odd = await api.get("/v1/nothing", headers={"X-Request-Id": "<script>"})
    assert named.headers["X-Request-Id"] == named.json["trace_id"] == "so-1234.a_b"
    assert "<" not in odd.headers["X-Request-Id"]


async def test_bug_is_opaque_outside_and_whole_in_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    await api.token(SENDER)
    api.world.verifier.is_busy = None  # type: ignore[assignment]  # a bug in a part behind a port
    answer = await api.submit()
    assert (answer.status, answer.code) == (500, "exchange-error")
    assert b"NoneType" not in answer.content
    assert "NoneType" in caplog.text
    assert answer.json["trace_id"] == answer.headers["X-Request-Id"]


async def test_observer_hears_of_every_request_by_its_template(api: Api) -> None:
    sent = await api.submit()
    await api.get(sent.headers["Location"])
    await api.get("/v1/some/where")
    assert ("POST", "/v1/documents", 202) in api.observed
    assert ("GET", "/v1/documents/{document}", 200) in api.observed
    assert ("GET", "unmatched", 404) in api.observed


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /v1/docs HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"GET /v1/docs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"GET /v1/docs HTTP/1.1\r\nHost: x\r\nX:\r\n folded\r\n\r\n",
        b"GET /v1/docs HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n",
        b"GET /v1/docs HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["TE and CL", "two CL", "odd TE", "folded header", "space before colon", "huge header", "TLS"],
)
async def test_ambiguous_requests_are_refused_without_an_echo(api: Api, request_bytes: bytes) -> None:
    answer = await api.raw(request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert json.loads(body)["code"] == "malformed-request"
    assert b"aiohttp" not in answer


async def test_silent_connection_is_closed_at_the_header_deadline(tmp_path: Path) -> None:
    async with open_api(tmp_path, header_timeout=timedelta(seconds=0.1)) as api:
        assert await api.raw(b"", within=5) == b""


async def test_half_a_header_does_not_hold_a_kept_connection(tmp_path: Path) -> None:
    async with open_api(tmp_path, header_timeout=timedelta(seconds=0.2)) as api:
        reader, writer = await asyncio.open_connection(api.url.host, api.url.port)
        writer.write(b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"GET /v1/no")
        async with asyncio.timeout(5):
            await asyncio.gather(reader.read(), return_exceptions=True)
        writer.close()


async def test_idle_connection_is_closed(tmp_path: Path) -> None:
    async with open_api(tmp_path, idle_timeout=timedelta(seconds=0.1)) as api:
        answer = await api.raw(b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n", within=5)
        assert answer.startswith(b"HTTP/1.1 404 ")


async def test_connections_of_one_address_are_limited(tmp_path: Path) -> None:
    async with open_api(tmp_path, max_connections_per_address=2) as api:
        held = [await asyncio.open_connection(api.url.host, api.url.port) for _ in range(2)]
        refused = await api.raw(b"GET /v1/docs HTTP/1.1\r\nHost: x\r\n\r\n")
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert (await api.get("/v1/docs", by=None)).status == 200


async def test_reader_that_takes_too_long_over_a_file_is_cut_off(tmp_path: Path) -> None:
    size = 16_000_000
    limits = {"max_request_bytes": 2 * size, "max_file_bytes": size, "bytes_burst": 3 * size}
    brief = timedelta(seconds=0.2)
    async with open_api(tmp_path, **limits, body_idle_timeout=brief, body_min_rate_bytes=10**12) as api:
        sent = await api.submit(("a.pdf", b"%PDF-" + bytes(size - 5)))
        path = f"/v1/documents/{sent.json['id']}/files/1"
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {await api.token(SENDER)}\r\n\r\n"
        reader, writer = await asyncio.open_connection(api.url.host, api.url.port)
        writer.write(request.encode())
        received = 0
        with suppress(ConnectionResetError):
            while chunk := await reader.read(65_536):
                received += len(chunk)
                await asyncio.sleep(0.01)  # the reader's own slowness, not the test's
        writer.close()
        assert received < size
        assert (await api.get("/v1/docs", by=None)).status == 200


async def test_stopping_ends_long_polls_and_lets_a_running_upload_finish(tmp_path: Path) -> None:
    opened = open_api(tmp_path)
    api = await opened.__aenter__()
    await api.token(RECIPIENT)
    await api.token(SENDER)
    poll = asyncio.ensure_future(api.get("/v1/inbox?wait=30", by=RECIPIENT))
    api.world.verifier.gate.clear()
    upload = asyncio.ensure_future(api.submit())
    await api.world.verifier.is_busy.wait()
    stopping = asyncio.ensure_future(opened.__aexit__(None, None, None))
    inbox = await poll
    api.world.verifier.gate.set()
    sent = await upload
    await stopping
    assert inbox.json["items"] == []
    assert sent.status == 202


@pytest.mark.parametrize("share", [0.5, 1], ids=["half", "whole"])
async def test_upload_still_unread_when_the_server_stops_is_answered(tmp_path: Path, share: float) -> None:
    opened = open_api(tmp_path)
    api = await opened.__aenter__()
    upload = await upload_of(api)
    idle, client = connected(api), connected(api)
    await api.get("/v1/docs", by=None)  # comes after them: by its answer both are accepted
    cut = int(len(upload) * share)
    stopping = asyncio.ensure_future(send_and_stop(opened, client, upload[:cut]))
    assert await finish(idle, b"") == b""
    answer = await finish(client, upload[cut:])
    await stopping
    assert answer.startswith(b"HTTP/1.1 202 ")


async def test_upload_still_unaccepted_when_the_server_stops_is_answered(tmp_path: Path) -> None:
    opened = open_api(tmp_path)
    api = await opened.__aenter__()
    upload = await upload_of(api)
    client = connected(api)
    stopping = asyncio.ensure_future(send_and_stop(opened, client, upload))
    answer = await finish(client, b"")
    await stopping
    assert answer.startswith(b"HTTP/1.1 202 ")


# --- an upload in two parts --------------------------------------------------------------------------


async def upload_of(api: Api) -> bytes:
    """Return a submission as it goes over the wire."""
    form = form_of(usual_envelope(), [("a.pdf", SIGNED)])()
    body = await form.as_bytes()
    head = (
        f"POST /v1/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {await api.token(SENDER)}\r\n"
        f"Content-Type: {form.content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def connected(api: Api) -> socket.socket:
    """Return a connection that only the kernel knows of: the server has had no turn to accept it."""
    return socket.create_connection((api.url.host, api.url.port), timeout=5)


async def send_and_stop(opened: AbstractAsyncContextManager[Api], client: socket.socket, part: bytes) -> None:
    """Stop the server in the very turn of the loop in which the part reaches the kernel."""
    client.sendall(part)
    await opened.__aexit__(None, None, None)


async def finish(client: socket.socket, rest: bytes) -> bytes:
    """Send the rest and return everything the server says until it closes the connection."""
    reader, writer = await asyncio.open_connection(sock=client)
    try:
        writer.write(rest)
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()
