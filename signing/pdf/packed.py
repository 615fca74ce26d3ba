"""Object streams in the one form that every reader takes alike.

Where an object stands in one twice, or a key twice in an object, each reader takes the one it likes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from signing.pdf.syntax import NotPlain, Reference, Value, read_value

_WHITE = b"\x00\t\n\x0c\r "
_PAIR = re.compile(rb"[\x00\t\n\x0c\r ]*+(\d{1,10})[\x00\t\n\x0c\r ]++(\d{1,10})(?=[\x00\t\n\x0c\r ]|\Z)")


def packed_values(
    content: bytes, *, count: object, first: object, listed: Mapping[int, int]
) -> Iterator[Value]:
    """Yield the objects of an object stream, in their order.

    Args:
        content: What the stream unpacks to.
        count: Its /N.
        first: Its /First.
        listed: Which object the cross-references have at each index.

    Raises:
        NotPlain: It can be read in two ways, or not at all.
    """
    if type(count) is not int or type(first) is not int or count != len(listed) or first < 0:
        raise NotPlain("an object stream that holds other objects than are listed")
    place, starts = 0, []
    for index in range(count):
        pair = _PAIR.match(content, place, first)
        if pair is None or int(pair[1]) != listed.get(index):
            raise NotPlain("an object stream that holds other objects than are listed")
        starts.append(first + int(pair[2]))
        place = pair.end()
    end = first
    if len(set(listed.values())) != count or content[place:first].strip(_WHITE):
        raise NotPlain("an object stream with an object twice")
    for start in starts:
        if start < end or content[end:start].strip(_WHITE):
            raise NotPlain("an object stream with something between its objects")
        value, end = read_value(content, start)
        if isinstance(value, Reference):
            raise NotPlain("an object that is only a reference")
        yield value
    if content[end:].strip(_WHITE):
        raise NotPlain("an object stream with something behind its objects")
