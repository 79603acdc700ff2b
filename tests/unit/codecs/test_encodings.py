"""In which encodings documents are read, and that none hides what is forbidden."""

from pathlib import Path

import pytest

from gateway.codecs.encodings import encoding_of
from gateway.codecs.xml import XmlLimits, parse_untrusted
from gateway.errors import DoctypeForbidden, NotWellFormed, TooLarge

UTF_8_MARK, UTF_16_MARK = "\ufeff".encode(), "\ufeff".encode("utf-16-le")


def declaring(label: str, text: str = "<a>æ</a>") -> str:
    return f"<?xml version='1.0' encoding='{label}'?>{text}"


@pytest.mark.parametrize(
    ("label", "codec", "named"),
    [
        *((label, "utf-8", "UTF-8") for label in ("UTF-8", "utf-8", "utf8", "UTF8")),
        *((label, "latin-1", "ISO-8859-1") for label in ("iso-8859-1", "ISO8859-1", "latin1")),
        *((label, "latin-1", "ISO-8859-1") for label in ("ISO8859_1", "ISO_8859-1", "Latin-1")),
        *((label, "iso8859-15", "ISO-8859-15") for label in ("ISO-8859-15", "ISO8859_15")),
        *((label, "cp1252", "windows-1252") for label in ("windows-1252", "Cp1252")),
        *((label, "utf-16-le", "UTF-16LE") for label in ("UTF-16", "utf16", "UTF-16LE")),
        *((label, "utf-16-be", "UTF-16BE") for label in ("UTF-16", "utf-16", "UTF-16BE")),
    ],
)
def test_an_encoding_is_read_by_any_of_its_names(label: str, codec: str, named: str) -> None:
    body = declaring(label).encode(codec)

    assert parse_untrusted(body).text == "æ"
    assert encoding_of(body) == named


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param("<a>æ</a>".encode(), "UTF-8", id="none declared"),
        pytest.param("<?xml version='1.0'?><a>æ</a>".encode(), "UTF-8", id="version only"),
        pytest.param(
            '<?xml version = "1.0"\r\n encoding = "utf8" standalone="yes" ?><a>æ</a>'.encode(),
            "UTF-8",
            id="blanks",
        ),
        pytest.param("<?xml-stylesheet href='x'?><a>æ</a>".encode(), "UTF-8", id="stylesheet"),
        pytest.param(UTF_8_MARK + "<a>æ</a>".encode(), "UTF-8", id="mark"),
        pytest.param(UTF_8_MARK + declaring("utf8").encode(), "UTF-8", id="mark and name"),
        pytest.param("<a>æ</a>".encode("utf-16"), "UTF-16LE", id="UTF-16 mark"),
        pytest.param(declaring("UTF-16").encode("utf-16"), "UTF-16LE", id="UTF-16 mark and name"),
        pytest.param(
            ("\ufeff" + declaring("UTF-16")).encode("utf-16-be"), "UTF-16BE", id="big end first"
        ),
        pytest.param(declaring("us-ascii", "<a>&#230;</a>").encode(), "US-ASCII", id="ASCII"),
    ],
)
def test_the_bytes_say_the_encoding_as_well_as_a_declaration(body: bytes, named: str) -> None:
    assert parse_untrusted(body).text == "æ"
    assert encoding_of(body) == named


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("windows-1252", "cp1252", "€–š"),
        ("ISO-8859-15", "iso8859-15", "€š"),
        ("UTF-16", "utf-16", "😀"),
    ],
)
def test_characters_that_latin_1_lacks_are_read(label: str, codec: str, text: str) -> None:
    assert parse_untrusted(declaring(label, f"<a>{text}</a>").encode(codec)).text == text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(declaring("UTF-16").encode(), id="UTF-16 declared, not written"),
        pytest.param(declaring("UTF-8").encode("utf-16"), id="UTF-16 written, not declared"),
        pytest.param(declaring("UTF-16BE").encode("utf-16"), id="other byte order"),
        pytest.param(declaring("UTF-16BE").encode("utf-16-le"), id="other byte order, no mark"),
        pytest.param("<?xml version='1.0'?><a/>".encode("utf-16-le"), id="UTF-16 by neither"),
        pytest.param("<a/>".encode("utf-16-le"), id="UTF-16 without declaration and mark"),
        pytest.param("<a/>".encode("utf-16-be"), id="UTF-16 with the big end first by neither"),
        pytest.param(UTF_8_MARK + declaring("ISO-8859-1").encode(), id="mark of UTF-8, not name"),
        pytest.param(UTF_8_MARK + declaring("UTF-16").encode(), id="mark of UTF-8, UTF-16"),
        pytest.param(UTF_8_MARK + "<a>æ</a>".encode("latin-1"), id="mark of UTF-8, not written"),
        pytest.param(declaring("utf8").encode("latin-1"), id="UTF-8 declared, not written"),
        pytest.param(declaring("US-ASCII").encode(), id="ASCII declared, not written"),
        pytest.param(declaring("windows-1252", "<a>\x81</a>").encode("latin-1"), id="no character"),
        pytest.param("<a>æ</a>".encode("utf-16")[:-1], id="half a character"),
        pytest.param(UTF_16_MARK + b"<\x00a\x00>\x00\x00\xd8<\x00/\x00a\x00>\x00", id="surrogate"),
    ],
)
def test_a_declaration_that_the_bytes_contradict_is_refused(body: bytes) -> None:
    with pytest.raises(NotWellFormed):
        parse_untrusted(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("<a/>".encode("utf-32"), id="UTF-32"),
        pytest.param(declaring("UTF-32").encode("utf-32"), id="UTF-32 declared"),
        pytest.param(declaring("UTF-32LE").encode("utf-32-le"), id="UTF-32 without mark"),
        pytest.param(declaring("UTF-32BE").encode("utf-32-be"), id="UTF-32 with the big end first"),
        pytest.param(declaring("UTF-7", "+ADw-a/>").encode(), id="UTF-7"),
        pytest.param(b"+/v8-<a/>", id="mark of UTF-7"),
        pytest.param(declaring("IBM037").encode("cp037"), id="EBCDIC"),
        pytest.param(declaring("IBM037").encode(), id="EBCDIC declared, not written"),
        pytest.param(declaring("x-what").encode(), id="unknown"),
        pytest.param(declaring("unicode_escape").encode(), id="a codec of Python only"),
        pytest.param(declaring("UTF-8' encoding='latin1").encode(), id="two names"),
        pytest.param(b"<?xml encoding='UTF-8'?><a/>", id="no version"),
        pytest.param(b"<?xml version='1.0'" + b" " * 1_000 + b"?><a/>", id="long declaration"),
        pytest.param(b"<?xml version='1.0'", id="half a declaration"),
        pytest.param(declaring("").encode(), id="no name"),
    ],
)
def test_other_encodings_and_odd_declarations_are_refused(body: bytes) -> None:
    with pytest.raises(NotWellFormed):
        parse_untrusted(body)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["<!DOCTYPE a><a/>", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'])
def test_utf_16_does_not_hide_a_doctype(codec: str, text: str) -> None:
    with pytest.raises(DoctypeForbidden):
        parse_untrusted(declaring("UTF-16", text).encode(codec))


@pytest.mark.parametrize("label", ["windows-1252", "ISO-8859-15", "UTF-8"])
def test_a_doctype_is_found_whatever_is_declared(label: str) -> None:
    with pytest.raises(DoctypeForbidden):
        parse_untrusted(declaring(label, "<!DOCTYPE a><a/>").encode())


def test_a_file_named_by_an_entity_is_not_read_from_utf_16(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hemmelig")
    text = f'<!DOCTYPE a [<!ENTITY b SYSTEM "{(tmp_path / "secret").as_uri()}">]><a>&b;</a>'

    with pytest.raises(DoctypeForbidden):
        parse_untrusted(text.encode("utf-16"))


@pytest.mark.parametrize(
    ("body", "bytes_allowed"),
    [
        pytest.param(("<a>" + "a" * 50 + "</a>").encode("utf-16"), 100, id="as it came"),
        pytest.param(("<a>" + "\u4e00" * 50 + "</a>").encode("utf-16"), 130, id="in UTF-8"),
    ],
)
def test_the_limit_of_bytes_holds_before_and_after(body: bytes, bytes_allowed: int) -> None:
    with pytest.raises(TooLarge):
        parse_untrusted(body, limits=XmlLimits(max_bytes=bytes_allowed))


def test_a_fault_in_utf_16_has_its_place_and_no_content() -> None:
    with pytest.raises(NotWellFormed) as raised:
        parse_untrusted("<a>\nhemmelig\x0b</a>".encode("utf-16"))

    (fault,) = raised.value.faults
    assert fault.where.startswith("line 2, column ")
    assert "control character" in fault.detail
    assert "hemmelig" not in repr(raised.value.detail) + repr(fault)
