"""Revocation: what lists (CRL) and answers (OCSP) say of a certificate, and whether they may be believed."""
