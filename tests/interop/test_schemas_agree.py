"""Our schemas and the official ones give the same verdict, on real messages and on damaged ones.

GATEWAY_MUTATIONS sets how many mutations each kind of document gets (default 300). A failure
prints the key (document name, seed, index) that repeats it with ``tests.mutations.mutate``.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from gateway.codecs.schema import SchemaSet
from gateway.codecs.xml import EB, SOAP
from gateway.errors import MalformedMessage
from tests.interop.full_documents import DOCUMENTS, ENVELOPES, RECEIPTS
from tests.mutations import mutate

COUNT = int(os.environ.get("GATEWAY_MUTATIONS", "300"))
SEED = int(os.environ.get("GATEWAY_MUTATION_SEED", "1"))

# Dates of the mutations, as they may stand among blanks.
_DATE = re.compile(r"-?\d{4}-\d\d?-\d\d?(T\d\d:\d\d:\d\d(\.\d+)?)?(Z|\+\d\d:\d\d)?", re.ASCII)

_DIALOG_1_0 = "samples/sarepta-dialog-v1_0"
_DIALOG_1_1 = "samples/sarepta-dialog-v1_1"


@dataclass(frozen=True)
class Kind:
    """A kind of document: its root, who judges it, and which documents are mutated."""

    official: str  # schema below the reference's xsd folder
    root: str
    check: Callable[[SchemaSet, etree._Element], object]
    samples: tuple[str, ...]  # below the reference folder
    invented: dict[str, bytes]


_MESSAGE = ("driver-msghead.xsd", "MsgHead", SchemaSet.check_document)
_ENVELOPE = ("driver-ebxml.xsd", "Envelope", SchemaSet.check_envelope)
_RECEIPT_1_0 = ("applikasjonskvittering/AppRec-v1-2004-11-21.xsd", "AppRec", SchemaSet.check_apprec)
_RECEIPT_1_1 = ("applikasjonskvittering/AppRec-v1.1.xsd", "AppRec", SchemaSet.check_apprec)


def _only(documents: dict[str, bytes], *words: str) -> dict[str, bytes]:
    return {name: body for name, body in documents.items() if any(word in name for word in words)}


KINDS = {
    "question 1.0": Kind(
        *_MESSAGE,
        (f"{_DIALOG_1_0}/Dialogmelding_foresporsel_PLO_v1-0.xml",),
        _only(DOCUMENTS, "1.0"),
    ),
    "answer 1.0": Kind(
        *_MESSAGE, (f"{_DIALOG_1_0}/Dialogmelding_svar_foresporsel_PLO_v1-0.xml",), {}
    ),
    "fault report 1.0": Kind(*_MESSAGE, (f"{_DIALOG_1_0}/Dialogmelding_avvik_v1-0.xml",), {}),
    "dialogue 1.1": Kind(
        *_MESSAGE,
        (
            f"{_DIALOG_1_1}/Helsefaglig_dialog_angi_profesjon_hos_mottaker.xml",
            f"{_DIALOG_1_1}/Status_paa_henvisning-InnkaltEtterViderehenvisning.xml",
        ),
        _only(DOCUMENTS, "1.1", "report"),
    ),
    "receipt 1.0": Kind(
        *_RECEIPT_1_0,
        ("samples/helsenorge/MetadataTests_Apprec10.xml", "samples/nav/apprecError.xml"),
        _only(RECEIPTS, "1.0"),
    ),
    "receipt 1.1": Kind(
        *_RECEIPT_1_1, ("samples/helsenorge/MetadataTests_Apprec11.xml",), _only(RECEIPTS, "1.1")
    ),
    "payload envelope": Kind(
        *_ENVELOPE,
        ("ebxml/worked-example/01-payload-message.soap.xml",),
        _only(ENVELOPES, "payload"),
    ),
    "acknowledgment": Kind(
        *_ENVELOPE,
        ("ebxml/worked-example/02-acknowledgment.soap.xml",),
        _only(ENVELOPES, "acknowledgment"),
    ),
    "error list": Kind(
        *_ENVELOPE, ("ebxml/worked-example/03-messageerror.soap.xml",), _only(ENVELOPES, "error")
    ),
}


class _Catalog(etree.Resolver):
    """Web addresses to the files of the catalogue; nothing from a network."""

    def __init__(self, folder: Path) -> None:
        entries = etree.parse(folder / "catalog.xml").getroot().iterfind("{*}uri")
        self._files = {entry.get("name"): folder / str(entry.get("uri")) for entry in entries}

    def resolve(self, system_url, public_id, context, /):  # type: ignore[no-untyped-def]
        file = self._files.get(system_url)
        return self.resolve_filename(str(file), context) if file else None


@pytest.fixture(scope="module")
def official(reference_dir: Path) -> Callable[[str], etree.XMLSchema]:
    compiled: dict[str, etree.XMLSchema] = {}

    def load(name: str) -> etree.XMLSchema:
        if name not in compiled:
            folder = reference_dir / "xsd"
            parser = etree.XMLParser(no_network=True)
            parser.resolvers.add(_Catalog(folder))
            compiled[name] = etree.XMLSchema(etree.parse(folder / name, parser))
        return compiled[name]

    return load


def _unwrapped(body: bytes) -> etree._Element | None:
    """The message inside ``body``, as a document of its own; NAV wraps it in an element of hers."""
    root = etree.fromstring(body)
    for element in root.iter("{*}MsgHead", "{*}AppRec", "{*}Envelope"):
        alone = deepcopy(element)
        alone.tail = None
        return etree.fromstring(etree.tostring(alone))
    return None


def _samples(folder: Path) -> Iterator[tuple[str, etree._Element]]:
    for file in sorted([*folder.glob("samples/**/*.xml"), *folder.glob("ebxml/**/*.xml")]):
        try:
            root = _unwrapped(file.read_bytes())
        except etree.XMLSyntaxError:
            continue
        if root is not None:
            yield str(file.relative_to(folder)), root


def _documents(folder: Path, kind: Kind) -> Iterator[tuple[str, bytes]]:
    for name in kind.samples:
        root = _unwrapped((folder / name).read_bytes())
        assert root is not None
        yield name, etree.tostring(root)
    yield from kind.invented.items()


def _without_known_differences(root: etree._Element) -> etree._Element:
    """What we accept and libxml2 refuses by them (schemas/README.md), put in the official terms."""
    root = deepcopy(root)
    for element in root.iter("*"):
        if not len(element) and _DATE.fullmatch(trimmed := (element.text or "").strip(" \t\r\n")):
            element.text = trimmed
        if etree.QName(element).localname == "TeleAddress" and "V" in element.attrib:
            element.set("V", "")
        must_understand = f"{{{SOAP}}}mustUnderstand"
        written = element.get(must_understand)
        if written is not None and written.strip() in ("true", "false"):
            element.set(must_understand, "1" if written.strip() == "true" else "0")
        if element.tag == f"{{{EB}}}Schema" and element.get(f"{{{EB}}}version") == "":
            element.set(f"{{{EB}}}version", "1")
    return root


def _official_verdict(schema: etree.XMLSchema, kind: Kind, root: etree._Element) -> bool:
    # The official schemas would take many elements for a root; the gateway takes one.
    is_root = isinstance(root.tag, str) and etree.QName(root).localname == kind.root
    return is_root and schema.validate(_without_known_differences(root))


def _our_verdict(kind: Kind, root: etree._Element) -> bool:
    try:
        kind.check(SchemaSet.default(), root)
    except MalformedMessage:
        return False
    return True


def _declared_names() -> list[str]:
    folder = Path(__file__).parents[2] / "schemas"
    xs = "{http://www.w3.org/2001/XMLSchema}element"
    names = set()
    for file in folder.glob("*.xsd"):
        schema = etree.parse(file).getroot()
        for declaration in schema.iter(xs):
            if name := declaration.get("name"):
                names.add(f"{{{schema.get('targetNamespace')}}}{name}")
    return sorted(names)


def test_every_sample_gets_the_same_verdict(
    reference_dir: Path, official: Callable[[str], etree.XMLSchema]
) -> None:
    verdicts: dict[str, tuple[bool, bool]] = {}
    for name, root in _samples(reference_dir):
        local, namespace = etree.QName(root).localname, etree.QName(root).namespace or ""
        kind = next(
            kind
            for kind in KINDS.values()
            if kind.root == local and ("2004" in kind.official) == ("2004" in namespace)
        )
        theirs = _official_verdict(official(kind.official), kind, root)
        verdicts[name] = (theirs, _our_verdict(kind, root))

    assert len(verdicts) >= 35
    assert {name: both for name, both in verdicts.items() if both[0] != both[1]} == {}


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in KINDS])
def test_mutations_get_the_same_verdict(
    name: str, reference_dir: Path, official: Callable[[str], etree.XMLSchema]
) -> None:
    kind = KINDS[name]
    schema = official(kind.official)
    documents = list(_documents(reference_dir, kind))
    names = _declared_names()
    accepted = 0
    differing = []
    for document, body in documents:
        assert _official_verdict(schema, kind, etree.fromstring(body)), document
        assert _our_verdict(kind, etree.fromstring(body)), document
        for index in range(-(-COUNT // len(documents))):
            mutation = mutate(document, body, seed=SEED, index=index, names=names)
            theirs = _official_verdict(schema, kind, mutation.root)
            ours = _our_verdict(kind, mutation.root)
            accepted += theirs
            if theirs is not ours:
                differing.append((mutation.key, mutation.damage, f"{theirs=}", f"{ours=}"))

    assert differing == []
    assert COUNT * 0.05 < accepted < COUNT * 0.9, "the damages are one-sided"


def test_the_official_schemas_can_be_configured_instead(
    reference_dir: Path, tmp_path: Path
) -> None:
    theirs = reference_dir / "xsd"
    for part in ("felleskomponenter", "dialogmelding", "applikasjonskvittering", "w3c", "ebxml"):
        shutil.copytree(theirs / part, tmp_path / part)
    shutil.copy(theirs / "driver-msghead.xsd", tmp_path / "document.xsd")
    shutil.copy(theirs / "driver-ebxml.xsd", tmp_path / "envelope.xsd")
    for entry, file in (("1.0", "AppRec-v1-2004-11-21"), ("1.1", "AppRec-v1.1")):
        namespace = etree.parse(theirs / f"applikasjonskvittering/{file}.xsd").getroot()
        (tmp_path / f"apprec-{entry}.xsd").write_text(
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:import '
            f'namespace="{namespace.get("targetNamespace")}" '
            f'schemaLocation="applikasjonskvittering/{file}.xsd"/></xs:schema>'
        )
    schemas = SchemaSet(tmp_path)

    schemas.load()

    for body in DOCUMENTS.values():
        schemas.check_document(etree.fromstring(body))
    for body in RECEIPTS.values():
        schemas.check_apprec(etree.fromstring(body))
    for body in ENVELOPES.values():
        schemas.check_envelope(etree.fromstring(body))
    with pytest.raises(MalformedMessage):
        schemas.check_apprec(
            etree.fromstring(b'<AppRec xmlns="http://www.kith.no/xmlstds/apprec/2012-02-15"/>')
        )
