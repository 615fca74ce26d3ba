"""The manifest against the attachments that came: each must be listed, each listed one be there, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from adapters.edxml import faults
from adapters.edxml.attachments import Attachments
from adapters.edxml.faults import STANDARD, Mistakes
from adapters.edxml.packet import Attachment, ManifestReference

_MANIFEST = "edXMLManifest/Reference"
_ENCODED = "AttachmentEncoded/Attachment"


def named_attachments(
    encoded: Sequence[Attachment], listed: Sequence[ManifestReference], *, attachments: Attachments
) -> tuple[Attachment, ...]:
    """Return the attachments with the names they have, out of their ZIPs; note where manifest and
    attachments differ.

    Raises:
        Refused: The files are larger than the limits.
    """
    mistakes = attachments.mistakes
    _note_duplicates([reference.content_id for reference in listed], _MANIFEST, mistakes)
    _note_duplicates([attachment.content_id for attachment in encoded], _ENCODED, mistakes)
    if listed:
        _compare(encoded, listed, mistakes)
    elif encoded:
        mistakes.warn(faults.NO_MANIFEST, element="edXMLManifest", rule=STANDARD)
    by_id = {reference.content_id: reference for reference in listed}
    named = []
    for number, attachment in enumerate(encoded, start=1):
        element = _numbered(_ENCODED, number)
        whole = _named(attachment, by_id, element=element, mistakes=mistakes)
        if whole is not None:
            named.append(attachments.unwrapped(whole, element=element))
    return tuple(named)


def _note_duplicates(content_ids: Sequence[str], element: str, mistakes: Mistakes) -> None:
    seen: set[str] = set()
    for number, content_id in enumerate(content_ids, start=1):
        if content_id and content_id in seen:
            where = f"{_numbered(element, number)}/ContentId"
            mistakes.add(faults.DUPLICATE_CONTENT_ID, element=where, rule=STANDARD)
        seen.add(content_id)


def _compare(encoded: Sequence[Attachment], listed: Sequence[ManifestReference], mistakes: Mistakes) -> None:
    if len(listed) != len(encoded):
        counts = faults.differing_counts(len(listed), encoded=len(encoded))
        mistakes.add(counts, element="edXMLManifest", rule=STANDARD)
    ids_listed = {reference.content_id for reference in listed}
    ids_encoded = {attachment.content_id for attachment in encoded}
    for number, reference in enumerate(listed, start=1):
        if not reference.content_id:
            where = f"{_numbered(_MANIFEST, number)}/ContentId"
            mistakes.add(faults.MISSING, element=where, rule=STANDARD)
        elif reference.content_id not in ids_encoded:
            mistakes.add(faults.NOT_ENCODED, element=_numbered(_MANIFEST, number), rule=STANDARD)
    for number, attachment in enumerate(encoded, start=1):
        if not attachment.content_id or attachment.content_id not in ids_listed:
            mistakes.add(faults.NOT_IN_MANIFEST, element=_numbered(_ENCODED, number), rule=STANDARD)


def _named(
    attachment: Attachment,
    manifest: Mapping[str, ManifestReference],
    *,
    element: str,
    mistakes: Mistakes,
) -> Attachment | None:
    """Return the attachment, named by the manifest when it has no name itself; None when it is not whole."""
    reference = manifest.get(attachment.content_id, ManifestReference())
    name = attachment.name or reference.attachment_name
    if not name:
        mistakes.add(faults.MISSING, element=f"{element}/AttachmentName", rule=STANDARD)
    if reference.attachment_name not in {"", name}:
        mistakes.add(faults.OTHER_NAME, element=f"{element}/AttachmentName", rule=STANDARD)
    types = {reference.content_type.lower(), attachment.content_type.lower()} - {""}
    if len(types) > 1:  # of no weight: the type is told by the bytes
        mistakes.warn(faults.OTHER_TYPE, element=f"{element}/ContentType", rule=STANDARD)
    if not attachment.path:
        mistakes.add(faults.MISSING, element=f"{element}/ContentTransferEncoded", rule=STANDARD)
        return None
    return msgspec.structs.replace(attachment, name=name)


def _numbered(element: str, number: int) -> str:
    return f"{element}[{number}]" if number > 1 else element
