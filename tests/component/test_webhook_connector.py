from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook as IndependentVerifier
from standardwebhooks import WebhookVerificationError

from adapters.egress import EgressRules, open_egress
from adapters.webhook import WebhookConnector
from gateway.domain.errors import AgencyUnavailable, RecipientRefused
from gateway.domain.model import Webhook
from tests.support.exchange_samples import claim, document, stored_file

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOOPBACK = ip_network("127.0.0.0/8")
QUICK = EgressRules((LOOPBACK,), total=timedelta(seconds=0.4), connect=timedelta(seconds=0.3))
PATIENT = EgressRules((LOOPBACK,))


@dataclass
class Receiver:
    """An agency's own system: notes what it is sent and answers as told."""

    status: int = 204
    answer_headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): text for name, text in request.headers.items()}
        self.requests.append((headers, await request.read()))
        return web.Response(
            status=self.status, headers=self.answer_headers, text="<script>our secrets</script>"
        )


@asynccontextmanager
async def receiving(
    status: int = 204, answer_headers: dict[str, str] | None = None
) -> AsyncIterator[Receiver]:
    receiver = Receiver(status, answer_headers or {})
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    server = TestServer(app, host="127.0.0.1")
    async with server:
        receiver.url = f"http://127.0.0.1:{server.port}/hook"
        yield receiver


@asynccontextmanager
async def raw_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server that speaks whatever `talk` writes, below HTTP."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


@asynccontextmanager
async def connector(
    rules: EgressRules = PATIENT, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> AsyncIterator[WebhookConnector]:
    async with open_egress(rules) as egress:
        yield WebhookConnector(egress, "https://lienthong.example/", now)


async def offer(url: str, *, rules: EgressRules = PATIENT) -> None:
    async with connector(rules) as webhook:
        await webhook.deliver(claim(Webhook(url, SECRET)))


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return context


# --- what is sent ----------------------------------------------------------------------------------


async def test_announcement_is_accepted_by_an_independent_verifier() -> None:
    async with receiving() as receiver:
        await offer(receiver.url)
    headers, body = receiver.requests[0]
    verified = IndependentVerifier(SECRET).verify(body, headers)
    assert verified["delivery"] == headers["webhook-id"] == "delivery-1"


async def test_changed_announcement_is_refused_by_an_independent_verifier() -> None:
    async with receiving() as receiver:
        await offer(receiver.url)
    headers, body = receiver.requests[0]
    with pytest.raises(WebhookVerificationError):
        IndependentVerifier(SECRET).verify(body.replace(b"document-1", b"document-2"), headers)


async def test_announcement_says_who_sends_what_and_where_to_fetch_it() -> None:
    async with receiving() as receiver:
        await offer(receiver.url)
    sent = json.loads(receiver.requests[0][1])
    file = stored_file()
    assert sent == {
        "type": "document.offered",
        "delivery": "delivery-1",
        "document": {
            "id": "document-1",
            "document_id": "VB-2026-0001",
            "number": "12",
            "notation": "QĐ-UBND",
            "subject": "Về việc bảo đảm an toàn thông tin",
            "kind": "new",
            "urgency": "normal",
            "due_date": "2026-12-01",
            "from": "H26.00",
            "label": "signed",
            "accepted_at": "2026-11-21T08:02:03.004+07:00",
            "files": [
                {
                    "n": 1,
                    "name": "Quyết định số 12.pdf",
                    "size_bytes": file.size_bytes,
                    "sha256": file.sha256,
                    "media_type": "application/pdf",
                    "url": "https://lienthong.example/v1/documents/document-1/files/1",
                }
            ],
        },
        "expires_at": "2026-12-21T08:02:03.004+07:00",
    }


async def test_another_attempt_sends_the_same_bytes_under_the_same_id() -> None:
    times = iter([datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)])
    first = claim(None)
    async with receiving() as receiver, connector(now=lambda: next(times)) as webhook:
        recipient = replace(first.recipient, webhook=Webhook(receiver.url, SECRET))
        await webhook.deliver(replace(first, recipient=recipient))
        again = replace(first.delivery, attempts=2)
        await webhook.deliver(replace(first, recipient=recipient, delivery=again))
    (headers, body), (later_headers, later_body) = receiver.requests
    assert body == later_body
    changed = {name for name in headers if headers[name] != later_headers[name]}
    assert changed == {"webhook-timestamp", "webhook-signature"}


async def test_document_without_files_and_due_date_is_announced() -> None:
    bare = document(files=(), envelope=replace(document().envelope, due_date=None, number=None))
    async with receiving() as receiver, connector() as webhook:
        await webhook.deliver(replace(claim(Webhook(receiver.url, SECRET)), document=bare))
    sent = json.loads(receiver.requests[0][1])["document"]
    assert (sent["files"], sent["due_date"], sent["number"]) == ([], None, None)


# --- what answers mean -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_means_the_agency_has_it(status: int) -> None:
    async with receiving(status) as receiver:
        await offer(receiver.url)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [400, 410, 413, 415, 422])
async def test_answer_about_the_document_is_a_refusal_that_does_not_echo_it(status: int) -> None:
    async with receiving(status) as receiver:
        with pytest.raises(RecipientRefused) as refused:
            await offer(receiver.url)
    assert refused.value.detail == f"the webhook answered {status}"


@pytest.mark.parametrize("status", [401, 403, 404, 405, 408, 409, 425, 429, 451, 499, 500, 502, 503, 599])
async def test_passing_trouble_is_tried_again(status: int) -> None:
    async with receiving(status) as receiver:
        with pytest.raises(AgencyUnavailable) as unavailable:
            await offer(receiver.url)
    assert unavailable.value.detail == f"the webhook answered {status}"
    assert unavailable.value.retry_after is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    async with receiving() as elsewhere:
        async with receiving(status, {"Location": elsewhere.url}) as receiver:
            with pytest.raises(AgencyUnavailable):
                await offer(receiver.url)
        assert elsewhere.requests == []


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_in_seconds_is_passed_on(status: int) -> None:
    async with receiving(status, {"retry-after": "120"}) as receiver:
        with pytest.raises(AgencyUnavailable) as unavailable:
            await offer(receiver.url)
    assert unavailable.value.retry_after == timedelta(seconds=120)


async def test_retry_after_as_a_date_is_passed_on() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    at = format_datetime(now + timedelta(minutes=7), usegmt=True)
    async with receiving(503, {"Retry-After": at}) as receiver, connector(now=lambda: now) as webhook:
        with pytest.raises(AgencyUnavailable) as unavailable:
            await webhook.deliver(claim(Webhook(receiver.url, SECRET)))
    assert unavailable.value.retry_after == timedelta(minutes=7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("Mon, 99 Foo 2026 00:00:00 GMT", None),
        ("Wed, 01 Jan 1997 00:00:00 GMT", None),
        ("٣", None),
        ("9" * 4000, timedelta(days=30)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=30)),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", timedelta(days=30)),
        ("Fri, 31 Dec 2026 23:59:59 +99999999999999999999", None),
    ],
)
async def test_senseless_retry_after_is_ignored_or_cut(text: str, expected: timedelta | None) -> None:
    async with receiving(429, {"Retry-After": text}) as receiver:
        with pytest.raises(AgencyUnavailable) as unavailable:
            await offer(receiver.url)
    assert unavailable.value.retry_after == expected


async def test_cookies_of_the_receiver_are_not_kept() -> None:
    async with receiving(204, {"Set-Cookie": "a=b"}) as receiver, connector() as webhook:
        await webhook.deliver(claim(Webhook(receiver.url, SECRET)))
        await webhook.deliver(claim(Webhook(receiver.url, SECRET)))
    assert "cookie" not in receiver.requests[1][0]


async def test_proxies_named_in_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with receiving() as receiver:
        await offer(receiver.url)
    assert len(receiver.requests) == 1


# --- hostile and broken receivers ------------------------------------------------------------------


async def test_black_hole_is_given_up_at_the_deadline() -> None:
    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(stay_silent) as url:
        with pytest.raises(AgencyUnavailable, match=r"no answer within 0\.4 seconds"):
            await offer(url, rules=QUICK)


async def test_head_that_drips_is_given_up_at_the_deadline() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            writer.write(b"H")
            await writer.drain()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await reader.read(64)

    async with raw_server(drip) as url:
        with pytest.raises(AgencyUnavailable):
            await offer(url, rules=QUICK)


async def test_endless_answer_is_not_read() -> None:
    written = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while True:
            writer.write(bytes(65_536))
            await writer.drain()
            written += 65_536

    async with raw_server(flood) as url:
        await offer(url)
    assert written < 32 * 1024 * 1024


async def test_endless_headers_are_given_up() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with raw_server(flood) as url:
        with pytest.raises(AgencyUnavailable):
            await offer(url)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x00\xff\x16\x03",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbroken",
    ],
)
async def test_garbage_is_no_answer(garbage: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(garbage)
        await writer.drain()

    async with raw_server(babble) as url:
        with pytest.raises(AgencyUnavailable):
            await offer(url)


async def test_refused_connection_names_no_address() -> None:
    async with receiving() as receiver:
        url = receiver.url
    with pytest.raises(AgencyUnavailable) as unavailable:
        await offer(url)
    assert unavailable.value.detail == "the webhook does not answer: no connection: Connection refused"


async def test_server_without_a_trusted_certificate_is_no_answer(self_signed: ssl.SSLContext) -> None:
    server = TestServer(web.Application(), host="127.0.0.1", scheme="https")
    await server.start_server(ssl=self_signed)
    try:
        with pytest.raises(AgencyUnavailable, match="TLS"):
            await offer(f"https://127.0.0.1:{server.port}/")
    finally:
        await server.close()


# --- settings of the agency that cannot work -------------------------------------------------------


async def test_agency_without_a_webhook_is_waited_for_until_it_has_one() -> None:
    async with connector() as webhook:
        with pytest.raises(AgencyUnavailable, match="no webhook"):
            await webhook.deliver(claim(None))


@pytest.mark.parametrize("secret", ["whsec_***", "whsec_", "", "whsec_abc"])
async def test_secret_that_is_none_is_waited_for_and_nothing_is_sent(secret: str) -> None:
    async with receiving() as receiver, connector() as webhook:
        with pytest.raises(AgencyUnavailable, match="secret"):
            await webhook.deliver(claim(Webhook(receiver.url, secret)))
    assert receiver.requests == []
