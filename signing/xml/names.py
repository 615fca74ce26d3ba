"""The namespaces and identifiers of XML signatures, in one place."""

from __future__ import annotations

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
FILTER_2 = "http://www.w3.org/2002/06/xmldsig-filter2"
DS_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
DSIG_11 = "http://www.w3.org/2009/xmldsig11#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
XADES_141 = "http://uri.etsi.org/01903/v1.4.1#"
EDXML = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
EDXML_OLD = "http://www.e-doc.vn/Schema/"
XML = "http://www.w3.org/XML/1998/namespace"
XMLNS = "http://www.w3.org/2000/xmlns/"

BLANKS = " \t\r\n"
"""What XML calls white space."""

ENVELOPED = DS + "enveloped-signature"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
MANIFEST = DS + "Manifest"

IDS = frozenset({"Id", "ID", "id"})
"""What an attribute that names its element is called, in whatever namespace (`xml:id`, `wsu:Id`)."""
