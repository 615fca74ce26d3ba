"""Embedded fonts that go by another name than their own: a viewer that keeps fonts by name can be made to
take another font's shapes for their letters (shadow attack "replace via overwrite").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from mmap import mmap

from signing.pdf.objects import ObjectGraph

_DESCRIPTOR = re.compile(rb"/FontDescriptor\s+(\d+)\s+\d+\s+R")
_NAME = re.compile(rb"/BaseFont\s*/([^\r\n/<>\[\]()]+)")
_DESCRIBED = re.compile(rb"/FontName\s*/([^\r\n/<>\[\]()]+)")
_EMBEDDED = re.compile(rb"/FontFile[23]?\b")
_SUBSET = re.compile(rb"\A[A-Z]{6}\+")


def misnamed_fonts(_: mmap | bytes, graph: ObjectGraph) -> Iterator[str]:
    """Yield a sentence for each embedded font whose descriptor has another name than the font."""
    for number, found in graph.objects.items():
        if b"/FontDescriptor" not in found.text:
            continue
        pointer, name = _DESCRIPTOR.search(found.text), _NAME.search(found.text)
        descriptor = graph.objects.get(int(pointer[1])) if pointer else None
        if name is None or descriptor is None or not descriptor.has(_EMBEDDED):
            continue
        described = _DESCRIBED.search(descriptor.text)
        if described and _plain(described[1]) != _plain(name[1]):
            yield f"The embedded font of object {number} has two names."


def _plain(name: bytes) -> bytes:
    """Return a font's name without what producers spell differently."""
    return re.sub(rb"#20|[\s,_-]", b"", _SUBSET.sub(b"", name)).lower()
