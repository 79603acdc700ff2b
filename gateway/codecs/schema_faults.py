"""What libxml2 found wrong with a document, told without a word of the document.

libxml2 explains a fault by quoting the value at fault, and a schema error of a
dialogue message would carry a patient's name or the question asked. Here the
text is only searched for names that the schemas themselves declare; the rest of
it is dropped. Whoever writes a document also chooses its element names, so an
unknown name counts as content too.
"""

import re
from typing import Final

from lxml import etree

from gateway.codecs.xml import path_of
from gateway.errors import Fault

# What comes after the quoted value is the schema's; hence all are tied to the end of the text.
_EXPECTED: Final = re.compile(r"Expected is (?:one of )?\( (.*) \)\.\Z")
_TYPE: Final = re.compile(r"type 'xs:([A-Za-z0-9]+)'\.\Z")
_REQUIRED: Final = re.compile(r"The attribute '(?:\{[^}]*\})?([^']*)' is required but missing\.\Z")
_ATTRIBUTE: Final = re.compile(r"Element '[^']*', attribute '(?:\{[^}]*\})?([^']*)'")
_STEP: Final = re.compile(r"(\*|[^\[\]]+)(?:\[(\d+)\])?")

# A value longer than libxml2's message buffer is cut off and may then stand at the end itself, so
# a type is repeated only if it is one of these.
_TYPES: Final = frozenset(
    (
        "anyURI",
        "base64Binary",
        "boolean",
        "date",
        "dateTime",
        "gYear",
        "gYearMonth",
        "ID",
        "integer",
        "language",
        "NCName",
        "NMTOKEN",
        "nonNegativeInteger",
        "QName",
        "string",
        "time",
        "token",
    )
)

_RULES: Final = {
    "SCHEMAV_CVC_ATTRIBUTE_3": "attribute value is not of its type",
    "SCHEMAV_CVC_AU": "attribute value is not the fixed one",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_1": "element has to be empty",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_2": "element may not have child elements",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": "text where only child elements may stand",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_1": "attribute value is not the fixed one",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "attribute is not allowed",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2": "attribute is not allowed",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "required attribute is absent",
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": "value is not of the type",
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_2": "value is not a list of the type",
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_3": "value is of none of the types allowed",
    "SCHEMAV_CVC_ELT_1": "element that no schema declares",
    "SCHEMAV_CVC_ELT_3_1": "xsi:nil is not allowed",
    "SCHEMAV_CVC_ELT_4_1": "xsi:type is no qualified name with a known prefix",
    "SCHEMAV_CVC_ELT_4_2": "xsi:type names an unknown type",
    "SCHEMAV_CVC_ELT_4_3": "xsi:type names a type that may not stand here",
    "SCHEMAV_CVC_ELT_5_2_2_2_1": "value is not the fixed one",
    "SCHEMAV_CVC_ELT_5_2_2_2_2": "value is not the fixed one",
    "SCHEMAV_CVC_ENUMERATION_VALID": "value is not one of those allowed",
    "SCHEMAV_CVC_LENGTH_VALID": "value has the wrong length",
    "SCHEMAV_CVC_MINLENGTH_VALID": "value is empty or too short",
    "SCHEMAV_CVC_PATTERN_VALID": "value does not follow the pattern",
    "SCHEMAV_CVC_TYPE_3_1_1": "attribute is not allowed",
    "SCHEMAV_CVC_TYPE_3_1_2": "element may not have child elements",
    "SCHEMAV_ELEMENT_CONTENT": "element is not expected here",
}


def explain(root: etree._Element, error: etree._LogEntry, names: frozenset[str]) -> Fault:
    """One fault of ``root`` in our own words.

    Args:
        root: the element that was checked.
        error: what libxml2 logged about it.
        names: element and attribute names that the schemas declare; no other is repeated.

    Returns:
        ``where`` as ``/MsgHead/MsgInfo/GenDate (line 7)``, unknown names as ``*``;
        ``detail`` as the rule, what was expected if known, and libxml2's name of the rule.
    """
    message = error.message or ""
    detail = _RULES.get(error.type_name, "breaks a rule of the schema")
    if "Missing child element(s)." in message and error.type_name == "SCHEMAV_ELEMENT_CONTENT":
        detail = "a child element is absent"
    if (of_type := _TYPE.search(message)) and of_type[1] in _TYPES:
        detail += f" xs:{of_type[1]}"
    if expected := _EXPECTED.search(message):
        listed = (token.rpartition("}")[2] for token in expected[1].split(", "))
        if known := [name for name in dict.fromkeys(listed) if name in names]:
            detail += f"; expected: {', '.join(known)}"

    element = _element_at(root, error.path or "")
    where = _known_path(element, names) if element is not None else "document"
    if attribute := _REQUIRED.search(message) or _ATTRIBUTE.match(message):
        where += f"/@{attribute[1]}" if attribute[1] in names else "/@*"
    return Fault(f"{where} (line {error.line})", f"{detail} ({error.type_name})")


def _element_at(root: etree._Element, path: str) -> etree._Element | None:
    # libxml2 writes /*/*[2]/p:name[3]: a star counts all elements, a name those of that name with
    # that prefix. An XPath engine would need one meaning per prefix, which no document promises.
    found = root
    for step in path.split("/")[2:]:
        parts = _STEP.fullmatch(step)
        if parts is None:
            return None
        name, position = parts[1], int(parts[2] or 1)
        same = [child for child in found if name in ("*", _prefixed(child))]
        same = [child for child in same if isinstance(child.tag, str)]
        if len(same) < position:
            return None
        found = same[position - 1]
    return found if path else None


def _prefixed(element: etree._Element) -> str:
    if not isinstance(element.tag, str):
        return ""
    local = etree.QName(element).localname
    return f"{element.prefix}:{local}" if element.prefix else local


def _known_path(element: etree._Element, names: frozenset[str]) -> str:
    steps = path_of(element).split("/")
    known = (step if not step or step.partition("[")[0] in names else "*" for step in steps)
    return "/".join(known)
