"""How findings become the verdict on one signature."""

from __future__ import annotations

from signing.judgement import Judgement
from signing.report import FacetState, SignatureReport, Verdict, worst


def judged(*sub_indications: str) -> SignatureReport:
    judgement = Judgement("ChuKy")
    for sub_indication in sub_indications:
        judgement.against(sub_indication)
    return judgement.report()


def test_nothing_found_is_passed() -> None:
    assert judged().indication is Verdict.TOTAL_PASSED


def test_failure_outweighs_what_was_undecided_before_it() -> None:
    report = judged("NO_CERTIFICATE_CHAIN_FOUND", "HASH_FAILURE")

    assert (report.indication, report.sub_indication) == (Verdict.TOTAL_FAILED, "HASH_FAILURE")
    assert len(report.reasons) == 2


def test_first_failure_names_the_verdict() -> None:
    assert judged("HASH_FAILURE", "REVOKED", "NO_POE").sub_indication == "HASH_FAILURE"


def test_unknown_sub_indication_is_undecided_and_has_a_reason() -> None:
    report = judged("SOMETHING_NEW")

    assert report.indication is Verdict.INDETERMINATE
    assert report.reasons == ("The signature could not be judged.",)


def test_what_was_found_against_a_facet_is_not_called_fine_afterwards() -> None:
    judgement = Judgement("ChuKy")
    judgement.against("HASH_FAILURE")
    judgement.fine("integrity", "trust")

    assert judgement.facets.integrity is FacetState.FAILED
    assert judgement.facets.trust is FacetState.OK
    assert judgement.facets.time is FacetState.UNKNOWN


def test_worst_signature_is_the_verdict_on_the_file() -> None:
    assert worst((judged(), judged("NO_POE"))) is Verdict.INDETERMINATE
    assert worst((judged("NO_POE"), judged("HASH_FAILURE"), judged())) is Verdict.TOTAL_FAILED
    assert worst(()) is Verdict.UNSIGNED
