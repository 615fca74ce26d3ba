"""What is in a file besides its signatures: archives looked through, active content named.

`look.look_through` is the whole of it, for a parsing worker to call. Nothing is ever extracted: entries are
inflated piece by piece, measured, looked at and forgotten. An archive that two programs could list
differently is refused, whichever listing would be harmless.
"""
