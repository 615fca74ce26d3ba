"""Who may add to a dossier, and who may look into it."""

from __future__ import annotations

from gateway.domain.dossiers import MAX_COMPONENTS, MAX_STAGES, Dossier, code_fault, not_your_dossier
from gateway.domain.envelope import DossierPart, Envelope
from gateway.domain.errors import MalformedDocument, NotFound, UnknownAgency
from gateway.domain.model import AgencyCode
from gateway.service.exchange import Exchange, legal_date


async def check_dossier(x: Exchange, envelope: Envelope, sender: AgencyCode) -> None:
    """Pass when a document may join the dossier its envelope names, or names none.

    Raises:
        MalformedDocument: A code cannot be used; `reasons` names every one.
        UnknownAgency: A stage names an agency that does not exist; `reasons` names them all.
        NotYourDossier: The dossier is there and the sender has no part in it.
    """
    part = envelope.dossier
    if part is None:
        return
    if faults := _faults(part):
        raise MalformedDocument(reasons=faults)
    codes = [stage.agency for stage in part.stages]
    known = await x.directory.resolve(codes, on=legal_date(x.clock())) if codes else {}
    if unknown := [code for code in dict.fromkeys(codes) if code not in known]:
        raise UnknownAgency(reasons=[f"dossier.stages: no agency has the code {code}" for code in unknown])
    if await x.dossiers.is_party(part.code, sender) is False:
        raise not_your_dossier(part.code)


def _faults(part: DossierPart) -> list[str]:
    faults = [f"dossier.code: {fault}"] if (fault := code_fault(part.code)) else []
    faults += [
        f"dossier.components: {component[:40]!r} {fault}"
        for component in part.components
        if (fault := code_fault(component))
    ]
    if len(set(part.components)) < len(part.components):
        faults.append("dossier.components: names a component twice")
    if len(part.components) > MAX_COMPONENTS:
        faults.append(f"dossier.components: at most {MAX_COMPONENTS}")
    if len(part.stages) > MAX_STAGES:
        faults.append(f"dossier.stages: at most {MAX_STAGES}")
    return faults


async def read_dossier(x: Exchange, code: str, *, seen_by: AgencyCode | None) -> Dossier:
    """Return a dossier, as one of its parties may see it; everybody's with None.

    Raises:
        NotFound: There is none, or the reader has no part in it.
    """
    if seen_by is not None and not await x.dossiers.is_party(code, seen_by):
        raise NotFound
    dossier = await x.dossiers.find(code)
    if dossier is None:
        raise NotFound
    return dossier
