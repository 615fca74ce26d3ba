"""What can keep this package from an answer. A verdict is never an error: it is a report."""

from __future__ import annotations


class SigningError(Exception):
    """No answer could be given; the text is plain and safe to show."""


class Unreadable(SigningError):
    """The file is no PDF that could be read, so there is nothing to judge."""


class TrustFolderUnreadable(SigningError):
    """The trust folder, or a certificate file in it, cannot be read; the text names it."""


class KeyUnreadable(SigningError):
    """A private key or its certificates cannot be read or do not belong together."""


class RootNotVerified(SigningError):
    """The signed root of a receipt does not hold; the text says why."""
