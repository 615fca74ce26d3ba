"""How much an XML file may hold, and what judging it may cost."""

from __future__ import annotations

CHUNK_BYTES = 256 * 1024
MAX_TOKEN_BYTES = 1024 * 1024
"""One tag, comment or instruction, which the parser must hold whole."""

MAX_DEPTH = 128
MAX_NODES = 300_000
"""Elements, attributes and namespace declarations."""
MAX_ATTRIBUTES = 64
"""Attributes and namespace declarations of one element."""
MAX_NAMESPACES = 256
"""In scope at one place."""
MAX_INHERITED = 16
"""Attributes `xml:…` in force at one place: there are four."""

MAX_SIGNATURES = 20
MAX_NESTED = 4
"""Signatures that stand in one another."""
MAX_SIGNATURE_TEXT = 16 * 1024 * 1024
"""Characters of all signature elements together, without what they envelop: revocation lists are long."""
NODE_LETTERS = 200
"""What one element counts for in that."""
MAX_REFERENCES = 10
MAX_TRANSFORMS = 3
MAX_CERTIFICATES = 30
MAX_STAMPS = 5

MAX_DIGESTED_BYTES = 2 * 1024 * 1024 * 1024
"""File size times the digests over it: about four seconds."""
MAX_DIGESTED_ELEMENTS = 600_000
"""Elements times the digests over them: about four seconds."""
