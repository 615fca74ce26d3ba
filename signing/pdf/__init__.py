"""The signatures of a PDF: where they stand, what they cover, what was added after them."""
