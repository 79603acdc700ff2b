"""Every carrier of an attachment is seen, and the document without them is otherwise the same."""

from base64 import b64encode

import pytest

from gateway.codecs.document import read_document, text_only
from gateway.codecs.msghead import parse_msghead, render_answer, without_attachments
from gateway.domain.findings import Direction, Screening, Verdict
from gateway.domain.message import Attachment, Carrier, Markup
from gateway.domain.rules.attachments import RULES
from gateway.domain.rules.model import Hit
from gateway.errors import MalformedMessage
from tests.builders_message import XHTML, a_request_document, an_answer, an_attachment, tree_of

B64 = 'xmlns="http://www.kith.no/xmlstds/base64container"'
EIGHT_BYTES = b64encode(b"12345678").decode()
PICTURE = f'<p xmlns="{XHTML}">Se <img src="data:image/png;base64,{EIGHT_BYTES}"/> her</p>'
(ATTACHMENTS,) = (rule for rule in RULES if rule.id == "R-36")
SECOND = "/MsgHead/Document[2]/RefDoc"
FIRST = "/MsgHead/Document[1]/RefDoc"
QUESTION = f"{FIRST}/Content/Dialogmelding/Foresporsel[1]/Sporsmal"


def _further(refdoc: str) -> str:
    return f"<Document><RefDoc>{refdoc}</RefDoc></Document>"


CARRIERS = [
    pytest.param(
        {"after": an_attachment(content=EIGHT_BYTES)},
        (Carrier.BASE64, "application/pdf", 8, SECOND),
        id="Base64Container",
    ),
    pytest.param(
        {"after": an_attachment(content=f"\n {EIGHT_BYTES[:5]}\n{EIGHT_BYTES[5:]}<!-- -->\n")},
        (Carrier.BASE64, "application/pdf", 8, SECOND),
        id="Base64Container in lines",
    ),
    pytest.param(
        {"after": an_attachment(mime="Ola Nordmann.pdf")},
        (Carrier.BASE64, "application/octet-stream", 9, SECOND),
        id="MimeType that is none",
    ),
    pytest.param(
        {"after": _further('<MsgType V="A"/><FileReference>cid:x</FileReference>')},
        (Carrier.FILE_REFERENCE, "application/octet-stream", 0, SECOND),
        id="FileReference",
    ),
    pytest.param(
        {"after": _further('<MsgType V="XML"/><Compression V="GZ"/>')},
        (Carrier.COMPRESSION, "application/octet-stream", 0, SECOND),
        id="Compression",
    ),
    pytest.param(
        {"after": _further('<MsgType V="REF"/>')},
        (Carrier.MESSAGE_TYPE, "application/octet-stream", 0, SECOND),
        id="MsgType REF",
    ),
    pytest.param(
        {
            "after": _further(
                '<MsgType V="XML"/><MimeType>text/xml</MimeType><Content><x/></Content>'
            )
        },
        (Carrier.DOCUMENT, "text/xml", None, SECOND),
        id="second Document with XML",
    ),
    pytest.param(
        {"after": "<Document/>"},
        (Carrier.DOCUMENT, "application/octet-stream", 0, "/MsgHead/Document[2]"),
        id="empty second Document",
    ),
    pytest.param(
        {"beside": f"<Base64Container {B64}>{EIGHT_BYTES}</Base64Container>"},
        (Carrier.BASE64, "application/octet-stream", 8, FIRST),
        id="Base64Container beside the Dialogmelding",
    ),
    pytest.param(
        {"beside": '<x xmlns="urn:x">abc</x>'},
        (Carrier.DOCUMENT, "application/octet-stream", None, FIRST),
        id="foreign XML beside the Dialogmelding",
    ),
    pytest.param(
        {"refdoc": '<MsgType V="XML"/><Compression V="Z"/>'},
        (Carrier.COMPRESSION, "application/octet-stream", 0, FIRST),
        id="Compression in the first Document",
    ),
    pytest.param(
        {"refdoc": '<MsgType V="XML"/><FileReference>http://x.invalid</FileReference>'},
        (Carrier.FILE_REFERENCE, "application/octet-stream", 0, FIRST),
        id="FileReference in the first Document",
    ),
    pytest.param(
        {"question": f"<Sporsmal>{PICTURE}</Sporsmal>"},
        (Carrier.PICTURE, "image/png", 8, f"{QUESTION}/img[1]"),
        id="picture in the text",
    ),
    pytest.param(
        {
            "question": f"<Sporsmal>a<Base64Container {B64}>{EIGHT_BYTES}"
            "</Base64Container></Sporsmal>"
        },
        (Carrier.BASE64, "application/octet-stream", 8, f"{QUESTION}/Base64Container[1]"),
        id="Base64Container in the text",
    ),
]


@pytest.mark.parametrize(("parts", "expected"), CARRIERS)
def test_every_carrier_is_seen_once(
    parts: dict[str, str], expected: tuple[Carrier, str, int | None, str]
) -> None:
    carrier, mime, size, where = expected

    (found,) = parse_msghead(tree_of(a_request_document(**parts))).attachments

    assert (found.carrier, found.mime, found.where) == (carrier, mime, where)
    assert found.bytes > 0 if size is None else found.bytes == size


@pytest.mark.parametrize("written", ["<Compression/>", '<Compression V="" DN=""/>'])
def test_an_empty_compression_carries_nothing(written: str) -> None:
    document = a_request_document(refdoc=f'<MsgType V="XML"/>{written}')

    assert read_document(document).message.attachments == ()


@pytest.mark.parametrize(("parts", "expected"), CARRIERS)
def test_nothing_but_text_is_left_without_attachments(
    parts: dict[str, str], expected: tuple[Carrier, str, int | None, str]
) -> None:
    root = tree_of(a_request_document(**parts))

    stripped = parse_msghead(tree_of(without_attachments(root)))

    assert stripped.attachments == ()
    assert stripped.markup is not Markup.LOSSY
    assert stripped.text.strip()
    assert parse_msghead(root).attachments, "the document given is left as it was"


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"refdoc": '<MsgType V="A"/>'}, id="A"),
        pytest.param({"refdoc": '<MsgType V=" ref "/>'}, id="REF"),
    ],
)
def test_a_first_document_that_is_an_attachment_leaves_no_text(parts: dict[str, str]) -> None:
    root = tree_of(a_request_document(**parts))
    assert [a.carrier for a in parse_msghead(root).attachments] == [Carrier.MESSAGE_TYPE]

    stripped = parse_msghead(tree_of(without_attachments(root)))

    assert (stripped.text, stripped.attachments, stripped.dialog_version) == ("", (), None)


@pytest.mark.parametrize(
    ("parts", "left"),
    [
        pytest.param({"refdoc": '<MsgType V="A"/>'}, "", id="the Document is the attachment"),
        pytest.param(
            {"refdoc": '<MsgType V="REF"/><FileReference>cid:x</FileReference>'},
            "",
            id="the same, with a file beside",
        ),
        pytest.param({"question": f"<Sporsmal>{PICTURE}</Sporsmal>"}, "Se  her", id="picture"),
        pytest.param(
            {"question": f"<Sporsmal>{PICTURE.replace('Se ', '').replace(' her', '')}</Sporsmal>"},
            "",
            id="picture alone",
        ),
        pytest.param(
            {
                "question": "<Sporsmal><style>p {}</style><!-- a -->"
                '<img src="x.png">b</img> <svg><text>c</text></svg></Sporsmal>'
            },
            " ",
            id="pictures with words inside",
        ),
        pytest.param(
            {"question": f'<Sporsmal xsi:type="xs:base64Binary">{EIGHT_BYTES}</Sporsmal>'},
            "",
            id="text that is bytes",
        ),
        pytest.param({"after": an_attachment()}, None, id="second Document"),
        pytest.param({}, None, id="no attachment"),
    ],
)
def test_what_is_left_of_the_text_is_known_before_anything_is_removed(
    parts: dict[str, str], left: str | None
) -> None:
    assert parse_msghead(tree_of(a_request_document(**parts))).text_left == left


def test_a_picture_in_the_repeated_question_takes_no_text_along() -> None:
    answer = an_answer("Ja, kl. 10.")
    document = render_answer(answer).replace(b"<Sporsmal>", b'<Sporsmal><img src="x.png"/>', 1)

    message = parse_msghead(tree_of(document))

    assert [a.carrier for a in message.attachments] == [Carrier.PICTURE]
    assert message.text_left == "Ja, kl. 10."


def test_a_document_that_stripping_would_make_invalid_is_refused() -> None:
    body = a_request_document(refdoc='<MsgType V="A"/>')
    finding = ATTACHMENTS.finding(Direction.OUTGOING, Hit(nb="fjernet", en="removed"))
    screening = Screening(verdict=Verdict.STRIP, findings=(finding,))

    with pytest.raises(MalformedMessage):
        text_only(body, read_document(body), screening)


def test_a_first_document_without_dialogmelding_leaves_no_text() -> None:
    document = a_request_document(
        beside=f"<Base64Container {B64}>{EIGHT_BYTES}</Base64Container>"
    ).decode()
    start, end = document.index("<Dialogmelding"), document.index("</Dialogmelding>")
    only_container = document[:start] + document[end + len("</Dialogmelding>") :]
    root = tree_of(only_container.encode())
    message = parse_msghead(root)
    assert [a.carrier for a in message.attachments] == [Carrier.BASE64]
    assert message.content_namespace == "http://www.kith.no/xmlstds/base64container"

    assert parse_msghead(tree_of(without_attachments(root))).attachments == ()


def test_text_declared_to_be_encoded_bytes_is_an_attachment() -> None:
    question = f'<Sporsmal xsi:type="xs:base64Binary">{EIGHT_BYTES}</Sporsmal>'
    root = tree_of(a_request_document(question=question))
    message = parse_msghead(root)

    assert message.attachments == (
        Attachment(
            carrier=Carrier.BASE64, mime="application/octet-stream", bytes=8, where=QUESTION
        ),
    )
    assert message.markup is Markup.LOSSY
    assert parse_msghead(tree_of(without_attachments(root))).text == ""


def test_three_attachments_are_three_entries_in_order() -> None:
    after = "".join(an_attachment(mime=f"image/{kind}") for kind in ("png", "jpeg", "gif"))

    message = parse_msghead(tree_of(a_request_document(after=after)))

    assert [a.mime for a in message.attachments] == ["image/png", "image/jpeg", "image/gif"]
    assert [a.where for a in message.attachments] == [
        f"/MsgHead/Document[{number}]/RefDoc" for number in (2, 3, 4)
    ]


def test_the_list_is_bounded_but_the_removal_is_not() -> None:
    pictures = f'<Sporsmal><p xmlns="{XHTML}">a{"<img/>" * 250}</p></Sporsmal>'
    root = tree_of(a_request_document(question=pictures, after=an_attachment() * 150))

    assert len(parse_msghead(root).attachments) == 100
    assert parse_msghead(tree_of(without_attachments(root))).attachments == ()


def test_a_document_without_attachments_stays_as_it_was() -> None:
    document = a_request_document(
        before="<!-- før -->",
        info="\n    <!-- kommentar --><?pi x?>",
        question="<Sporsmal>  a&#13;\n\tb &amp; &lt;c&gt; é </Sporsmal>",
        after="\n<!-- etter -->",
    )

    stripped = without_attachments(tree_of(document))

    assert stripped.split(b"?>", 1)[1].strip() == document.split(b"?>", 1)[1].strip()
    assert b"UTF-8" in stripped.split(b"?>", 1)[0]


def test_all_else_stays_in_place_when_attachments_go() -> None:
    first = an_attachment()
    document = a_request_document(
        before="<!-- før -->",
        after=f"\n  <!-- a -->{first}\n<!-- b --> {an_attachment()} <!-- c -->",
    )

    stripped = without_attachments(tree_of(document))

    expected = document.replace(first.encode(), b"")
    assert stripped.split(b"?>", 1)[1].strip() == expected.split(b"?>", 1)[1].strip()


def test_latin_1_becomes_utf_8_and_says_so() -> None:
    document = a_request_document(question="<Sporsmal>blåbær</Sporsmal>")
    recoded = document.decode().replace("UTF-8", "ISO-8859-1", 1).encode("iso-8859-1")

    stripped = without_attachments(tree_of(recoded))

    assert b"UTF-8" in stripped[:60]
    assert "blåbær".encode() in stripped


def test_a_message_inside_another_document_is_taken_out_alone() -> None:
    inner = a_request_document(after=an_attachment()).split(b"?>", 1)[1]
    root = tree_of(b"<wrapper>" + inner + b"</wrapper>")

    stripped = tree_of(without_attachments(root[0]))

    assert parse_msghead(stripped).attachments == ()


def test_the_text_between_a_great_many_pictures_stays() -> None:
    """One pass over the siblings: removing one by one would cost the square of their number."""
    text = "".join(f"<img/>{number} " for number in range(5_000))
    root = tree_of(a_request_document(question=f"<Sporsmal>{text}</Sporsmal>"))

    stripped = parse_msghead(tree_of(without_attachments(root)))

    assert stripped.text == "".join(f"{number} " for number in range(5_000))
    assert stripped.markup is Markup.NONE
