from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import MalformedRequest
from gateway.edge.multipart import Multipart, Part, boundary_of

BOUNDARY = b"b-o-u-n-d"


def body_of(*contents: bytes) -> bytes:
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="file"; filename="%d.pdf"\r\n\r\n%s\r\n'
        % (BOUNDARY, n, content)
        for n, content in enumerate(contents)
    ]
    return b"".join(parts) + b"--%s--\r\n" % BOUNDARY


async def read_in(chunks: list[bytes], *, max_header_bytes: int = 1000) -> list[tuple[Part, bytes]]:
    waiting = [chunk for chunk in chunks if chunk]

    async def read() -> bytes:
        return waiting.pop(0) if waiting else b""

    parts = Multipart(read, boundary=BOUNDARY, max_header_bytes=max_header_bytes)
    found = []
    while (part := await parts.next_part()) is not None:
        found.append((part, b"".join([chunk async for chunk in parts.content()])))
    return found


@given(
    contents=st.lists(st.binary(max_size=60).filter(lambda each: BOUNDARY not in each), max_size=4),
    cuts=st.lists(st.integers(0, 700), max_size=12),
)
async def test_parts_come_out_whole_however_the_body_was_cut(contents: list[bytes], cuts: list[int]) -> None:
    body = body_of(*contents)
    edges = [0, *sorted(cuts), len(body)]
    chunks = [body[start:end] for start, end in pairwise(edges)]
    assert [content for _, content in await read_in(chunks)] == contents


@given(content=st.binary(max_size=30).map(lambda each: each + b"\r\n--b-o-u-n" + each))
async def test_what_only_begins_like_a_boundary_is_content(content: bytes) -> None:
    body = body_of(content)
    ((_, found),) = await read_in([body[:n] for n in (1,)] + [body[1:]])
    assert found == content


@given(st.binary(max_size=200))
async def test_any_bytes_give_parts_or_a_typed_error(body: bytes) -> None:
    with suppress(MalformedRequest):
        await read_in([b"--" + BOUNDARY + body])


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        (b'filename="van ban.pdf"', "van ban.pdf"),
        ('filename="Quyết định.pdf"'.encode(), "Quyết định.pdf"),
        (b'filename="a \\"b\\".pdf"', 'a "b".pdf'),
        (b'filename="a %22b%22.pdf"', 'a "b".pdf'),
        (b"filename=plain.pdf", "plain.pdf"),
        (b"filename=\"x.pdf\"; filename*=UTF-8''Quy%E1%BA%BFt.pdf", "Quyết.pdf"),
        (b'filename="../../etc/passwd"', "../../etc/passwd"),
    ],
)
async def test_file_names_are_read_as_clients_write_them(parameters: bytes, name: str) -> None:
    body = body_of(b"x").replace(b'filename="0.pdf"', parameters)
    ((part, _),) = await read_in([body])
    assert part == Part("file", name)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Content-Disposition: attachment; name=x",
        b"Content-Disposition: form-data",
        b'Content-Disposition: form-data; name="a"; name="b"',
        b'Content-Disposition: form-data; name="a',
        b"Content-Disposition: form-data; name=\"a\"; filename*=latin1''x",
        b"Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''%ff",
        b'Content-Disposition: form-data; name="\xff"',
        b'Content-Disposition: form-data; name="a\x00b"',
        b'Content-Disposition: form-data; name="a"\r\n folded',
    ],
)
async def test_part_with_an_unclear_head_is_malformed(header: bytes) -> None:
    with pytest.raises(MalformedRequest):
        await read_in([b"--%s\r\n%s\r\n\r\nx\r\n--%s--\r\n" % (BOUNDARY, header, BOUNDARY)])


async def test_head_without_end_is_given_up_at_its_limit() -> None:
    chunks = [b"--" + BOUNDARY + b"\r\n"] + [b"X: " + b"y" * 97] * 1000
    with pytest.raises(MalformedRequest, match="well formed"):
        await read_in(chunks, max_header_bytes=500)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b"; x=y', b"a b"),
        ("multipart/form-data;boundary=----WebKitFormBoundary7MA4YWxk", b"----WebKitFormBoundary7MA4YWxk"),
    ],
)
def test_boundary_is_found(content_type: str, boundary: bytes) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 71,
        'multipart/form-data; boundary="a "',
        "multipart/form-data; boundary=ă",
        "multipart/mixed; boundary=abc",
    ],
)
def test_unusable_boundary_is_malformed(content_type: str) -> None:
    with pytest.raises(MalformedRequest):
        boundary_of(content_type)
