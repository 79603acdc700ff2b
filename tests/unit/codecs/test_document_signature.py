"""The personal signature of a document: what holds passes untouched, each fault has its code."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from lxml import etree
from signxml.verifier import XMLVerifier

from gateway.codecs.document import read_document
from gateway.codecs.document_signature import (
    _DocumentVerifier,
    signature_faults,
    signature_findings,
)
from gateway.codecs.xml import parse_untrusted
from gateway.domain.findings import Direction, Stage
from gateway.domain.receipt import Answer
from gateway.domain.rules.signature import SignatureFault
from tests.builders_keys import SEALING, SIGNING
from tests.builders_mails import a_mail
from tests.builders_offices import MUNICIPALITY, a_letter, two_offices
from tests.builders_personal import (
    MORE,
    Signer,
    a_doctor,
    a_doctor_on,
    personally_signed,
    x509_data,
)
from tests.builders_received import a_document, read_at_the_hospital, with_attachment
from tests.builders_signatures import (
    C14N,
    CANONICAL,
    ENVELOPED,
    EXCLUSIVE_C14N,
    RSA_SHA1,
    SHA1,
    SHA256,
    xpath_transform,
)
from tests.conformance.scenes import receipts_of

EXCLUSIVE = f'<Transform Algorithm="{EXCLUSIVE_C14N}"/>'
XPATH_FILTER = (
    '<Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2">'
    '<XPath xmlns="http://www.w3.org/2002/06/xmldsig-filter2" Filter="subtract">/*/*[2]</XPath>'
    "</Transform>"
)
NAMES = f'<Transform Algorithm="{{}}"><InclusiveNamespaces xmlns="{EXCLUSIVE_C14N}"/></Transform>'
ISSUERS = (a_doctor_on(ec.SECP384R1), a_doctor(3072))
OCCASION = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def signed(document: bytes | None = None, **form: Any) -> bytes:
    return personally_signed(a_document() if document is None else document, **form)


def faults_of(document: bytes, *, at: datetime = OCCASION) -> tuple[SignatureFault, ...]:
    return signature_faults(parse_untrusted(document), at=at)


def beside_the_root() -> bytes:
    declaration, rest = a_document().split(b"?>", 1)
    return declaration + b"?>\n<?vis fint?><!-- av EPJ -->" + rest.rstrip() + b"\n<?slutt?>\n"


GOOD: list[Any] = [
    pytest.param({}, id="default namespace"),
    pytest.param({"prefix": "ds"}, id="prefix"),
    pytest.param({"transforms": (ENVELOPED,)}, id="no C14N transform"),
    pytest.param({"transforms": (ENVELOPED, EXCLUSIVE)}, id="exclusive reference"),
    pytest.param(
        {
            "canonicalization": f'<CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"/>',
            "prefix": "ds",
        },
        id="exclusive SignedInfo",
    ),
    pytest.param({"method": f"{MORE}rsa-sha384", "digest_method": f"{MORE}sha384"}, id="SHA-384"),
    pytest.param(
        {
            "method": f"{MORE}rsa-sha512",
            "digest_method": "http://www.w3.org/2001/04/xmlenc#sha512",
        },
        id="SHA-512",
    ),
    pytest.param(
        {"signer": a_doctor_on(ec.SECP256R1), "method": f"{MORE}ecdsa-sha256"}, id="P-256"
    ),
    pytest.param(
        {"signer": a_doctor_on(ec.SECP384R1), "method": f"{MORE}ecdsa-sha384"}, id="P-384"
    ),
    pytest.param(
        {"signer": a_doctor_on(ec.SECP521R1), "method": f"{MORE}ecdsa-sha512"}, id="P-521"
    ),
    pytest.param({"document": beside_the_root()}, id="instructions and comments beside the root"),
    pytest.param(
        {"document": a_document().replace(b"</MsgHead>", b" <!-- slutt -->\r\n</MsgHead>")},
        id="blanks and a comment before the signature",
    ),
    pytest.param(
        {"document": a_document().replace(b"<MsgHead ", b'<MsgHead xml:lang="nb" ', 1)}, id="lang"
    ),
    pytest.param({"behind": "\n"}, id="blanks in the signature"),
    pytest.param(
        {"canonicalization": f'<CanonicalizationMethod Algorithm="{C14N}#WithComments"/>'},
        id="SignedInfo with comments",
    ),
    pytest.param(
        {
            "canonicalization": (
                f'<CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}WithComments"/>'
            ),
            "prefix": "ds",
        },
        id="exclusive SignedInfo with comments",
    ),
    # Comments are no part of the reference "" before its transforms come (XML-DSig §4.4.3.3).
    pytest.param(
        {
            "document": beside_the_root(),
            "transforms": (ENVELOPED, f'<Transform Algorithm="{C14N}#WithComments"/>'),
        },
        id="reference with comments",
    ),
    pytest.param(
        {
            "document": beside_the_root().replace(b"</MsgHead>", b"<!-- slutt --></MsgHead>"),
            "transforms": (ENVELOPED, f'<Transform Algorithm="{EXCLUSIVE_C14N}WithComments"/>'),
        },
        id="exclusive reference with comments",
    ),
    pytest.param({"key_info": f"<KeyInfo>{x509_data(a_doctor(), *ISSUERS)}</KeyInfo>"}, id="chain"),
    pytest.param(
        {"key_info": f"<KeyInfo>{x509_data(*ISSUERS, a_doctor())}</KeyInfo>"},
        id="chain, signer last",
    ),
    pytest.param(
        {"key_info": f"<KeyInfo>{''.join(map(x509_data, (*ISSUERS, a_doctor())))}</KeyInfo>"},
        id="chain, each certificate apart",
    ),
    pytest.param({"key_info": f"<KeyInfo>{x509_data(a_doctor()) * 2}</KeyInfo>"}, id="twice"),
]


@pytest.mark.parametrize("form", GOOD)
def test_a_signature_in_an_ordinary_form_holds(form: dict[str, Any]) -> None:
    assert faults_of(signed(**form)) == ()


S = SignatureFault
BAD: list[Any] = []


def bad(name: str, *faults: SignatureFault, **form: Any) -> None:
    BAD.append(pytest.param(form, faults, id=name))


PREFIXES = f'<InclusiveNamespaces xmlns="{EXCLUSIVE_C14N}" PrefixList="x"/>'
bad(
    "something in the enveloped transform",
    S.TRANSFORM,
    transforms=(ENVELOPED.replace("/>", f">{PREFIXES}</Transform>"), CANONICAL),
)
bad(
    "prefixes of the other canonical form",
    S.TRANSFORM,
    transforms=(ENVELOPED, CANONICAL.replace("/>", f">{PREFIXES}</Transform>")),
)
bad("XPath", S.TRANSFORM, transforms=(ENVELOPED, xpath_transform(), CANONICAL))
bad("XPath filter", S.TRANSFORM, transforms=(ENVELOPED, XPATH_FILTER))
bad("unknown", S.TRANSFORM, transforms=(ENVELOPED, '<Transform Algorithm="urn:unknown"/>'))
bad("empty list of transforms", S.TRANSFORM, transforms=("",))
bad("order", S.TRANSFORM, transforms=(CANONICAL, ENVELOPED))
bad("no transforms", S.TRANSFORM, transforms=())
bad("canonical twice", S.TRANSFORM, transforms=(ENVELOPED, CANONICAL, CANONICAL))
bad(
    "C14N of another version",
    S.TRANSFORM,
    canonicalization='<CanonicalizationMethod Algorithm="http://www.w3.org/2006/12/xml-c14n11"/>',
)
bad("part of the document", S.REFERENCE, uri=' URI="#a"')
bad("something outside", S.REFERENCE, uri=' URI="http://example.org/"')
bad("no URI", S.REFERENCE, uri="")
bad(
    "two references",
    S.REFERENCE,
    second=f'<Reference URI=""><DigestMethod Algorithm="{SHA256}"/>'
    "<DigestValue>AAAA</DigestValue></Reference>",
)
bad("signed by SHA-1", S.ALGORITHM, method=RSA_SHA1)
bad("digested by SHA-1", S.ALGORITHM, digest_method=SHA1)
bad("no KeyInfo", S.NO_CERTIFICATE, key_info="")
bad("no certificate", S.NO_CERTIFICATE, key_info="<KeyInfo><KeyName>x</KeyName></KeyInfo>")
bad(
    "eleven certificates",
    S.CERTIFICATES,
    key_info=f"<KeyInfo>{x509_data(*[a_doctor()] * 11)}</KeyInfo>",
)
bad("chain without the signer", S.KEY, key_info=f"<KeyInfo>{x509_data(*ISSUERS)}</KeyInfo>")
bad(
    "inclusive with names",
    S.TRANSFORM,
    transforms=(ENVELOPED, NAMES.format(f"{C14N}#WithComments")),
)
bad(
    "no certificate at all",
    S.UNREADABLE,
    key_info="<KeyInfo><X509Data><X509Certificate>AAAA</X509Certificate></X509Data></KeyInfo>",
)
bad("short key", S.KEY, signer=a_doctor(1024))
bad("key of another kind", S.KEY, method=f"{MORE}ecdsa-sha256")
bad("curve too small", S.KEY, signer=a_doctor_on(ec.SECP192R1), method=f"{MORE}ecdsa-sha256")
bad(
    "not of this certificate",
    S.VALUE,
    key_info=f"<KeyInfo>{x509_data(a_doctor_on(ec.SECP256R1))}</KeyInfo>",
    signer=a_doctor_on(ec.SECP384R1),
    method=f"{MORE}ecdsa-sha256",
)
bad("content that is not signed", S.STRUCTURE, behind="<Object>tekst</Object>")
bad("comment", S.STRUCTURE, behind="<!-- -->")
bad("expired", S.DATES, signer=a_doctor(not_after=OCCASION - timedelta(seconds=1)))
bad("not yet", S.DATES, signer=a_doctor(not_before=OCCASION + timedelta(seconds=1)))
bad("for sealing", S.USE, signer=a_doctor(usage=SEALING))
bad("for nothing", S.USE, signer=a_doctor(usage=None))
bad(
    "expired, for sealing",
    S.DATES,
    S.USE,
    signer=a_doctor(usage=SEALING, not_after=OCCASION - timedelta(days=1)),
)


@pytest.mark.parametrize(("form", "faults"), BAD)
def test_each_fault_is_named(form: dict[str, Any], faults: tuple[SignatureFault, ...]) -> None:
    assert faults_of(signed(**form)) == faults


def test_a_line_end_of_windows_may_stand_behind_the_signature() -> None:
    document = signed(document=a_document().replace(b"</MsgHead>", b"&#13;\n</MsgHead>"))
    assert b"&#13;\n<Signature" in document
    moved = document.replace(b"&#13;\n", b"").replace(b"</MsgHead>", b"&#13;\n</MsgHead>")

    assert faults_of(moved) == ()


def test_the_certificate_may_be_for_non_repudiation() -> None:
    assert faults_of(signed(signer=a_doctor(usage=SIGNING))) == ()


DAMAGE: list[Any] = [
    pytest.param(b"pasienten", b"p\xc3\xa5sienten", S.DIGEST, id="text"),
    pytest.param(b"</Patient>", b"</Patient> ", S.DIGEST, id="blank"),
    pytest.param(b"<DigestValue>", b"<DigestValue>AAAA", S.VALUE, id="digest"),
    pytest.param(b"<SignatureValue>", b"<SignatureValue>AAAA", S.VALUE, id="value"),
    pytest.param(b"<SignatureValue>", b"<SignatureValue>-", S.STRUCTURE, id="no base64"),
    pytest.param(b"</DigestValue>", b"<!-- --></DigestValue>", S.STRUCTURE, id="comment"),
    pytest.param(b"<KeyInfo>", b'<KeyInfo Lengde="1">', S.STRUCTURE, id="against the schema"),
]


@pytest.mark.parametrize(("old", "new", "fault"), DAMAGE)
def test_what_was_changed_afterwards_is_found(
    old: bytes, new: bytes, fault: SignatureFault
) -> None:
    whole = signed()
    assert old in whole
    assert faults_of(whole.replace(old, new, 1)) == (fault,)


def test_a_fault_of_the_value_and_one_of_the_certificate_are_both_named() -> None:
    """AppRec: one Error for each fault of the same stage."""
    whole = signed(signer=a_doctor(not_after=OCCASION - timedelta(days=1)))
    assert faults_of(whole.replace(b"pasienten", b"ingen", 1)) == (S.DIGEST, S.DATES)


def test_a_bare_key_beside_the_certificate_must_be_the_same() -> None:
    other = (
        "<KeyValue><RSAKeyValue><Modulus>AQAB</Modulus>"
        "<Exponent>AQAB</Exponent></RSAKeyValue></KeyValue>"
    )
    whole = signed(key_info=f"<KeyInfo>{other}{x509_data(a_doctor())}</KeyInfo>")
    assert faults_of(whole) == (S.STRUCTURE,)


def test_of_a_chain_the_dates_and_the_use_of_the_signer_count() -> None:
    expired = a_doctor(not_after=OCCASION - timedelta(days=1))
    others = (a_doctor_on(ec.SECP384R1), a_doctor(3072, usage=SEALING))

    def signed_by(signer: Signer) -> bytes:
        key_info = f"<KeyInfo>{x509_data(*others, signer)}</KeyInfo>"
        return signed(signer=signer, key_info=key_info)

    assert faults_of(signed_by(a_doctor())) == ()
    assert faults_of(signed_by(expired)) == (S.DATES,)
    assert faults_of(signed_by(a_doctor()).replace(b"pasienten", b"ingen", 1)) == (S.DIGEST,)


def test_a_value_that_fits_no_certificate_of_a_chain_is_refused() -> None:
    key_info = f"<KeyInfo>{x509_data(a_doctor(), a_doctor(3072))}</KeyInfo>"
    whole = signed(key_info=key_info).replace(b"<SignatureValue>", b"<SignatureValue>AAAA", 1)
    assert faults_of(whole) == (S.VALUE,)


def test_a_certificate_of_a_chain_that_cannot_be_read_is_passed_over() -> None:
    chain = x509_data(a_doctor()).replace(
        "<X509Data>", "<X509Data><X509Certificate>AAAA</X509Certificate>"
    )
    assert faults_of(signed(key_info=f"<KeyInfo>{chain}</KeyInfo>")) == ()


def test_a_bare_key_belongs_to_the_signer_of_a_chain() -> None:
    numbers = a_doctor().key.public_key().public_numbers()
    assert isinstance(numbers, RSAPublicNumbers)
    modulus, exponent = (
        base64.b64encode(n.to_bytes((n.bit_length() + 7) // 8)).decode()
        for n in (numbers.n, numbers.e)
    )
    value = (
        f"<KeyValue><RSAKeyValue><Modulus>{modulus}</Modulus>"
        f"<Exponent>{exponent}</Exponent></RSAKeyValue></KeyValue>"
    )
    chain = x509_data(a_doctor(3072), a_doctor())
    assert faults_of(signed(key_info=f"<KeyInfo>{value}{chain}</KeyInfo>")) == ()


def test_a_comment_may_be_changed_since_no_canonical_form_here_has_it() -> None:
    document = a_document().replace(b"</MsgHead>", b"<!-- a --></MsgHead>")
    transforms = (ENVELOPED, f'<Transform Algorithm="{C14N}#WithComments"/>')
    whole = signed(document, transforms=transforms)
    assert faults_of(whole.replace(b"<!-- a -->", b"<!-- b -->", 1)) == ()


def test_two_signatures_are_refused_even_when_both_are_right() -> None:
    whole = signed()
    start, end = whole.index(b"<Signature "), whole.index(b"</Signature>") + len(b"</Signature>")
    assert faults_of(whole[:end] + whole[start:end] + whole[end:]) == (S.SEVERAL,)


def test_a_signature_that_is_not_last_is_refused() -> None:
    whole = signed()
    assert faults_of(with_attachment(whole)) == (S.MISPLACED,)


def test_a_signature_in_the_content_is_not_the_documents() -> None:
    """A signed document may be carried in another; only the outer one's signature counts."""
    head, end = a_document().rsplit(b"</", 1)
    inner = signed()
    start = inner.index(b"<Signature ")
    carried = b"<Document>" + inner[start : inner.rindex(b"</")] + b"</Document>"
    assert faults_of(signed(head + carried + b"</" + end)) == ()


def test_the_tree_is_left_as_it_was() -> None:
    root = parse_untrusted(signed())
    before = etree.tostring(root.getroottree())
    signature_faults(root, at=OCCASION)
    assert etree.tostring(root.getroottree()) == before


def test_no_document_is_written_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        faults_of(signed())
    assert "pasienten" not in caplog.text
    assert "SignedInfo" not in caplog.text


def test_the_hooks_of_the_library_are_there_and_called(monkeypatch: pytest.MonkeyPatch) -> None:
    called: set[str] = set()

    def spied(name: str) -> Callable[..., Any]:
        method = getattr(_DocumentVerifier, name)

        def spy(self: Any, *args: Any, **kwargs: Any) -> Any:
            called.add(name)
            return method(self, *args, **kwargs)

        return spy

    hooks = {"get_root", "_c14n", "_verify_reference"}
    assert all(hasattr(XMLVerifier, name) for name in hooks)
    for name in hooks:
        monkeypatch.setattr(_DocumentVerifier, name, spied(name))

    assert faults_of(signed()) == ()
    assert called == hooks


class TestFindings:
    def test_a_document_without_signature_has_none(self) -> None:
        assert signature_findings(read_document(a_document()), Direction.INCOMING) == ()

    def test_a_good_one_has_none(self) -> None:
        assert signature_findings(read_document(signed()), Direction.INCOMING) == ()

    @pytest.mark.parametrize("direction", Direction)
    def test_a_fault_refuses_in_words(self, direction: Direction) -> None:
        damaged = signed().replace(b"pasienten", b"hemmelig", 1)

        (finding,) = signature_findings(read_document(damaged), direction)

        assert (finding.rule, finding.stage, finding.code) == (
            "R-67",
            Stage.SIGNATURE,
            "EPJ_SCHEMA",
        )
        assert finding.apprec == ("S01" if direction is Direction.INCOMING else None)
        assert "hemmelig" not in finding.text_nb + finding.text_en


REFUSED: list[Any] = [
    pytest.param(lambda: signed().replace(b"pasienten", b"ingen", 1), {"S01"}, id="changed"),
    pytest.param(lambda: signed(transforms=(ENVELOPED, XPATH_FILTER)), {"S01"}, id="transform"),
    pytest.param(lambda: signed(method=RSA_SHA1), {"S99"}, id="SHA-1"),
    pytest.param(lambda: signed(signer=a_doctor(usage=SEALING)), {"S02"}, id="certificate"),
    pytest.param(
        lambda: signed(signer=a_doctor(usage=SEALING)).replace(b"pasienten", b"ingen", 1),
        {"S01", "S02"},
        id="both",
    ),
]


class TestIncoming:
    async def test_a_good_signature_reaches_the_epj_byte_for_byte(self) -> None:
        document = signed()

        hospital = await read_at_the_hospital(a_mail(document))

        (delivered,) = hospital.delivered
        assert delivered.body == document

    @pytest.mark.parametrize(("document", "codes"), REFUSED)
    async def test_a_bad_one_is_answered_with_its_code(
        self, document: Callable[[], bytes], codes: set[str]
    ) -> None:
        hospital = await read_at_the_hospital(a_mail(document()))

        assert hospital.delivered == []
        (receipt,) = receipts_of(hospital, MUNICIPALITY)
        assert receipt.answer is Answer.REJECTED
        assert {error.code for error in receipt.errors} == codes
        assert all(error.text for error in receipt.errors)

    async def test_one_that_a_removed_attachment_would_break_goes_with_the_attachment(self) -> None:
        offices = two_offices(incoming="strip")
        document = signed(with_attachment(a_document()))

        await offices.hospital.take_in(a_mail(document))
        await offices.settle()

        (delivered,) = offices.hospital.delivered
        message = read_document(delivered.body).message
        assert delivered.headers["x-removed-attachments"] == 1
        assert (message.signed, message.attachments) == (False, ())
        (entry,) = await offices.hospital.incoming(str(message.msg_id))
        async with offices.hospital.journal.transaction() as tx:
            assert await tx.document(entry.entry_id) == document


class TestOutgoing:
    async def test_a_good_signature_leaves_byte_for_byte(self) -> None:
        offices = two_offices()
        document = signed(a_letter())

        await offices.hospital.hand_in(document)
        await offices.settle()

        (delivered,) = offices.municipality.delivered
        assert delivered.body == document

    async def test_a_bad_one_is_not_sent(self) -> None:
        offices = two_offices()

        await offices.hospital.hand_in(signed(a_letter()).replace(b"pasienten", b"ingen", 1))
        await offices.settle()

        assert offices.hospital.events == ["rejected"]
        (reason,) = offices.hospital.last["reasons"]
        assert (reason["code"], reason["rule"]) == ("EPJ_SCHEMA", "R-67")
        assert offices.hospital.post.mails == []
