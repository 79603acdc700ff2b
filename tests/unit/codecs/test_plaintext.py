"""Markup becomes plain text where nothing is lost, and says so where something is (R-35)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.codecs.msghead import as_plain_text, parse_msghead
from gateway.codecs.plaintext import PlainText, plain_text_of
from gateway.domain.message import Markup
from tests.builders_message import XHTML, a_request_document, an_attachment, tree_of

XML_TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
)


def _field(content: str) -> etree._Element:
    return tree_of(
        f'<T xmlns="{XHTML}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xmlns:xs="http://www.w3.org/2001/XMLSchema">{content}</T>'.encode()
    )


def _read(content: str) -> PlainText:
    return plain_text_of(_field(content))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(
            "<div>\n <p>Første\n  linje</p>\n <p>andre</p>\n</div>", "Første linje\nandre", id="p"
        ),
        pytest.param("en<br/>to<br/><br/>tre", "en\nto\n\ntre", id="br"),
        pytest.param("en<br/>\nto", "en\nto", id="line end after br is layout"),
        pytest.param("<h1>A</h1><div>b</div>c", "A\nb\nc", id="headings"),
        pytest.param("<ul><li>a</li><li><b>b</b> c</li></ul>d", "- a\n- b c\nd", id="ul"),
        pytest.param("<ol><li>a</li><li><p>b</p></li></ol>", "1. a\n2. b", id="ol"),
        pytest.param(
            '<ol start="4"><li>a</li><li value="9">b</li></ol>', "4. a\n9. b", id="ol from"
        ),
        pytest.param(
            "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c", id="nested"
        ),
        pytest.param("<ul><li/><li>b</li></ul>", "- \n- b", id="empty li"),
        pytest.param(
            "<table><thead><tr><th>Navn</th><th>Dose</th></tr></thead>"
            "<tbody><tr><td><i>A</i></td><td> 5 mg </td></tr></tbody></table>x",
            "Navn\tDose\nA\t5 mg\nx",
            id="flat table",
        ),
        pytest.param(
            '<table><tr><td colspan="2">a</td><td>b</td></tr></table>', "a\t\tb", id="colspan"
        ),
        pytest.param("<pre>\n a\n\tb</pre><p>c</p>", " a\n\tb\nc", id="pre"),
        pytest.param(
            '<p style="white-space: pre-wrap">a\n  b</p>', "a\n  b", id="kept white space"
        ),
        pytest.param("a <b>b</b> <i>c</i>", "a b c", id="inline"),
        pytest.param("<p>a</p> <b>b</b> <i>c</i>", "a\nb c", id="words stay apart"),
        pytest.param("a &lt;p&gt; &amp; &#8212; <b>&#xE5;</b>", "a <p> & — å", id="entities"),
        pytest.param("10<sup>9</sup>/L, CO<sub>2</sub>", "10⁹/L, CO₂", id="raised figures"),
        pytest.param("<q>ja</q>", '"ja"', id="quotation"),
        pytest.param("<p>a&#160;</p><p>&#160;</p><p>b</p>", "a\u00a0\n\u00a0\nb", id="no-break"),
        pytest.param('<a href="https://x.invalid/">x.invalid</a>', "x.invalid", id="link as text"),
        pytest.param('<a href="tel:+4769000000">+47 69 00 00 00</a>', "+47 69 00 00 00", id="tel"),
        pytest.param('<a name="x">a</a><a href="#x">b</a>', "ab", id="anchors"),
        pytest.param("<html><head><title>t</title></head><body>a</body></html>", "a", id="head"),
        pytest.param("<P>a</P><BR/>b", "a\n\nb", id="capitals"),
        pytest.param("<p>a<br/></p><p><br/></p><p>b</p>", "a\n\nb", id="empty paragraph"),
        pytest.param("<p>a<!-- x -->b</p>", "ab", id="comment"),
        pytest.param("  a\n\tb <b>c</b> \n d  ", "  a\n\tb c \n d  ", id="own text is exact"),
    ],
)
def test_markup_without_loss_is_flattened(content: str, text: str) -> None:
    assert _read(content) == PlainText(text, Markup.FLATTENED)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param('<img alt="sår på legg"/>', "[bilde: sår på legg]", id="img"),
        pytest.param("a<object><p>fallback</p></object>", "a[bilde]", id="object"),
        pytest.param(
            '<a href="https://x.invalid/a">her</a>', "her (https://x.invalid/a)", id="link"
        ),
        pytest.param(
            "<table><tr><td><table><tr><td>a</td></tr></table></td></tr></table>",
            "a",
            id="nested table",
        ),
        pytest.param(
            "<table><tr><td>a<br/>b</td><td>c</td></tr></table>", "a b\tc", id="lines in cell"
        ),
        pytest.param('<table><tr><td rowspan="2">a</td></tr></table>', "a", id="rowspan"),
        pytest.param("<table>x<tr><td>a</td></tr></table>", "x\na", id="text beside cells"),
        pytest.param("<del>ikke</del> gi", "[strøket: ikke] gi", id="struck out"),
        pytest.param("10<sup>ni</sup>", "10^(ni)", id="raised words"),
        pytest.param("a<sup><img/></sup>", "a[bilde]", id="picture raised"),
        pytest.param('<span style="display: none">a</span>', "a", id="hidden"),
        pytest.param(
            '<p>Ikke <span hidden="hidden">gi</span> Marevan</p>',
            "Ikke gi Marevan",
            id="hidden by its attribute",
        ),
        pytest.param('<p>a</p><ul><li hidden="">b</li></ul>', "a\n- b", id="hidden in a list"),
        pytest.param(
            '<table><tr hidden=""><td>a</td></tr><tr><td>b</td></tr></table>',
            "a\nb",
            id="hidden row",
        ),
        pytest.param(
            '<table><tr><td style="display:none">a</td><td>b</td></tr></table>',
            "a\tb",
            id="hidden cell",
        ),
        pytest.param('<p style="background:url(x)">a</p>', "a", id="background"),
        pytest.param("<math>a</math><math>b</math>", "a\nb", id="unknown element"),
        pytest.param("<script>a</script>", "a", id="script"),
        pytest.param('<ol type="a"><li>x</li></ol>', "1. x", id="lettered list"),
        pytest.param('<x xsi:type="y">a</x>', "a", id="foreign"),
    ],
)
def test_markup_that_says_more_than_its_text_is_lossy(content: str, text: str) -> None:
    assert _read(content) == PlainText(text, Markup.LOSSY)


@pytest.mark.parametrize(
    "text",
    [
        "Legemidler:\r\n\tA\t5 mg\n\tB\t10 mg\n\n  innrykk  ",
        "æøå ÆØÅ é e\u0301 a\u030a «sitat» “sitat” 'x' \"y\"",
        "\u00a0\u2028 \U0001f489 \u202e",
        "",
        " \n ",
        "x" * 100_000,
    ],
)
def test_plain_text_survives_exactly(text: str) -> None:
    field = etree.Element("T")
    field.text = text
    parsed = tree_of(etree.tostring(field, encoding="UTF-8"))

    assert plain_text_of(parsed) == PlainText(text, Markup.NONE)


@settings(deadline=None, print_blob=True)
@given(XML_TEXT)
def test_any_text_survives_exactly(text: str) -> None:
    field = etree.Element("T")
    field.text = text
    parsed = tree_of(etree.tostring(field, encoding="UTF-8"))

    assert plain_text_of(parsed) == PlainText(text, Markup.NONE)


@settings(deadline=None, print_blob=True)
@given(st.lists(st.text("abcå", min_size=1), min_size=1))
def test_no_word_is_lost_in_paragraphs(words: list[str]) -> None:
    content = "".join(f"<p><span>{word}</span></p>\n" for word in words)

    assert _read(content) == PlainText("\n".join(words), Markup.FLATTENED)


def test_a_declared_string_type_is_no_markup() -> None:
    root = tree_of(a_request_document(question='<Sporsmal xsi:type="xs:string">a</Sporsmal>'))

    assert parse_msghead(root).markup is Markup.NONE
    assert b'xsi:type="xs:string"' in as_plain_text(root)


def test_the_document_comes_back_with_text_only() -> None:
    question = f'<Sporsmal><p xmlns="{XHTML}">a</p><p xmlns="{XHTML}">b</p></Sporsmal>'
    root = tree_of(a_request_document(question=question, before="<!-- før -->"))
    before = parse_msghead(root)

    document = as_plain_text(root)

    expected = a_request_document(question="<Sporsmal>a\nb</Sporsmal>", before="<!-- før -->")
    assert document.split(b"?>", 1)[1].strip() == expected.split(b"?>", 1)[1].strip()
    assert before.markup is Markup.FLATTENED
    assert parse_msghead(tree_of(document)).text == before.text == "a\nb"


def test_flattening_touches_no_attachment() -> None:
    root = tree_of(a_request_document(after=an_attachment()))

    assert len(parse_msghead(tree_of(as_plain_text(root))).attachments) == 1


def test_the_worst_text_of_all_costs_little() -> None:
    """Deep and wide markup is read in one pass: no time grows with its square."""
    deep = "<table><tr><td>" * 30 + "a" + "</td></tr></table>" * 30
    wide = "<ul>" + "<li>a <b>b</b></li>" * 2_000 + "</ul>"

    assert _read(deep).markup is Markup.LOSSY
    assert _read(wide).text.count("\n") == 1_999
