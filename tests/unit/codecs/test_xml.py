"""The one parser for untrusted bytes: what it refuses, whatever else is in the document."""

import pytest

from gateway.codecs.xml import XmlLimits, parse_untrusted, path_of
from gateway.errors import DoctypeForbidden, GatewayError, NotWellFormed, TooLarge


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(b"", NotWellFormed, id="empty"),
        pytest.param(b"  \n", NotWellFormed, id="blank"),
        pytest.param(b"no XML", NotWellFormed, id="text"),
        pytest.param(b"<a><b></a>", NotWellFormed, id="mismatched tags"),
        pytest.param(b"<a>\xe6</a>", NotWellFormed, id="not UTF-8"),
        pytest.param(b"<!DOCTYPE a><a/>", DoctypeForbidden, id="DOCTYPE"),
        pytest.param(
            b"<!doctype a [<!ENTITY x 'y'>]><a>&x;</a>", DoctypeForbidden, id="entity in DOCTYPE"
        ),
        pytest.param(
            b"\xef\xbb\xbf<?xml version='1.0'?>\r\n<!-- <a> --><?b <c>?> <!DOCTYPE a><a/>",
            DoctypeForbidden,
            id="DOCTYPE behind a comment and an instruction",
        ),
        pytest.param(b"<!-- <!DOCTYPE a> <a/>", DoctypeForbidden, id="DOCTYPE, comment not closed"),
        pytest.param(b"<a/><!DOCTYPE a>", NotWellFormed, id="DOCTYPE behind the root"),
        pytest.param(b"<a><!DOCTYPE a></a>", NotWellFormed, id="DOCTYPE in an element"),
        pytest.param(b"<a>&nothing;</a>", NotWellFormed, id="unknown entity"),
        pytest.param(b"<r><b:x/></r>", NotWellFormed, id="unbound prefix"),
        pytest.param(
            b"<r><b:x/><y xmlns='u'/></r>", NotWellFormed, id="unbound prefix before a warning"
        ),
        pytest.param(
            b"<r xmlns:p='urn:1' xmlns:q='urn:1'><x p:a='1' q:a='2'/><y xmlns='u'/></r>",
            NotWellFormed,
            id="doubled attribute before a warning",
        ),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(
    body: bytes, error: type[GatewayError]
) -> None:
    with pytest.raises(error):
        parse_untrusted(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<a><![CDATA[<!DOCTYPE html><p>x</p>]]></a>", id="in a text"),
        pytest.param(b"<a b='x'><!-- <!DOCTYPE html> --></a>", id="in a comment"),
        pytest.param(b"<?xml version='1.0'?>\n<!-- <!DOCTYPE a> -->\n<a/>", id="before the root"),
        pytest.param(b"\xef\xbb\xbf<?b <!DOCTYPE a>?><\xc3\xa5/>", id="in an instruction"),
        pytest.param(b"<a/><!-- <!DOCTYPE a> -->", id="behind the root"),
    ],
)
def test_the_word_doctype_is_no_doctype(body: bytes) -> None:
    assert parse_untrusted(body).getroottree().docinfo.internalDTD is None


@pytest.mark.parametrize(
    ("limits", "body"),
    [
        pytest.param(XmlLimits(max_bytes=10), b"<a>0123456789</a>", id="bytes"),
        pytest.param(XmlLimits(max_depth=2), b"<a><b><c/></b></a>", id="depth"),
        pytest.param(XmlLimits(max_nodes=2), b"<a><b/><b/></a>", id="elements"),
    ],
)
def test_limits_are_kept(limits: XmlLimits, body: bytes) -> None:
    with pytest.raises(TooLarge):
        parse_untrusted(body, limits=limits)


def test_path_names_elements_and_their_places_among_their_like() -> None:
    root = parse_untrusted(b"<a><b/><c/><b><d/></b></a>")

    assert path_of(root) == "/a"
    assert path_of(root[1]) == "/a/c"
    assert path_of(root[2][0]) == "/a/b[2]/d"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param(b"\x0b", True, id="byte"),
        pytest.param(b"&#11;", True, id="reference"),
        pytest.param(b"&#x1F;", True, id="hexadecimal reference"),
        pytest.param(b"&#xFFFF;", False, id="no control character"),
        pytest.param(b"\t\r&#10;&#1;0&#110;<", True, id="beside others"),
        pytest.param(b"\t\r&#10;&#110;<", False, id="tab and line ends are allowed"),
    ],
)
def test_the_fault_has_a_place_and_names_a_control_character(text: bytes, named: bool) -> None:
    with pytest.raises(NotWellFormed) as raised:
        parse_untrusted(b"<a>\nhemmelig" + text + b"</a>")

    (fault,) = raised.value.faults
    assert fault.where.startswith("line 2, column ")
    assert ("control character" in fault.detail) is named
    assert ("kontrolltegn" in fault.detail_nb) is named
    assert "hemmelig" not in repr(fault)
