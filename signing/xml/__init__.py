"""XML signatures, and what stands in their place in an edXML packet."""
