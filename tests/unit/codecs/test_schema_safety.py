"""The schema check repeats nothing, costs little, and takes schemas from one folder alone."""

import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from gateway.codecs.schema import ENTRY_POINTS, MAX_FAULTS, SchemaSet, check_document
from gateway.codecs.xml import parse_untrusted
from gateway.errors import ConfigurationError, MalformedMessage, TooLarge
from tests.builders_schema import (
    ENVELOPE,
    MSGHEAD,
    QUESTION,
    RECEIPT,
    VALID,
    damaged,
    refusal,
    told,
)
from tests.interop.full_documents import RECEIPTS
from tests.mutations import mutate

# --- content stays in the message ---------------------------------------------------------------

SECRET = "Q7zSecret"


def with_secrets(root: etree._Element, chance: random.Random) -> etree._Element:
    """Put a marker into values, attribute names and element names, some of them very long."""
    for element in list(root.iter("*")):
        if chance.random() < 0.3:
            long = chance.choice((1, 1, 1, 200))
            element.text = f"{SECRET} type '{SECRET}'. Expected is ( {SECRET} )." * long
        if chance.random() < 0.2:
            name = chance.choice([*map(str, element.attrib), SECRET])
            element.set(name, f"'{SECRET}' is required but missing. type 'xs:{SECRET}'.")
        if chance.random() < 0.05 and element is not root:
            element.tag = chance.choice((f"{{urn:{SECRET}}}{SECRET}", f"{{{MSGHEAD}}}{SECRET}"))
    return root


@pytest.mark.parametrize(("document", "check"), VALID)
def test_no_refusal_repeats_anything_the_sender_chose(
    document: bytes, check: Callable[[etree._Element], object]
) -> None:
    refused = 0
    for index in range(12):
        root = mutate("secrets", document, seed=1, index=index).root
        root = with_secrets(root, random.Random(index))
        try:
            check(root)
        except MalformedMessage as error:
            refused += 1
            text = told(error)
            assert SECRET not in text, f"repeat with index {index}"
            assert "urn:" not in text
    assert refused


def test_a_value_at_fault_is_not_repeated() -> None:
    text = told(refusal(damaged(QUESTION, "1980-02-03", "03028000999"), check_document))

    assert "03028000999" not in text
    assert "xs:date" in text


def test_a_value_longer_than_the_message_buffer_is_not_repeated() -> None:
    """libxml2 cuts its text at 64 kB; what then stands last is the sender's."""
    long = "x" * 63_000 + "type 'xs:Olsen'." * 2_000

    text = told(refusal(damaged(QUESTION, "1980-02-03", long), check_document))

    assert "Olsen" not in text
    assert len(text) < 1_000


# --- cost ---------------------------------------------------------------------------------------


def test_at_most_twenty_faults_are_told() -> None:
    bad = "<Ident><Id>1</Id><TypeId S='x'/></Ident>"
    document = damaged(QUESTION, "</Patient>", bad * 50 + "</Patient>")

    assert len(refusal(document, check_document).faults) == MAX_FAULTS


@pytest.mark.parametrize(
    "patient",
    [
        pytest.param("<Ident><Id/><TypeId/></Ident>" * 20_000, id="many nodes"),
        pytest.param("<Ident/>" * 23_000, id="many siblings"),
        pytest.param("<Sex " + " ".join(f"a{n}=''" for n in range(50_001)) + "/>", id="attributes"),
    ],
)
def test_a_document_too_costly_to_explain_is_refused_unchecked(patient: str) -> None:
    document = damaged(QUESTION, "</Patient>", patient + "</Patient>")
    root = parse_untrusted(document.encode())

    with pytest.raises(TooLarge):
        check_document(root)


def test_a_long_answer_in_xhtml_passes() -> None:
    row = "<tr><td>Dato</td><td>Mengde</td><td>Merknad</td></tr>"
    note = (
        '<Notat><TemaKodet V="5"/><TekstNotatInnhold><table xmlns="http://www.w3.org/1999/xhtml">'
        f"{row * 1_000}</table></TekstNotatInnhold></Notat>"
    )
    start, end = QUESTION.index("<Foresporsel>"), QUESTION.index("</Dialogmelding>")

    check_document(parse_untrusted((QUESTION[:start] + note + QUESTION[end:]).encode()))


def test_threads_do_not_see_each_others_faults() -> None:
    date = parse_untrusted(damaged(QUESTION, "1980-02-03", "x").encode())
    code = parse_untrusted(damaged(QUESTION, 'S="2.16.578.1.12.4.1.1.9051"', 'S="x"').encode())
    seen: dict[str, set[str]] = {"date": set(), "code": set()}

    def run(name: str, root: etree._Element) -> None:
        for _ in range(100):
            with pytest.raises(MalformedMessage) as caught:
                check_document(root)
            seen[name].update(fault.where for fault in caught.value.faults)

    threads = [
        threading.Thread(target=run, args=pair) for pair in (("date", date), ("code", code)) * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [len(seen["date"]), len(seen["code"])] == [1, 1]
    assert seen["date"] != seen["code"]


# --- where schemas come from --------------------------------------------------------------------


def test_a_schema_location_in_the_document_is_not_followed() -> None:
    hint = (
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="urn:x file:///nowhere/x.xsd" xsi:noNamespaceSchemaLocation="y.xsd" '
    )
    check_document(parse_untrusted(damaged(QUESTION, "xmlns=", hint + "xmlns=").encode()))


def schemas_in(folder: Path, **changed: str) -> SchemaSet:
    own = Path(__file__).parents[3] / "schemas"
    for file in own.glob("*.xsd"):
        (folder / file.name).write_bytes(file.read_bytes())
    for name, text in changed.items():
        (folder / f"{name}.xsd").write_text(text)
    return SchemaSet(folder)


def test_another_folder_may_be_configured(tmp_path: Path) -> None:
    schemas = schemas_in(tmp_path)

    schemas.load()

    schemas.check_document(parse_untrusted(QUESTION.encode()))
    schemas.check_apprec(parse_untrusted(RECEIPT.encode()))
    schemas.check_envelope(parse_untrusted(ENVELOPE.encode()))


@pytest.mark.parametrize("absent", [*ENTRY_POINTS, "kith.xsd", "dialog-1.1.xsd"])
def test_an_absent_schema_shows_at_start(absent: str, tmp_path: Path) -> None:
    schemas = schemas_in(tmp_path)
    (tmp_path / absent).unlink()

    with pytest.raises(ConfigurationError) as caught:
        schemas.load()

    assert caught.value.faults


@pytest.mark.parametrize(
    "location",
    ["../outside.xsd", "file:///etc/outside.xsd", "https://example.org/a.xsd", "ftp://x/", ""],
)
def test_an_import_from_outside_the_folder_is_refused(location: str, tmp_path: Path) -> None:
    outside = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:o"/>'
    (tmp_path / "outside.xsd").write_text(outside)
    folder = tmp_path / "schemas"
    folder.mkdir()
    entry = (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        f'<xs:import namespace="urn:o" schemaLocation="{location}"/></xs:schema>'
    )

    with pytest.raises(ConfigurationError):
        schemas_in(folder, document=entry).load()


def test_an_import_by_web_address_is_served_from_the_folder(tmp_path: Path) -> None:
    entry = (Path(__file__).parents[3] / "schemas" / "apprec-1.1.xsd").read_text()
    entry = entry.replace('"kith.xsd"', '"http://www.kith.no/xmlstds/kith.xsd"')
    schemas = schemas_in(tmp_path, **{"apprec-1.1": entry})

    schemas.check_apprec(etree.fromstring(RECEIPTS["full receipt 1.1"]))
