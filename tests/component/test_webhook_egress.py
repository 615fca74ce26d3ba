"""Where the exchange does not go, however the address is spelled (hazards B85 to B87)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import unquote

import pytest

from adapters.egress import Egress, EgressRules, ForbiddenDestination, NoAnswer, is_public, open_egress

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1",
    "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.170", "192.0.2.1",
    "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1",
    "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:db8::1",
    "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]

FORBIDDEN_URLS = [
    # loopback, in every spelling
    "{scheme}://127.0.0.1:{port}/",
    "{scheme}://127.0.0.1:{port}/#@example.org/",
    "{scheme}://127.1:{port}/",
    "{scheme}://127.0.1:{port}/",
    "{scheme}://127.000.000.001:{port}/",
    "{scheme}://0177.0.0.1:{port}/",
    "{scheme}://0x7f.0.0.1:{port}/",
    "{scheme}://0x7f.1:{port}/",
    "{scheme}://0x7f000001:{port}/",
    "{scheme}://2130706433:{port}/",
    "{scheme}://017700000001:{port}/",
    "{scheme}://127.0.0.1.:{port}/",
    "{scheme}://127.127.127.127:{port}/",
    "{scheme}://①②⑦.⓪.⓪.①:{port}/",
    "{scheme}://127。0。0。1:{port}/",
    "{scheme}://%31%32%37.0.0.1:{port}/",
    "{scheme}://localhost:{port}/",
    "{scheme}://LOCALHOST:{port}/",
    "{scheme}://localhost.:{port}/",
    "{scheme}://loCaLhoSt:{port}/",
    "{scheme}://ⓛocalhost:{port}/",
    "{scheme}://0:{port}/",
    "{scheme}://0.0.0.0:{port}/",
    "{scheme}://00:{port}/",
    "{scheme}://[::1]:{port}/",
    "{scheme}://[0:0:0:0:0:0:0:1]:{port}/",
    "{scheme}://[0000::0001]:{port}/",
    "{scheme}://[::]:{port}/",
    "{scheme}://[::ffff:127.0.0.1]:{port}/",
    "{scheme}://[::ffff:7f00:1]:{port}/",
    "{scheme}://[::127.0.0.1]:{port}/",
    "{scheme}://[64:ff9b::7f00:1]:{port}/",
    "{scheme}://[64:ff9b::127.0.0.1]:{port}/",
    "{scheme}://[64:ff9b:1::7f00:1]:{port}/",
    "{scheme}://[2002:7f00:1::]:{port}/",
    "{scheme}://[2001::1]:{port}/",
    # other networks of ours
    "{scheme}://10.0.0.1:{port}/",
    "{scheme}://10.1:{port}/",
    "{scheme}://0xa000001:{port}/",
    "{scheme}://172.16.0.1:{port}/",
    "{scheme}://192.168.1.1:{port}/",
    "{scheme}://100.64.0.1:{port}/",
    "{scheme}://169.254.169.254/latest/meta-data/",
    "{scheme}://2852039166/latest/meta-data/",
    "{scheme}://0xa9fea9fe/",
    "{scheme}://[fe80::1]:{port}/",
    "{scheme}://[fe80::1%25lo]:{port}/",
    "{scheme}://[fd00:ec2::254]/",
    "{scheme}://[fc00::1]:{port}/",
    "{scheme}://224.0.0.1:{port}/",
    "{scheme}://255.255.255.255:{port}/",
    "{scheme}://[ff02::1]:{port}/",
    # names
    "{scheme}://inside.example:{port}/",
    "{scheme}://inside.example.:{port}/",
    "{scheme}://INSIDE.example:{port}/",
    "{scheme}://mixed.example:{port}/",
    "{scheme}://six.example:{port}/",
    "{scheme}://mapped.example:{port}/",
    "{scheme}://cgnat.example:{port}/",
    "{scheme}://metadata.example/",
    # tricks with the parts of a URL
    "{scheme}://example.org@127.0.0.1:{port}/",
    "{scheme}://user:password@public.example:{port}/",
    "{scheme}://@127.0.0.1:{port}/",
    "{scheme}://127.0.0.1\\@public.example:{port}/",
    "{scheme}:127.0.0.1:{port}/",
    "{scheme}:///127.0.0.1:{port}/",
    "{scheme}://:{port}/",
    "{scheme}://",
    "{scheme}://127.0.0.1:0/",
    "{scheme}://127.0.0.1:99999/",
    "{scheme}://127.0.0.1:x/",
    "{scheme}://[::1/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    "",
    # other protocols
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}/",
    "tcp://127.0.0.1:{port}/",
    "unix:///run/docker.sock",
    "http+unix://%2Frun%2Fdocker.sock/",
    "data:text/plain,x",
    # http, though the address is public
    "http://8.8.8.8:{port}/",
    "http://public.example:{port}/",
]

NAMES = {
    "inside.example": ["127.0.0.1"],
    "mixed.example": ["8.8.8.8", "127.0.0.1"],
    "six.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "cgnat.example": ["100.64.0.1"],
    "metadata.example": ["169.254.169.254"],
    "public.example": ["8.8.8.8"],
    "localhost": ["127.0.0.1"],
}


async def names_of_the_internet(host: str) -> Sequence[str]:
    """A careless resolver: takes any way to write a number for an address, the rest is in a table."""
    try:
        return [socket.inet_ntoa(socket.inet_aton(unquote(host.rstrip("."))))]
    except OSError:
        pass
    if host.rstrip(".").lower() not in NAMES:
        raise OSError("no such name")
    return NAMES[host.rstrip(".").lower()]


@dataclass
class Trap:
    """Listens on loopback, v4 and v6, and counts who comes."""

    port: int
    callers: list[str] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.callers.append(str(writer.get_extra_info("sockname")))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()


@asynccontextmanager
async def trap(*, host: str = "0.0.0.0") -> AsyncIterator[Trap]:
    set_up = Trap(0)
    server = await asyncio.start_server(set_up.answer, host, 0)
    set_up.port = server.sockets[0].getsockname()[1]
    six = await asyncio.start_server(set_up.answer, "::1", set_up.port) if socket.has_ipv6 else server
    try:
        yield set_up
    finally:
        server.close()
        six.close()


async def post(egress: Egress, url: str) -> int:
    return (await egress.post(url, content=b"{}", headers={})).status


def spelled_out() -> Iterator[str]:
    """Every URL above, with https and with http."""
    for url in FORBIDDEN_URLS:
        yield from dict.fromkeys(url.replace("{scheme}", scheme) for scheme in ("https", "http"))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_ordinary_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("url", list(spelled_out()))
async def test_forbidden_destination_is_never_connected_to(url: str) -> None:
    async with trap() as trapped, open_egress(EgressRules(), look_up=names_of_the_internet) as egress:
        with pytest.raises(ForbiddenDestination):
            await post(egress, url.replace("{port}", str(trapped.port)))
    assert trapped.callers == []


async def test_allowed_network_is_reached_by_http_and_its_neighbours_are_not() -> None:
    rules = EgressRules((ip_network("127.0.0.2/32"),))
    async with trap() as trapped, open_egress(rules) as egress:
        assert await post(egress, f"http://127.0.0.2:{trapped.port}/") == 200
        with pytest.raises(ForbiddenDestination):
            await post(egress, f"http://127.0.0.3:{trapped.port}/")
    assert len(trapped.callers) == 1


async def test_name_that_changes_its_address_is_checked_each_time() -> None:
    answers = iter([["127.0.0.2"], ["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2", "127.0.0.1"]])

    async def rebinding(host: str) -> Sequence[str]:
        return next(answers)

    rules = EgressRules((ip_network("127.0.0.2/32"),))
    async with trap() as trapped, open_egress(rules, look_up=rebinding) as egress:
        url = f"http://rebinding.example:{trapped.port}/"
        assert await post(egress, url) == 200
        with pytest.raises(ForbiddenDestination):
            await post(egress, url)
        assert await post(egress, url) == 200
        with pytest.raises(ForbiddenDestination):
            await post(egress, url)
    assert [caller.split("'")[1] for caller in trapped.callers] == ["127.0.0.2", "127.0.0.2"]


async def test_name_that_is_looked_up_once_cannot_change_before_the_connection() -> None:
    asked: list[str] = []

    async def once(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

    rules = EgressRules((ip_network("127.0.0.2/32"),))
    async with trap() as trapped, open_egress(rules, look_up=once) as egress:
        await post(egress, f"http://rebinding.example:{trapped.port}/")
    assert asked == ["rebinding.example"]


async def test_unknown_name_is_no_answer() -> None:
    async with open_egress(EgressRules(), look_up=names_of_the_internet) as egress:
        with pytest.raises(NoAnswer, match="no address"):
            await post(egress, "https://nobody.example/")


async def test_system_resolver_is_asked_when_none_is_given() -> None:
    async with trap() as trapped, open_egress(EgressRules()) as egress:
        with pytest.raises(ForbiddenDestination):
            await post(egress, f"https://localhost:{trapped.port}/")
    assert trapped.callers == []


async def test_hanging_look_up_is_given_up_at_the_connect_deadline() -> None:
    async def hang(host: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    rules = EgressRules(total=timedelta(seconds=2), connect=timedelta(seconds=0.2))
    async with open_egress(rules, look_up=hang) as egress:
        with pytest.raises(NoAnswer, match=r"no connection within 0\.2 seconds"):
            await post(egress, "https://slow.example/")
