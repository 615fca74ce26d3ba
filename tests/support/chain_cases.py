"""Certification paths in the style of NIST PKITS: what each is, and how it is to be judged."""

from __future__ import annotations

from tests.support.chain_cases_of_form import FORM
from tests.support.chain_cases_of_rules import RULES
from tests.support.chain_cases_of_use import USES

CASES = FORM | RULES | USES
