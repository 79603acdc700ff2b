"""JSON that is no message is refused at its place, and nothing of it is repeated."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.epj_json import MAX_BYTES, document_from_json, parse_epj_json, peek_msg_id
from gateway.errors import GatewayError, MalformedMessage, TooLarge
from tests.builders_epj import (
    BOOK,
    NOW,
    REQUEST_ID,
    SECRET,
    SERVICES,
    answer_json,
    encoded,
    request_json,
)


def patient_with(**changes: Any) -> dict[str, Any]:
    return request_json(patient=request_json()["patient"] | changes)


def author_with(**changes: Any) -> dict[str, Any]:
    return request_json(author=request_json()["author"] | changes)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (request_json(kind=None), "$.kind: must be request or answer"),
        (request_json(kind="note"), "$.kind: must be request or answer"),
        (request_json(kind=["request"]), "$.kind: must be request or answer"),
        (request_json(msg_id=None), "$.msg_id: is missing"),
        (request_json(msg_id="1"), "$.msg_id: has the wrong form"),
        (request_json(msg_id=REQUEST_ID + "\n"), "$.msg_id: has the wrong form"),
        (request_json(from_=None), "$.from: is missing"),
        (request_json(from_=910004), "$.from: must be a text"),
        (request_json(to=None), "$.to: is missing"),
        (request_json(to=""), "$.to: is too short"),
        (request_json(to="9" * 301), "$.to: is too long"),
        (request_json(patient=None), "$.patient: is missing"),
        (request_json(patient=[]), "$.patient: must be an object"),
        (patient_with(family_name=""), "$.patient.family_name: is too short"),
        (patient_with(family_name=" "), "$.patient.family_name: must be one line and not blank"),
        (patient_with(given_name="a\nb"), "$.patient.given_name: must be one line and not blank"),
        (patient_with(date_of_birth="1.1.1950"), "$.patient.date_of_birth: must be a date, as"),
        (patient_with(date_of_birth=0), "$.patient.date_of_birth: must be a date, as"),
        (patient_with(sex="K"), "$.patient.sex: is not one of the values allowed"),
        (patient_with(idents={}), "$.patient.idents: must be a list"),
        (patient_with(idents=[{"type": "FNR"}]), "$.patient.idents[0].id: is missing"),
        (
            patient_with(idents=[{"type": "HPR", "id": "01815012345"}]),
            "$.patient.idents[0].type: is not one of the values allowed",
        ),
        (
            patient_with(idents=[{"type": "FNR", "id": "018150 12345"}]),
            "$.patient.idents[0].id: has the wrong form",
        ),
        (
            patient_with(idents=[{"type": "FNR", "id": "01815012345"}] * 6),
            "$.patient.idents: has too many entries",
        ),
        (request_json(author=None), "$.author: is missing"),
        (author_with(phone=""), "$.author.phone: has the wrong form"),
        (author_with(phone="ring meg"), "$.author.phone: has the wrong form"),
        (author_with(role="lege"), "$.author.role: has the wrong form"),
        (author_with(profession="sykepleier"), "$.author.profession: has the wrong form"),
        (author_with(hpr="12345678901"), "$.author.hpr: has the wrong form"),
        (request_json(text=None), "$.text: is missing"),
        (request_json(text="a\x0bb"), "$.text: holds a control character that XML 1.0 forbids"),
        (request_json(text="a" * 100_001), "$.text: is too long"),
        (request_json(reference="a\nb"), "$.reference: must be one line and not blank"),
        (request_json(priority="A"), "$.priority: is not one of the values allowed"),
        (request_json(sent_at="2026-03-04T10:15:30"), "$.sent_at: must be a time with zone"),
        (request_json(sent_at=1772615730), "$.sent_at: must be a time with zone"),
        (request_json(sent_at="0001-01-01T00:00:00+14:00"), "$.sent_at: lies outside the years"),
        (request_json(facts={"status": "frisk"}), "$.facts.status: is not one of the values"),
        (request_json(facts={"increased_need": 1}), "$.facts.increased_need: must be true or"),
        (request_json(receiver="1"), "$: an unknown field"),
        (patient_with(familyname="x"), "$.patient: an unknown field; perhaps family_name was"),
        (answer_json(reply_to=None), "$.reply_to: is missing"),
        (answer_json(reference="x"), "$: an unknown field; perhaps reference was meant"),
    ],
)
def test_json_of_another_shape_is_refused_at_its_place(data: dict[str, Any], fault: str) -> None:
    with pytest.raises(MalformedMessage) as refusal:
        parse_epj_json(encoded(data))

    assert refusal.value.epj_code == "EPJ_SCHEMA"
    assert refusal.value.faults[0].detail.startswith(fault)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(MalformedMessage) as refusal:
        parse_epj_json(encoded(request_json(msg_id="1", to=None, text=3)))

    assert [fault.where for fault in refusal.value.faults] == ["$.msg_id", "$.to", "$.text"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<MsgHead/>", id="XML"),
        pytest.param(b"\xef\xbb\xbf" + encoded(request_json()), id="byte order mark"),
        pytest.param(json.dumps(request_json()).encode("utf-16"), id="UTF-16"),
        pytest.param('{"text": "\u00e6"}'.encode("latin-1"), id="ISO-8859-1"),
        pytest.param(b'{"kind": NaN}', id="NaN"),
        pytest.param(b'{"kind": -Infinity}', id="Infinity"),
        pytest.param(b'{"kind": "request", "kind": "answer"}', id="name twice"),
        pytest.param(b'{"a": {"kind": 1, "kind": 1}}', id="name twice, deeper"),
        pytest.param(b'{"kind": "request",}', id="trailing comma"),
        pytest.param(b'{"kind": "request"} {}', id="two documents"),
        pytest.param(b"[" * 200_000, id="nested beyond all reason"),
        pytest.param(b"[1, 2]", id="a list"),
        pytest.param(b'"request"', id="a text"),
        pytest.param(b'{"a": ' + b"9" * 5_000 + b"}", id="a number of 5000 digits"),
        pytest.param(
            encoded(request_json(text="TEXT")).replace(b"TEXT", b"\\ud800"), id="half a character"
        ),
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_epj_json(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b" " * (MAX_BYTES + 1), id="bytes"),
        pytest.param(b'{"a": ' + b"[" * 9 + b"]" * 9 + b"}", id="depth"),
    ],
)
def test_what_exceeds_a_limit_is_refused(body: bytes) -> None:
    with pytest.raises(TooLarge):
        parse_epj_json(body)


@pytest.mark.parametrize(
    ("body", "msg_id"),
    [
        (encoded(request_json(to=None)), REQUEST_ID),
        (encoded(request_json(msg_id=SECRET)), None),
        (encoded(request_json(msg_id=[REQUEST_ID])), None),
        (b"[]", None),
        (b"{", None),
        (b" " * (MAX_BYTES + 1), None),
    ],
)
def test_refused_message_is_known_by_its_msg_id_where_it_has_one(
    body: bytes, msg_id: str | None
) -> None:
    assert peek_msg_id(body) == msg_id


def _spoilt(place: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(encoded(request_json(facts={})))
    place(data)
    return data


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(SECRET),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just(SECRET), inner),
    max_leaves=4,
)


@given(
    where=st.sampled_from(["", "patient", "author", "facts"]),
    name=st.sampled_from([*request_json(), "sex", "phone", "status", SECRET]),
    value=JSON_VALUES,
)
def test_no_refusal_repeats_anything_of_the_message(where: str, name: str, value: Any) -> None:
    def put(data: dict[str, Any]) -> None:
        (data[where] if where else data)[name] = value

    refusal: GatewayError | None = None
    try:
        document_from_json(
            encoded(_spoilt(put)),
            book=BOOK,
            services=SERVICES,
            now=NOW,
            questions_of=lambda _: (),
        )
    except GatewayError as error:
        refusal = error
    if refusal is not None:
        told = f"{refusal} {refusal.detail} {refusal.where} {refusal.faults}"
        assert "Navnesen" not in told
        assert refusal.__suppress_context__ or refusal.__context__ is None


@given(body=st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises((MalformedMessage, TooLarge)):
        parse_epj_json(body)
    peek_msg_id(body)
