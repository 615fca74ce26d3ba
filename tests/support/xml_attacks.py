"""Hostile XML signatures other than wrapping, each with the code of the reason that must be given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from lxml import etree  # type: ignore[import-untyped]

from tests.support.xml_attacks_on_keys import algorithms, keys
from tests.support.xml_signing import (
    C14N,
    C14N_11,
    DS,
    ENVELOPED,
    ENVELOPED_EXCLUSIVE,
    EXCLUSIVE,
    NOT_IN_SIGNATURE,
    PROPERTIES,
    SHA256,
    XADES,
    Recipe,
    Ref,
    altered,
    seal_recipe,
    signed,
    transform,
)
from tests.support.xml_wrapping import Case

_XSLT = (
    '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116">'
    '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"/></ds:Transform>'
)


def _xpath(expression: str, declared: str = "") -> str:
    return (
        f'<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
        f"<ds:XPath{declared}>{expression}</ds:XPath></ds:Transform>"
    )


def _filter_2(expression: str, kind: str = "subtract") -> str:
    return (
        '<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2">'
        f'<f:XPath xmlns:f="http://www.w3.org/2002/06/xmldsig-filter2" Filter="{kind}">{expression}'
        "</f:XPath></ds:Transform>"
    )


def _case(name: str, xml: str, code: str = "") -> Case:
    return Case(name, xml.encode(), code)


def _with_transforms(transforms: str, uri: str = "") -> str:
    return signed(recipe=Recipe(refs=(Ref(uri, transforms),)))


def transforms() -> Iterator[Case]:
    """Yield signatures whose parts are transformed until nothing, or something else, is signed."""
    wrong = {
        "xslt": _XSLT + transform(EXCLUSIVE),
        "xslt-after": ENVELOPED_EXCLUSIVE + _XSLT,
        "xpath-nothing": _xpath("false()") + transform(EXCLUSIVE),
        "xpath-everything": _xpath("true()") + transform(EXCLUSIVE),
        "xpath-part": _xpath("ancestor-or-self::so") + transform(EXCLUSIVE),
        "xpath-count": _xpath("count(//*)&gt;0") + transform(EXCLUSIVE),
        "xpath-here": _xpath("count(ancestor-or-self::ds:Signature|here()/ancestor::ds:Signature[1])&gt;0"),
        "xpath-other-name": _xpath("not(ancestor-or-self::Signature)") + transform(EXCLUSIVE),
        "xpath-or": _xpath("not(ancestor-or-self::ds:Signature) and not(self::so)") + transform(EXCLUSIVE),
        "xpath-prefix-of-another": _xpath("not(ancestor-or-self::x:Signature)", ' xmlns:x="urn:x"'),
        "filter-intersect": _filter_2("/descendant::ds:Signature", "intersect") + transform(EXCLUSIVE),
        "filter-union": _filter_2("/descendant::ds:Signature", "union") + transform(EXCLUSIVE),
        "filter-more": _filter_2("/descendant::so | /descendant::ds:Signature") + transform(EXCLUSIVE),
        "filter-name": _filter_2("/descendant::*[name()='ds:Signature']") + transform(EXCLUSIVE),
        "filter-twice": _filter_2("/descendant::ds:Signature").replace(
            "</ds:Transform>", '<f:XPath xmlns:f="urn:f">x</f:XPath></ds:Transform>'
        ),
        "base64": transform(DS + "base64"),
        "decrypt": transform("http://www.w3.org/2002/07/decrypt#XML") + transform(EXCLUSIVE),
        "four": transform(ENVELOPED) * 3 + transform(EXCLUSIVE),
        "thousand": transform(ENVELOPED) * 1000,
        "canonical-first": transform(EXCLUSIVE) + transform(ENVELOPED),
        "canonical-twice": transform(EXCLUSIVE) + transform(EXCLUSIVE),
        "canonical-2.0": transform(ENVELOPED) + transform("http://www.w3.org/2010/xml-c14n2"),
        "canonical-unknown": transform(ENVELOPED) + transform("urn:c14n"),
        "enveloped-with-parameter": f'<ds:Transform Algorithm="{ENVELOPED}"><ds:XPath>1</ds:XPath>'
        "</ds:Transform>",
        "inclusive-with-prefixes": transform(ENVELOPED)
        + f'<ds:Transform Algorithm="{C14N}"><e:InclusiveNamespaces xmlns:e="{EXCLUSIVE}" PrefixList="x"/>'
        "</ds:Transform>",
    }
    for name, steps in wrong.items():
        yield _case(f"transform/{name}", _with_transforms(steps), "xml-transform")
    yield _case(
        "transform/no-algorithm",
        altered(signed(), (f'<ds:Transform Algorithm="{ENVELOPED}"/>', "<ds:Transform/>")),
        "xml-signature-structure",
    )
    yield _case("transform/not-inside", _with_transforms(ENVELOPED_EXCLUSIVE, "#nd-1"), "xml-not-inside")
    own = replace(Recipe(), objects='<ds:Object Id="trong"><so/></ds:Object>')
    for name, steps in (("filtered", NOT_IN_SIGNATURE), ("enveloped", transform(ENVELOPED))):
        inside = replace(own, refs=(Ref(), Ref("#trong", steps)))
        yield _case(f"transform/nothing-left-{name}", signed(recipe=inside), "xml-transform")
    itself = _with_transforms(NOT_IN_SIGNATURE + transform(EXCLUSIVE), "#ky-1")
    yield _case("transform/itself", itself, "xml-transform")


def references() -> Iterator[Case]:
    """Yield signatures that refer outside the document, to a part, or to nothing."""
    outside = (
        "http://127.0.0.1:9/x",
        "https://example.invalid/x",
        "file:///etc/passwd",
        "ftp://x",
        "tep.xml",
        "tep.xml#vb-1",
        "#xpointer(/)",
        "#xpointer(id('vb-1'))",
        "#element(/1)",
        "#",
        "?x",
        "cid:209",
        "data:text/xml,x",
        "#a%20b",
    )
    for uri in outside:
        xml = signed(recipe=Recipe(refs=(Ref(), Ref("", transform(EXCLUSIVE), kind="x"))))
        changed = xml.replace('Type="x" URI=""', f'URI="{uri}"')
        yield _case(f"reference/{uri}", changed, "xml-reference")
    no_uri = signed().replace('<ds:Reference URI="">', "<ds:Reference>")
    yield _case("reference/no-uri", no_uri, "xml-reference")
    missing = signed(recipe=Recipe(refs=(Ref(), Ref("#vb-1")))).replace('URI="#vb-1"', 'URI="#khong-co"')
    yield _case("reference/missing", missing, "xml-signed-part-missing")
    yield _case("reference/part", _with_transforms(transform(EXCLUSIVE), "#nd-1"), "xml-part-only")
    only = signed(recipe=Recipe(refs=()))
    yield _case("reference/properties-only", only, "xml-part-only")
    none = signed(recipe=Recipe(refs=(), is_xades=False))
    yield _case("reference/none", none, "xml-signature-structure")
    many = signed(recipe=Recipe(refs=(Ref(),) * 11))
    yield _case("reference/eleven", many, "xml-too-much")
    manifest = (
        f'<ds:Object><ds:Manifest Id="ds-1"><ds:Reference URI="#vb-1"><ds:DigestMethod Algorithm="{SHA256}"/>'
        "<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference></ds:Manifest></ds:Object>"
    )
    for kind in ("", DS + "Manifest"):
        recipe = Recipe(refs=(Ref("#ds-1", transform(EXCLUSIVE), kind=kind),), objects=manifest)
        yield _case(f"reference/manifest-{bool(kind)}", signed(recipe=recipe), "xml-manifest")
    whole_and_list = Recipe(refs=(Ref(), Ref("#ds-1", transform(EXCLUSIVE))), objects=manifest)
    yield _case("reference/whole-and-manifest", signed(recipe=whole_and_list), "xml-manifest")


def declarations() -> Iterator[Case]:
    """Yield files with entities, a DOCTYPE, another encoding, or beyond the budgets."""
    good = signed()
    doctypes = {
        "bare": "<!DOCTYPE x>",
        "internal": '<!DOCTYPE x [<!ENTITY a "b">]>',
        "external": '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        "public": '<!DOCTYPE x PUBLIC "a" "http://127.0.0.1:9/x.dtd">',
        "parameter": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p;]>',
        "laughs": '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        "default-id": '<!DOCTYPE x [<!ATTLIST so Id ID "vb-1">]>',
    }
    for name, doctype in doctypes.items():
        yield _case(f"doctype/{name}", doctype + good, "xml-doctype")
        yield _case(f"doctype/{name}-after-comment", f"<!-- x -->\n{doctype}{good}", "xml-doctype")
    yield Case("doctype/after-bom", b"\xef\xbb\xbf<!DOCTYPE x>" + good.encode(), "xml-doctype")
    yield Case("encoding/utf-16", good.encode("utf-16"), "xml-encoding")
    yield Case("encoding/utf-16-le", good.encode("utf-16-le"), "xml-encoding")
    latin = '<?xml version="1.0" encoding="ISO-8859-1"?>' + good
    yield _case("encoding/declared", latin, "xml-encoding")
    yield _case("encoding/utf-7", '<?xml version="1.0" encoding="UTF-7"?>' + good, "xml-encoding")
    yield _case("encoding/version", '<?xml version="1.1"?>' + good, "xml-broken")
    yield Case("encoding/overlong", good.encode().replace(b"H26.01", b"H26\xc0\xae01"), "xml-broken")
    yield Case("encoding/surrogate", good.encode().replace(b"H26.01", b"\xed\xa0\x80"), "xml-broken")
    yield Case("encoding/control", good.encode().replace(b"H26.01", b"H26\x0101"), "xml-broken")
    yield _case("form/entity", good.replace("H26.01", "&ent;"), "xml-broken")
    yield _case("form/cut", good[:-30], "xml-broken")
    yield _case("form/second-root", good + "<so/>", "xml-broken")
    yield _case("form/attribute-twice", good.replace("loai=", 'loai="x" loai='), "xml-broken")
    spaces = 'xmlns:p="urn:a" xmlns:q="urn:a" p:x="1" q:x="2" loai='
    yield _case("form/attribute-twice-by-meaning", good.replace("loai=", spaces), "xml-namespace")
    yield _case("form/undeclared", good.replace("loai=", "k:loai="), "xml-prefix-undeclared")
    yield _case("form/no-prefix", good.replace("loai=", 'xmlns:k="" loai='), "xml-namespace")
    yield _case("form/xml-prefix", good.replace("loai=", 'xmlns:xml="urn:x" loai='), "xml-namespace")
    deep = "<a>" * 200 + "</a>" * 200
    yield _case("budget/deep", good.replace("H26.01", deep), "xml-too-much")
    yield _case("budget/elements", good.replace("H26.01", "<a/>" * 300_001), "xml-too-much")
    attributes = " ".join(f'a{n}="1"' for n in range(100))
    yield _case("budget/attributes", good.replace("loai=", f"{attributes} loai="), "xml-too-much")
    few = " ".join(f'a{n}="1"' for n in range(40))
    many = good.replace("H26.01", f"<a {few}/>" * 8_000)
    yield _case("budget/all-attributes", many, "xml-too-much")
    inherited = good.replace("loai=", " ".join(f'xml:a{n}="1"' for n in range(20)) + " loai=")
    yield _case("budget/inherited-attributes", inherited, "xml-too-much")
    nested = f'<ds:Signature xmlns:ds="{DS}">' * 6 + "</ds:Signature>" * 6
    yield _case("budget/nested", good.replace("H26.01", nested), "xml-too-much")
    value = "<ds:SignatureValue>"
    flood = good.replace(value, "<ds:Object/>" * 100_000 + value)
    yield _case("budget/signature-elements", flood, "xml-too-much")
    long = good.replace(value, value + "A" * 17_000_000)
    yield _case("budget/signature-text", long, "xml-too-much")
    yield _case("budget/tag", good.replace("H26.01", f'<a x="{"y" * 3_000_000}"/>'), "xml-too-much")
    block = good[good.index("<ds:Signature") : good.index("</ds:Signature>") + 15]
    yield _case("budget/signatures", good.replace(block, block * 21), "xml-too-much")


def contents() -> Iterator[Case]:
    """Yield changes of what was signed, and things slipped in beside it."""
    good = signed()
    changes = {
        "text": ("Chi 100", "Chi 900"),
        "attribute": ('loai="QĐ"', 'loai="CV"'),
        "space": ("<so>12", "<so> 12"),
        "name": ("so>", "sp>"),
        "instruction": ("<so>", "<?lenh x?><so>"),
        "element": ("</vb:noi-dung>", "<them/></vb:noi-dung>"),
        "entity-as-text": ("&amp; hết", "&amp;amp; hết"),
        "namespace": ('="urn:vn:khac"', '="urn:vn:kia"'),
    }
    for name, change in changes.items():
        yield _case(f"content/{name}", altered(good, change), "altered")
    comments = {
        "within": ("H26.01", "H26<!-- -->.01"),
        "before": ("H26.01", "<!-- -->H26.01"),
        "behind": ("H26.01", "H26.01<!-- .evil -->"),
    }
    for name, change in comments.items():
        yield _case(f"comment/{name}", altered(good, change), "xml-comment-in-text")
    inside = {"SignedInfo": "<ds:SignedInfo>", "DigestValue": "<ds:DigestValue>", "KeyInfo": "<ds:KeyInfo>"}
    for name, tag in inside.items():
        yield _case(f"comment/{name}", altered(good, (tag, f"{tag}<!-- -->")), "xml-comment-in-signature")
        yield _case(f"instruction/{name}", altered(good, (tag, f"{tag}<?x y?>")), "xml-comment-in-signature")
    end = "</ds:KeyInfo>"
    for name, extra in {
        "text": "<ds:Object>Chi 900</ds:Object>",
        "element": "<ds:Object><so>9</so></ds:Object>",
    }.items():
        yield _case(f"object/{name}", altered(good, (end, end + extra)), "xml-unsigned-object")
    yield _case("object/stranger", altered(good, (end, f"{end}<so>9</so>")), "xml-signature-structure")
    yield _case("object/stray-text", altered(good, (end, f"{end}Chi 900")), "xml-signature-structure")
    forged = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><so>9</so></ds:Signature>'
    all_out = signed(recipe=Recipe(refs=(Ref(transforms=NOT_IN_SIGNATURE + transform(EXCLUSIVE)),)))
    yield _case(
        "object/fake-signature", altered(all_out, ("<so>", f"{forged}<so>")), "xml-signature-structure"
    )
    for way in (C14N, C14N_11):
        taken = good.replace(EXCLUSIVE, way).replace("urn:vn:khac", "khac")
        yield _case(f"content/relative-{way[-6:]}", taken, "xml-relative-namespace")
    commented = transform(ENVELOPED) + transform(C14N + "#WithComments")
    two_ways = signed(recipe=Recipe(refs=(Ref(transforms=commented),)))
    spoiled = altered(two_ways, ("<so>", "<!-- x --><so>"), ("Chi 100", "Chi 900"))
    yield _case("comment/asked-for", spoiled, "xml-comments-signed")


def properties() -> Iterator[Case]:
    """Yield games with the signed properties of XAdES."""
    good = signed()
    foreign = "xml-foreign-properties"
    yield _case("properties/other-target", signed(recipe=Recipe(target="#ky-2")), foreign)
    yield _case("properties/no-target", signed(recipe=Recipe(target="")), foreign)
    yield _case("properties/unsigned", altered(good, (f' Type="{PROPERTIES}"', "")), foreign)
    plain = signed(recipe=Recipe(is_xades=False))
    begin, finish = good.index("<ds:Object>"), good.index("</ds:Object>") + len("</ds:Object>")
    slipped = plain.replace("</ds:Signature>", good[begin:finish] + "</ds:Signature>")
    yield _case("properties/slipped-in", slipped, foreign)
    second = good.replace("</ds:Signature>", good[begin:finish] + "</ds:Signature>")
    yield _case("properties/twice", second, "xml-signature-structure")
    other = signed(good, seal_recipe(refs=(Ref("#nd-1", transform(EXCLUSIVE)),)))
    crossed = other.replace('Target="#dau-1"', 'Target="#ky-1"').replace(
        'URI="#dau-1-props"', 'URI="#ky-1-props"'
    )
    yield _case("properties/of-another", crossed, foreign)
    yield _case(
        "properties/time", re.sub(r"<(\w+):SigningTime>2026", r"<\1:SigningTime>2016", good), "altered"
    )
    moved = etree.fromstring(good.encode())
    holder = next(moved.iter(f"{{{XADES}}}QualifyingProperties"))
    moved.insert(0, holder)
    yield Case("properties/moved-out", etree.tostring(moved), foreign)
    yield _case("id/twice", altered(good, ("<so>", '<so Id="ky-1-props">')), "xml-ambiguous-id")
    for name in ("ID", "id", "xml:id", "wsu:Id"):
        attribute = f'{name}="ky-1-props"' + (' xmlns:wsu="urn:wsu"' if name.startswith("wsu") else "")
        yield _case(f"id/{name}", altered(good, ("<so>", f"<so {attribute}>")), "xml-ambiguous-id")


def attacks() -> Iterator[Case]:
    """Yield all of them."""
    for family in (transforms, references, declarations, algorithms, keys, contents, properties):
        yield from family()
