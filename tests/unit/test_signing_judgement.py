"""How findings become the verdict on one signature."""

from __future__ import annotations

import pytest

from signing.faults import TOO_COSTLY
from signing.judgement import Judgement
from signing.pdf import reasons as of_pdf
from signing.reasons import BROKEN, Reason
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


@pytest.mark.parametrize("sub_indication", ["SIGNED_DATA_NOT_FOUND", "CRYPTO_CONSTRAINTS_FAILURE"])
def test_what_was_not_there_to_be_judged_is_held_against_no_facet(sub_indication: str) -> None:
    report = judged(sub_indication)

    assert report.indication is Verdict.INDETERMINATE
    assert report.facets.integrity is FacetState.UNKNOWN


@pytest.mark.parametrize("reason", [TOO_COSTLY, of_pdf.ENCRYPTED, of_pdf.FORMAT_NOT_SUPPORTED])
def test_what_was_not_judged_is_held_against_no_facet_and_calls_none_good(reason: Reason) -> None:
    judgement = Judgement("ChuKy")
    judgement.fine("integrity")
    judgement.against("GENERIC", reason, facet="integrity")
    report = judgement.report()

    assert report.indication is Verdict.INDETERMINATE
    assert report.facets.integrity is FacetState.UNKNOWN


@pytest.mark.parametrize("reason", [of_pdf.COVERS_TEXT, of_pdf.SIGNATURE_REMOVED, of_pdf.TRAILING_BYTES])
def test_what_was_found_against_a_facet_stays_so_when_more_is_not_judged(reason: Reason) -> None:
    judgement = Judgement("ChuKy")
    judgement.against("GENERIC", reason.about("1"), facet="changes")
    judgement.against("GENERIC", TOO_COSTLY, facet="changes")

    assert judgement.facets.changes is FacetState.FAILED


def test_reason_that_is_open_does_not_soften_a_failure() -> None:
    judgement = Judgement("ChuKy")
    judgement.against("FORMAT_FAILURE", TOO_COSTLY)

    assert judgement.facets.integrity is FacetState.FAILED


def test_diagnostic_words_stand_beside_the_sentences_not_in_them() -> None:
    judgement = Judgement("ChuKy")
    judgement.against("FORMAT_FAILURE", BROKEN.about("KeyError"))
    judgement.against("FORMAT_FAILURE", of_pdf.PDF_BROKEN.about("PdfReadError"))
    report = judgement.report()

    assert report.details == ("KeyError", "PdfReadError")
    assert "Error" not in " ".join([*report.reasons, *report.reasons_vi, report.sentence_vi])


def test_time_stamp_proves_its_own_time_only_when_it_passes() -> None:
    good, bad = Judgement("Dau", role="time-stamp"), Judgement("Dau", role="time-stamp")
    bad.against("NO_CERTIFICATE_CHAIN_FOUND")

    assert good.report().signed_at_proven
    assert not bad.report().signed_at_proven
