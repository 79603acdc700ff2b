"""Envelopes that are refused, each with its ebXML error."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.codecs.ebxml import (
    is_soap_fault,
    parse_envelope,
    peek_header,
    references_of,
)
from gateway.codecs.xml import SOAP, parse_untrusted
from gateway.domain.envelope import (
    SIGNAL_SERVICE,
)
from gateway.errors import (
    GatewayError,
    InconsistentEnvelope,
    MalformedMessage,
    MissingPart,
    NotEbxml,
    UnsupportedFeature,
)
from tests.builders_ebxml import (
    AT,
    a_payload,
    an_acknowledgment,
    an_error,
    block,
    body,
    drop,
    swap,
    twice,
    words,
)


@pytest.mark.parametrize(
    "root",
    [
        pytest.param(parse_untrusted(b"<Envelope/>"), id="no SOAP"),
        pytest.param(a_payload(swap(SOAP, "http://www.w3.org/2003/05/soap-envelope")), id="1.2"),
        pytest.param(a_payload(swap("msg-header-2_0", "msg-header-3_0")), id="other ebXML"),
        pytest.param(a_payload(drop("MessageHeader")), id="no MessageHeader"),
        pytest.param(a_payload(twice("MessageHeader")), id="two MessageHeaders"),
        pytest.param(a_payload(twice("Header")), id="two Headers"),
        pytest.param(
            a_payload(
                lambda t: t.replace("<SOAP:Header>", "<SOAP:Header><x>").replace(
                    "</SOAP:Header>", "</x></SOAP:Header>"
                )
            ),
            id="wrapped MessageHeader",
        ),
        pytest.param(a_payload(drop("From")), id="no From"),
        pytest.param(a_payload(drop("To")), id="no To"),
        pytest.param(a_payload(twice("From")), id="two From"),
        pytest.param(a_payload(swap('"HER"', '"ENH"')), id="no HER-id"),
        pytest.param(a_payload(swap(' eb:type="HER"', "")), id="PartyId without type"),
        pytest.param(a_payload(swap(">910001<", ">91x<")), id="HER-id not a number"),
        pytest.param(a_payload(swap(">910001<", ">９１<")), id="HER-id in other digits"),
        pytest.param(a_payload(swap(">910001<", "><eb:x>910001</eb:x><")), id="HER-id nested"),
        pytest.param(
            a_payload(swap("<eb:PartyId ", '<eb:PartyId eb:type="HER">1</eb:PartyId><eb:PartyId ')),
            id="two HER-ids",
        ),
        pytest.param(a_payload(drop("MessageId")), id="no MessageId"),
        pytest.param(a_payload(swap(">m-1<", "> <")), id="empty MessageId"),
        pytest.param(a_payload(twice("MessageId")), id="two MessageIds"),
        pytest.param(a_payload(swap(">m-1<", f">{'m' * 256}<")), id="long MessageId"),
        pytest.param(a_payload(drop("MessageData")), id="no MessageData"),
        pytest.param(a_payload(twice("MessageData")), id="two MessageData"),
    ],
)
def test_envelope_that_nobody_can_be_told_about_is_not_ebxml(root: etree._Element) -> None:
    with pytest.raises(NotEbxml):
        parse_envelope(root)
    with pytest.raises(NotEbxml):
        peek_header(root)


@pytest.mark.parametrize(
    ("error", "root"),
    [
        pytest.param(
            UnsupportedFeature,
            a_payload(block('<x xmlns="u:x" SOAP:mustUnderstand="1"/>')),
            id="unknown block",
        ),
        pytest.param(
            UnsupportedFeature,
            a_payload(block('<eb:Via SOAP:mustUnderstand="true"/>')),
            id="unknown ebXML block",
        ),
        pytest.param(
            UnsupportedFeature, a_payload(swap("toPartyMSH", "nextMSH")), id="receipt of next hop"
        ),
        pytest.param(
            UnsupportedFeature,
            an_acknowledgment(swap("toPartyMSH", "nextMSH")),
            id="acknowledgment of next hop",
        ),
        pytest.param(
            UnsupportedFeature,
            a_payload(
                lambda t: t.replace("S-DIALOG_NOTAT", SIGNAL_SERVICE).replace(
                    ">DIALOG_NOTAT<", ">Ping<"
                )
            ),
            id="Ping",
        ),
        pytest.param(
            UnsupportedFeature, a_payload(body("<eb:StatusRequest/>")), id="status request"
        ),
        pytest.param(
            InconsistentEnvelope, a_payload(swap('version="2.0"', 'version="1.0"')), id="version"
        ),
        pytest.param(
            InconsistentEnvelope,
            a_payload(swap('Manifest eb:version="2.0"', 'Manifest eb:version="3.0"')),
            id="version of Manifest",
        ),
        pytest.param(
            InconsistentEnvelope,
            a_payload(swap('eb:signed="true"', 'eb:signed="false"')),
            id="unsigned receipt",
        ),
        pytest.param(InconsistentEnvelope, a_payload(twice("Body")), id="two Body"),
        pytest.param(InconsistentEnvelope, a_payload(twice("Manifest")), id="two Manifests"),
        pytest.param(InconsistentEnvelope, a_payload(twice("AckRequested")), id="two requests"),
        pytest.param(
            InconsistentEnvelope, an_acknowledgment(twice("Acknowledgment")), id="two receipts"
        ),
        pytest.param(InconsistentEnvelope, an_error(twice("ErrorList")), id="two error lists"),
        pytest.param(
            InconsistentEnvelope,
            an_acknowledgment(body('<eb:Manifest eb:version="2.0"><eb:Reference/></eb:Manifest>')),
            id="acknowledgment with payload",
        ),
        pytest.param(
            InconsistentEnvelope,
            an_error(body('<eb:Manifest eb:version="2.0"><eb:Reference/></eb:Manifest>')),
            id="error with payload",
        ),
        pytest.param(
            InconsistentEnvelope,
            an_acknowledgment(block('<eb:ErrorList eb:version="2.0"/>')),
            id="acknowledgment with error",
        ),
        pytest.param(
            InconsistentEnvelope,
            a_payload(
                lambda t: t.replace("S-DIALOG_NOTAT", SIGNAL_SERVICE).replace(
                    ">DIALOG_NOTAT<", ">Acknowledgment<"
                )
            ),
            id="payload that calls itself a signal",
        ),
        pytest.param(
            InconsistentEnvelope,
            an_acknowledgment(
                swap(
                    "30Z</eb:Timestamp>",
                    "30Z</eb:Timestamp><eb:RefToMessageId>m-2</eb:RefToMessageId>",
                )
            ),
            id="acknowledgment of two messages",
        ),
        pytest.param(
            InconsistentEnvelope,
            an_error(swap('eb:severity="Error"', 'eb:severity="Warning"')),
            id="error list without the severity it states",
        ),
        pytest.param(InconsistentEnvelope, a_payload(twice("Reference")), id="part named twice"),
        pytest.param(
            MissingPart, a_payload(swap("cid:p1", "http://x.example/p1")), id="foreign reference"
        ),
        pytest.param(MissingPart, a_payload(swap("cid:p1", "cid:")), id="empty reference"),
        pytest.param(MalformedMessage, a_payload(swap('xlink:href="cid:p1"', "")), id="no href"),
        pytest.param(MalformedMessage, a_payload(drop("CPAId")), id="no CPAId"),
        pytest.param(MalformedMessage, a_payload(swap(">910001_920002<", "> <")), id="blank CPAId"),
        pytest.param(MalformedMessage, a_payload(twice("CPAId")), id="two CPAIds"),
        pytest.param(
            MalformedMessage, a_payload(swap(">c-1<", f">{'c' * 256}<")), id="long ConversationId"
        ),
        pytest.param(MalformedMessage, a_payload(drop("ConversationId")), id="no ConversationId"),
        pytest.param(MalformedMessage, a_payload(drop("Service")), id="no Service"),
        pytest.param(MalformedMessage, a_payload(drop("Action")), id="no Action"),
        pytest.param(MalformedMessage, a_payload(drop("Timestamp")), id="no Timestamp"),
        pytest.param(MalformedMessage, a_payload(swap("30Z<", "30x<")), id="bad Timestamp"),
        pytest.param(
            MalformedMessage,
            a_payload(
                swap("</eb:MessageData>", "<eb:TimeToLive>x</eb:TimeToLive></eb:MessageData>")
            ),
            id="bad TimeToLive",
        ),
        pytest.param(MalformedMessage, a_payload(twice("Role")), id="two roles"),
        pytest.param(
            MalformedMessage, a_payload(swap("NOTATsender", "x" * 256)), id="role too long"
        ),
        pytest.param(
            MalformedMessage,
            a_payload(lambda t: t.split("<SOAP:Body>")[0] + "</SOAP:Envelope>"),
            id="no Body",
        ),
        pytest.param(
            MalformedMessage, an_acknowledgment(drop("Acknowledgment")), id="signal without block"
        ),
        pytest.param(
            MalformedMessage, an_acknowledgment(drop("RefToMessageId")), id="receipt for nothing"
        ),
        pytest.param(MalformedMessage, an_error(drop("Error")), id="no error"),
    ],
)
def test_envelope_against_the_profile_is_refused_and_its_sender_known(
    error: type[GatewayError], root: etree._Element
) -> None:
    with pytest.raises(error) as caught:
        parse_envelope(root)

    assert type(caught.value) is error
    assert caught.value.ebms_error is not None
    assert {peek_header(root).sender, peek_header(root).receiver} == {"910001", "920002"}


@pytest.mark.parametrize(
    ("make", "is_signal"),
    [
        (a_payload, False),
        (an_acknowledgment, True),
        (an_error, True),
        (lambda: an_acknowledgment(swap(SIGNAL_SERVICE, "S-X")), True),
        (lambda: a_payload(swap("S-DIALOG_NOTAT", SIGNAL_SERVICE)), True),
        (lambda: a_payload(block('<eb:Acknowledgment eb:version="2.0"/>')), False),
    ],
)
def test_peek_knows_what_is_never_answered(
    make: Callable[[], etree._Element], is_signal: bool
) -> None:
    assert peek_header(make()).is_signal is is_signal


def test_peek_reads_what_an_answer_needs_and_misses_nothing_else() -> None:
    header = peek_header(a_payload())
    bare = peek_header(
        a_payload(
            lambda t: drop("CPAId")(drop("ConversationId")(drop("Timestamp")(drop("Action")(t))))
        )
    )

    assert (header.message_id, header.cpa_id, header.conversation_id) == (
        "m-1",
        "910001_920002",
        "c-1",
    )
    assert (header.service, header.action, header.timestamp) == (
        "S-DIALOG_NOTAT",
        "DIALOG_NOTAT",
        AT,
    )
    assert (bare.cpa_id, bare.conversation_id, bare.action, bare.timestamp) == (None,) * 4
    assert bare.message_id == "m-1"


def test_soap_fault_is_recognised() -> None:
    fault = f'<S:Envelope xmlns:S="{SOAP}"><S:Body><S:Fault/></S:Body></S:Envelope>'

    assert is_soap_fault(parse_untrusted(fault.encode()))
    assert not is_soap_fault(a_payload())
    with pytest.raises(NotEbxml):
        parse_envelope(parse_untrusted(fault.encode()))


def test_error_text_holds_no_content() -> None:
    for edit in (swap(">910001<", ">hemmelig<"), swap("30Z<", "hemmelig<")):
        with pytest.raises(GatewayError) as caught:
            parse_envelope(a_payload(edit))
        assert "hemmelig" not in str(caught.value) + str(caught.value.where)


@given(
    data=st.data(),
    make=st.sampled_from([a_payload, an_acknowledgment, an_error]),
)
@settings(max_examples=200, deadline=None, print_blob=True)
def test_mutilated_envelope_is_read_or_refused_but_never_crashes(
    data: st.DataObject, make: Callable[[], etree._Element]
) -> None:
    root = make()
    for _ in range(data.draw(st.integers(1, 4))):
        elements = list(root.iter("*"))
        victim = elements[data.draw(st.integers(0, len(elements) - 1))]
        other = elements[data.draw(st.integers(0, len(elements) - 1))]
        match data.draw(st.sampled_from(["text", "remove", "copy", "attributes", "rename"])):
            case "text":
                victim.text = data.draw(words)
            case "remove" if victim is not root:
                parent = victim.getparent()
                assert parent is not None
                parent.remove(victim)
            case "copy":
                other.append(parse_untrusted(etree.tostring(victim)))
            case "attributes":
                for name in victim.attrib:
                    victim.set(name, data.draw(words))
            case "rename":
                victim.tag = other.tag
    try:
        peek_header(root)
        references_of(root)
        parse_envelope(root)
    except GatewayError as error:
        assert error.ebms_error is not None or isinstance(error, NotEbxml)  # noqa: PT017
