"""CMS signatures (RFC 5652): inside a PDF, in a .p7s file, in a time-stamp.

There is one reader, strict and small enough to be the fast path (`der`, `structure`). What is not DER is
made DER first (`ber`) and called lenient, so one set of rules holds for all (`signed_data`, `time_stamp`).
The tests compare it with pyHanko and OpenSSL.
"""
