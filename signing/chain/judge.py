"""The verdict on a certificate: does it lead to a trusted anchor, for this purpose, then, unrevoked?

Everything that costs (reading, signatures, the rules of a path, the authority of an answer) is kept by the
bytes it was found in and holds for ever; what depends on the moment is compared anew each time. So a
verdict from the cache can never be an old one.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from signing.basis import Basis
from signing.chain.certificates import CertificateUnreadable, Known, read_certificate
from signing.chain.issuers import ends, fetched_issuers, missing
from signing.chain.paths import Path, TooManyCertificates, paths, readable
from signing.chain.renewed import other_keys
from signing.chain.rules import fault
from signing.chain.usage import Purpose, is_meant_for, may_issue_for
from signing.effort import Effort
from signing.evidence import Evidence
from signing.names import name_in
from signing.reasons import NO_PATH_TO, REVOCATION_UNKNOWN_OF, Reason, Refused
from signing.report import Kept, Wanted, earliest
from signing.report import Warning as ReportWarning
from signing.revocation.standing import Standing, standing
from signing.revocation.statement import OtherKey
from signing.trust_domain import Domain, ListedSigner, RevocationRule

__all__ = ["ChainVerdict", "Purpose", "judge_chain"]

_OPEN = "TRY_LATER"
_NOT_CHECKED = ReportWarning(
    "revocation-not-checked", "A certificate does not say where its revocation is published."
)
_NOT_LISTED = Reason(
    "not-listed",
    "The certificate is not on the list of those whose signatures count here.",
    "Chứng thư số của người ký không nằm trong danh sách được công nhận ở đây. Hãy hỏi quản trị hệ thống.",
)
_TOO_MANY = Reason(
    "too-many-certificates",
    "The signature carries far more certificates than any chain needs.",
    "Chữ ký mang theo quá nhiều chứng thư số.",
)
_UNREADABLE = Reason(
    "certificate-unreadable",
    "The signer's certificate cannot be read ({}).",
    "Không đọc được chứng thư số của người ký.",
)


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What is to be said of one certificate; no sub-indication means that it holds."""

    sub_indication: str | None = None
    reason: Reason | None = None
    """Why, when the sub-indication alone does not say it well enough."""
    path: tuple[bytes, ...] = ()
    """In DER, from the certificate to the anchor; empty when none was found."""
    domain: Domain | None = None
    """The trust domain of the anchor."""
    listed: ListedSigner | None = None
    """Who the domain says the certificate belongs to."""
    revoked_at: datetime | None = None
    """When the certificate that was found revoked was."""
    declares_revocation: bool = False
    """Whether a certificate of the path says where its revocation is published."""
    inside_until: datetime | None = None
    """Until when the answers in the file itself clear the path; None when one is missing."""
    holds_until: datetime | None = None
    """When time alone may change it: a certificate or an answer that it rests on ends, or one begins."""
    evidence: tuple[Kept, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    warnings: tuple[ReportWarning, ...] = ()

    @property
    def is_good(self) -> bool:
        """Return whether nothing was found against it."""
        return self.sub_indication is None

    def beside(self, other: ChainVerdict) -> ChainVerdict:
        """Return the verdict, which holds no longer than the other one, of another moment, does."""
        return replace(self, holds_until=earliest((self.holds_until, other.holds_until)))


def judge_chain(
    leaf: bytes,
    *,
    pool: Sequence[bytes],
    basis: Basis,
    evidence: Evidence,
    at: datetime,
    purpose: Purpose = Purpose.DOCUMENT,
) -> ChainVerdict:
    """Return the verdict on a certificate. Never raises because of its bytes.

    Args:
        leaf: The certificate, in DER.
        pool: Other certificates that may lie between it and an anchor, in DER; none of them is trusted.
        basis: Whom to trust, the present, and the evidence store.
        evidence: Revocation answers that came with the file.
        at: The present (`basis.at`), or an earlier moment at which the signature is proven to have existed.
        purpose: What the certificate has to be meant for.
    """
    try:
        effort = basis.effort or Effort()
        known = read_certificate(leaf)
        others = readable(pool, effort=effort)
        question = _Question(basis, evidence, at, purpose, others, effort)
        return question.best(known) or _with_fetched(known, question)
    except CertificateUnreadable as broken:
        return ChainVerdict("NO_SIGNING_CERTIFICATE_FOUND", _UNREADABLE.about(str(broken)))
    except TooManyCertificates:
        return ChainVerdict("NO_CERTIFICATE_CHAIN_FOUND", _TOO_MANY)
    except Refused as spent:
        return ChainVerdict(spent.sub_indication, spent.reason)


def _with_fetched(leaf: Known, question: _Question) -> ChainVerdict:
    """Return the verdict with the authorities' certificates that were fetched; without any, what to fetch."""
    trust, effort = question.basis.trust, question.effort
    below = ends(leaf, pool=question.pool, trust=trust, effort=effort)
    found = fetched_issuers(below, store=question.basis.store)
    verdict = replace(question, fetched=found).best(leaf) if found else None
    if verdict is not None:
        return verdict
    highest = ends(leaf, pool=(*question.pool, *found), trust=trust, effort=effort) if found else below
    reason = _about_issuer(NO_PATH_TO, highest[0]) if highest else None
    return ChainVerdict("NO_CERTIFICATE_CHAIN_FOUND", reason, wanted=missing(highest))


def _about_issuer(reason: Reason, certificate: Known) -> Reason | None:
    """Return the reason with the name of who issued a certificate; None when it cannot be shown."""
    name = name_in(certificate.certificate.issuer)
    return reason.about(name) if name else None


# Of several paths that all fail, the one that came furthest is told.
_PROGRESS = {
    name: place
    for place, name in enumerate(
        (
            "CERTIFICATE_CHAIN_GENERAL_FAILURE",
            "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
            "CHAIN_CONSTRAINTS_FAILURE",
            "OUT_OF_BOUNDS_NO_POE",
            "REVOKED_CA_NO_POE",
            "TRY_LATER",
            "REVOKED_NO_POE",
            "REVOKED",
        ),
        start=1,
    )
}


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of each path."""

    basis: Basis
    evidence: Evidence
    at: datetime
    purpose: Purpose
    pool: tuple[Known, ...]
    effort: Effort
    fetched: tuple[Known, ...] = ()

    def best(self, leaf: Known) -> ChainVerdict | None:
        """Return the verdict on the first path that holds, else on the one that comes furthest."""
        verdicts = []
        pool = (*self.pool, *self.fetched)
        for path in paths(leaf, pool=pool, trust=self.basis.trust, effort=self.effort):
            verdict = self.judge(path)
            if verdict.is_good:
                return verdict
            verdicts.append(verdict)
        if not verdicts:
            return None
        # Any of them may begin to hold.
        holds_until = earliest(each.holds_until for each in verdicts)
        return replace(max(verdicts, key=_progress), holds_until=holds_until)

    def judge(self, path: Path) -> ChainVerdict:
        """Return the verdict on one path.

        Raises:
            Refused: The effort is spent.
        """
        self.effort.demand_time()
        domain = self.basis.trust.domains[path[-1].sha256]
        listed = domain.listed(path[0], issuer=path[min(1, len(path) - 1)])
        problem, reason = self._problem(path, domain=domain, listed=listed)
        if problem is not None:
            return ChainVerdict(
                problem,
                reason,
                path=_ders(path),
                domain=domain,
                listed=listed,
                holds_until=self._turn(path),
                evidence=self._certificates(path),
            )
        return self._judge_revocation(path, domain=domain, listed=listed)

    def _problem(
        self, path: Path, *, domain: Domain, listed: ListedSigner | None
    ) -> tuple[str | None, Reason | None]:
        """Return what is wrong with a path apart from revocation, worst first."""
        found = fault(path)
        if found is not None:
            return found, None
        if not is_meant_for(path[0], self.purpose):
            return "CHAIN_CONSTRAINTS_FAILURE", None
        if not all(may_issue_for(each, self.purpose) for each in path[1:]):
            return "CHAIN_CONSTRAINTS_FAILURE", None
        if self.purpose is Purpose.TIME_STAMP and not domain.gives_time_stamps:
            return "CHAIN_CONSTRAINTS_FAILURE", None
        if self.purpose is Purpose.DOCUMENT and domain.is_closed and listed is None:
            return "CHAIN_CONSTRAINTS_FAILURE", _NOT_LISTED
        if not all(each.not_before <= self.at <= each.not_after for each in path):
            return "OUT_OF_BOUNDS_NO_POE", None
        return None, None

    def _judge_revocation(self, path: Path, *, domain: Domain, listed: ListedSigner | None) -> ChainVerdict:
        asked = self._standings(path, domain)
        problem, revoked_at = self._revocation_problem(asked, domain)
        signer_settled = not asked or asked[0][1].is_settled
        unheard = [each for each, found in asked if _is_open(each, found, domain)]
        return ChainVerdict(
            sub_indication=problem,
            reason=_about_issuer(REVOCATION_UNKNOWN_OF, unheard[0]) if problem == _OPEN else None,
            path=_ders(path),
            domain=domain,
            listed=listed,
            revoked_at=revoked_at,
            declares_revocation=any(each.declares_revocation for each, _ in asked),
            inside_until=_inside_until(asked),
            holds_until=earliest((self._turn(path), *_ends(asked))),
            evidence=(*self._certificates(path), *(kept for _, each in asked for kept in each.kept)),
            wanted=tuple(wanted for _, each in asked for wanted in each.wanted) if problem == _OPEN else (),
            warnings=() if signer_settled or problem else (_NOT_CHECKED,),
        )

    def _standings(self, path: Path, domain: Domain) -> tuple[tuple[Known, Standing], ...]:
        """Return what is known of every certificate below the anchor, the signer's first."""
        if domain.revocation is RevocationRule.NONE or self.purpose is Purpose.RECEIPT:
            return ()
        keys = [self._other_keys(issuer, anchor=path[-1], domain=domain) for issuer in path[1:]]
        return self._asked(path, others=keys)

    def _asked(
        self, path: Path, *, others: Sequence[Sequence[OtherKey]]
    ) -> tuple[tuple[Known, Standing], ...]:
        self.effort.demand_time()
        return tuple(
            (
                each,
                standing(
                    each,
                    issuer=issuer,
                    at=self.at,
                    basis=self.basis,
                    evidence=self.evidence,
                    others=keys,
                ),
            )
            for (each, issuer), keys in zip(pairwise(path), others, strict=True)
        )

    def _other_keys(self, issuer: Known, *, anchor: Known, domain: Domain) -> list[OtherKey]:
        """Return the other keys of an authority that are not known to be revoked.

        Whether they are is asked of the very keys that certified them, or there would be no end to it.
        """
        found = []
        pool = (*self.pool, *self.fetched)
        for path in other_keys(issuer, anchor=anchor, pool=pool, trust=self.basis.trust, effort=self.effort):
            asked = self._asked(path, others=[()] * (len(path) - 1))
            problem, revoked_at = self._revocation_problem(asked, domain)
            if revoked_at is None:
                until = min(*(each.not_after for each in path), *_ends(asked))
                wanted = tuple(wanted for _, each in asked for wanted in each.wanted)
                found.append(OtherKey(path[0], problem is None, until, wanted if problem else ()))
        return found

    def _revocation_problem(
        self, asked: Sequence[tuple[Known, Standing]], domain: Domain
    ) -> tuple[str | None, datetime | None]:
        """Return what revocation says against a path, and when the revoked certificate was."""
        for place, (_, found) in enumerate(asked):
            if found.revoked_at is None:
                continue
            if place > 0:
                return "REVOKED_CA_NO_POE", found.revoked_at
            # Only an earlier moment that is proven tells which came first.
            return "REVOKED" if self.at < self.basis.at else "REVOKED_NO_POE", found.revoked_at
        is_open = any(_is_open(each, found, domain) for each, found in asked)
        return (_OPEN if is_open else None), None

    def _turn(self, path: Path) -> datetime | None:
        """Return when the first certificate of a path begins or ends, if it is judged by the present."""
        if self.at < self.basis.at:
            return None
        moments = (moment for each in path for moment in (each.not_before, each.not_after))
        return earliest(moment for moment in moments if moment >= self.at)

    def _certificates(self, path: Path) -> tuple[Kept, ...]:
        trusted, given = self.basis.trust.certificates, {each.sha256 for each in self.pool}
        given.add(path[0].sha256)
        return tuple(
            Kept("certificate", each.sha256, _source(each, trusted=trusted, given=given)) for each in path
        )


def _is_open(certificate: Known, found: Standing, domain: Domain) -> bool:
    """Return whether an answer about a certificate is needed and not at hand."""
    is_needed = domain.revocation is RevocationRule.REQUIRE or certificate.declares_revocation
    return is_needed and not found.is_settled


def _inside_until(asked: Sequence[tuple[Known, Standing]]) -> datetime | None:
    needed = [
        found.inside_until
        for place, (each, found) in enumerate(asked)
        if place == 0 or each.declares_revocation
    ]
    known = [until for until in needed if until is not None]
    return min(known) if known and len(known) == len(needed) else None


def _ends(asked: Sequence[tuple[Known, Standing]]) -> list[datetime]:
    return [found.holds_until for _, found in asked if found.holds_until is not None]


def _source(certificate: Known, *, trusted: Container[str], given: Container[str]) -> str:
    if certificate.sha256 in trusted:
        return "trust"
    return "file" if certificate.sha256 in given else "store"


def _progress(verdict: ChainVerdict) -> int:
    return _PROGRESS.get(verdict.sub_indication or "", 0)


def _ders(path: Path) -> tuple[bytes, ...]:
    return tuple(each.der for each in path)
