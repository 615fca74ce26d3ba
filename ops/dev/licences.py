"""Checks that every package a lock names may be used with this program: `python -m ops.dev.licences LOCK`.

Exit codes: 0 all are allowed, 1 one is not, 2 one cannot be judged because it is not installed.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ALLOWED = frozenset(
    {
        *("Apache-2.0", "Apache 2.0", "Apache Software License"),
        *("MIT", "MIT-0", "MIT License"),
        *("BSD-2-Clause", "BSD-3-Clause", "BSD License"),
        "BSD-3-Clause, Apache-2.0, dependency licenses",  # pypdfium2, and what PDFium is built from
        *("PSF-2.0", "Python Software Foundation License"),
        # Weak copyleft, per file: fine for what is used unchanged.
        *("MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)"),
    }
)
"""Names of licences as packages write them: SPDX, classifiers, and the free text of older metadata."""


def packages_in(lock: Path) -> list[str]:
    """Return the names a lock pins."""
    return re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text("utf-8"), re.MULTILINE)


def licence_of(package: str) -> str:
    """Return what an installed package says its licence is, empty when it says nothing."""
    fields = metadata(package)
    classifiers = [text for text in fields.get_all("Classifier") or [] if text.startswith("License ::")]
    of_classifier = classifiers[0].rsplit("::", 1)[1].strip() if classifiers else ""
    declared = [fields[key] for key in ("License-Expression", "License") if key in fields]
    return next((text for text in (*declared[:1], of_classifier) if text), "")


def is_allowed(licence: str) -> bool:
    """Return whether a licence expression is met by allowed ones alone."""
    return all(
        any(choice.strip() in ALLOWED for choice in part.split(" OR ")) for part in licence.split(" AND ")
    )


def main() -> int:
    """Judge the packages of the lock named as argument; print those that are not allowed."""
    try:
        found = {package: licence_of(package) for package in packages_in(Path(sys.argv[1]))}
    except PackageNotFoundError as error:
        print(f"{error.name} is not installed")
        return 2
    refused = {package: licence for package, licence in found.items() if not is_allowed(licence)}
    for package, licence in refused.items():
        print(f"{package}: {licence or 'says nothing about its licence'}")
    print(f"{len(found) - len(refused)} of {len(found)} licences are allowed")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
