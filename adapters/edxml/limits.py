"""How much a packet may hold: a site chooses `ReadLimits`; the rest bounds what one parse can cost."""

from __future__ import annotations

import msgspec


class ReadLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The figures a site has chosen for one packet: its texts and attributes together, attachments apart, and
    its files, decoded and unpacked."""

    max_text_bytes: int = 256 * 1024

    max_files: int = 100
    max_file_bytes: int = 512 * 1024 * 1024
    max_total_bytes: int = 1024 * 1024 * 1024


CHUNK_BYTES = 64 * 1024

MAX_DEPTH = 64
MAX_NODES = 200_000
"""Elements, attributes, namespace declarations and comments."""

MAX_ATTRIBUTES = 64
"""Attributes and namespace declarations of one element."""

MAX_NAME = 256
"""Characters of one name, prefix or namespace."""

MAX_NAMES = 1_000
"""Different names, prefixes and namespaces in one packet: the parser keeps each."""

MAX_TOKEN_BYTES = 1024 * 1024
"""One tag or comment, which the parser must hold whole."""

MAX_VALUE = 1024 * 1024
"""Characters of one element's text."""

MAX_SPACE = 4 * 1024 * 1024
"""Characters of white space between elements, which is not kept."""

MAX_SKIPPED = 4 * 1024
"""Characters in elements that are passed over."""

MAX_AGENCIES = 2_000
"""Recipients of a packet, places it is sent to, agencies a replacement is for."""

MAX_REFERENCES = 50
"""Other documents a packet names, of each kind of reference."""

MAX_LINES = 200
"""Relays, appendixes, certificates: lists that are short in earnest."""

MAX_FILES = 1_000
"""Attachments that are counted at all; a site's own figure is lower."""

MAX_MISTAKES = 100
"""Mistakes, and warnings, that are named one by one."""
