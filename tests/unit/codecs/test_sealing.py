"""What is sealed opens with the right key only; whatever else comes ends in one error."""

import gzip
import random
from datetime import timedelta

import pytest
from asn1crypto import cms
from asn1crypto import x509 as names
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.ber import MAX_ELEMENTS, with_definite_lengths
from gateway.codecs.cms import read_enveloped_data
from gateway.codecs.sealed_content import document_in
from gateway.codecs.sealing import seal, seal_facts, unseal
from gateway.errors import CannotSeal, CannotUnseal
from gateway.ports import KeyPair
from tests.builders_keys import (
    NOON,
    SEALING,
    a_certificate,
    a_private_key,
    a_sealing_pair,
    a_subject,
)

DOCUMENT = "<MsgHead>blåbær\n</MsgHead>".encode()
LIMIT = 1_000_000


def keys(*pairs: KeyPair) -> list[tuple[rsa.RSAPrivateKey, x509.Certificate]]:
    return [(pair.private_key, pair.certificate) for pair in pairs or (a_sealing_pair(),)]


def sealed(document: bytes = DOCUMENT, pair: KeyPair | None = None) -> bytes:
    return seal(document, certificate=(pair or a_sealing_pair()).certificate)


def opened(octets: bytes, *, max_bytes: int = LIMIT) -> bytes:
    return unseal(octets, keys=keys(), max_bytes=max_bytes).document


def test_sealed_document_opens_octet_for_octet() -> None:
    result = unseal(sealed(), keys=keys(), max_bytes=LIMIT)

    assert result.document == DOCUMENT
    assert (result.cipher, result.key_transport, result.key_index) == (
        "AES-256-CBC",
        "RSA-PKCS1-v1_5",
        0,
    )


def test_sealing_twice_gives_different_octets() -> None:
    assert sealed() != sealed()


def test_old_key_still_opens_what_was_sealed_before_the_change() -> None:
    """HISD 1177 §5.3: partners may use the old certificate for days."""
    new, old = a_sealing_pair("new"), a_sealing_pair()

    assert unseal(sealed(), keys=keys(new, old), max_bytes=LIMIT).key_index == 1


def test_recipient_is_told_apart_by_issuer_when_serial_numbers_agree() -> None:
    ours, theirs = (
        KeyPair(key, a_certificate(key, name=name, usage=SEALING, serial=77))
        for name, key in (("ours", a_private_key()), ("theirs", a_private_key("theirs")))
    )

    result = unseal(sealed(pair=ours), keys=keys(theirs, ours), max_bytes=LIMIT)

    assert result.key_index == 1


def test_message_for_somebody_else_does_not_open() -> None:
    with pytest.raises(CannotUnseal):
        unseal(sealed(pair=a_sealing_pair("foreign")), keys=keys(), max_bytes=LIMIT)


def test_nothing_opens_without_keys() -> None:
    with pytest.raises(CannotUnseal):
        unseal(sealed(), keys=[], max_bytes=LIMIT)


def test_wrong_key_under_the_right_certificate_never_gives_the_document() -> None:
    wrong = [(a_private_key("foreign"), a_sealing_pair().certificate)]
    try:
        result = unseal(sealed(), keys=wrong, max_bytes=LIMIT).document
    except CannotUnseal:
        return
    # Implicit rejection gives a random key; one in 256 ends in padding by chance.
    assert result != DOCUMENT


def test_every_failure_looks_the_same() -> None:
    failures = [b"", b"<xml/>", sealed()[:-20], sealed(pair=a_sealing_pair("foreign"))]
    texts = set()
    for octets in failures:
        with pytest.raises(CannotUnseal) as caught:
            opened(octets)
        texts.add((caught.value.detail, caught.value.__cause__))

    assert len(texts) == 1


def test_document_over_the_limit_does_not_open() -> None:
    with pytest.raises(CannotUnseal):
        opened(sealed(b"<" + b"x" * 5000), max_bytes=5000)


def test_document_at_the_limit_opens() -> None:
    assert len(opened(sealed(b"<" + b"x" * 4999), max_bytes=5000)) == 5000


@pytest.mark.parametrize(
    ("inner", "document"),
    [
        pytest.param(b"<a/>", b"<a/>", id="document"),
        pytest.param(b"\xef\xbb\xbf<a/>", b"\xef\xbb\xbf<a/>", id="byte order mark"),
        pytest.param(b"\r\n <a/>", b"\r\n <a/>", id="white space first"),
        pytest.param(gzip.compress(b"<a/>"), b"<a/>", id="gzip"),
        pytest.param(
            b"Content-ID: <1>\r\nContent-Type: application/xml\r\n"
            b"Content-Transfer-Encoding: binary\r\n\r\n<a>\n\xc3\xb8</a>",
            b"<a>\n\xc3\xb8</a>",
            id="MIME binary",
        ),
        pytest.param(
            b"content-type: application/xml\ncontent-transfer-encoding: BASE64\n\nPGEvPg==\n",
            b"<a/>",
            id="MIME base64, line feeds",
        ),
        pytest.param(
            b"Content-Type: application/xml\r\n"
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<a b=3D=\r\n'1'/>",
            b"<a b='1'/>",
            id="MIME quoted-printable",
        ),
        pytest.param(b"Content-Type: text/xml\r\n\r\n<a/>", b"<a/>", id="MIME, no encoding"),
        pytest.param(
            b"Content-Type: text/xml (x)\nContent-Transfer-Encoding: Base64;\n\nPGEv\n Pg==\n",
            b"<a/>",
            id="MIME as sloppy as the mail around it",
        ),
        pytest.param(
            b"Content-Type: application/gzip\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            + gzip.compress(b"<a>1</a>", mtime=0),
            b"<a>1</a>",
            id="gzip in MIME",
        ),
        pytest.param(
            gzip.compress(b"Content-Type: text/xml\r\n\r\n<a/>"), b"<a/>", id="MIME in gzip"
        ),
        pytest.param(b"no XML at all", b"no XML at all", id="text, for the parser to refuse"),
        pytest.param(b"Merk: dette", b"Merk: dette", id="text with a colon"),
        pytest.param(b"", b"", id="nothing"),
    ],
)
def test_document_is_found_inside(inner: bytes, document: bytes) -> None:
    assert opened(sealed(inner)) == document


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param(gzip.compress(b"<" + b" " * 2_000_000), id="inflates beyond the limit"),
        pytest.param(gzip.compress(b"<a/>" * 100)[:-9], id="gzip cut off"),
        pytest.param(b"\x1f\x8bjunk", id="broken gzip"),
        pytest.param(
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n<a/>\r\n--b--\r\n",
            id="multipart",
        ),
        pytest.param(
            b"Content-Type: text/xml\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n<a/>",
            id="unknown transfer encoding",
        ),
    ],
)
def test_content_that_is_no_single_document_does_not_open(inner: bytes) -> None:
    with pytest.raises(CannotUnseal):
        opened(sealed(inner))


def test_a_gigabyte_in_a_small_gzip_is_never_inflated() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)

    with pytest.raises(ValueError, match="limit"):
        document_in(bomb, max_bytes=10_000)


def test_facts_of_a_seal_need_no_key() -> None:
    facts = seal_facts(sealed())

    assert facts is not None
    assert (facts.cipher, facts.key_transport) == ("AES-256-CBC", "RSA-PKCS1-v1_5")
    assert facts.recipients == (f"serial:{a_sealing_pair().certificate.serial_number:x}",)
    assert facts.readable


def test_what_is_no_seal_has_no_facts() -> None:
    signed_data = bytes.fromhex("300f 0609 2a864886f70d010702 a002 3000")
    assert seal_facts(b"") is None
    assert seal_facts(b"<a/>") is None
    assert seal_facts(cms.ContentInfo({"content_type": "data", "content": b"x"}).dump()) is None
    assert seal_facts(signed_data) is None


def test_unknown_cipher_is_named_by_its_number_and_does_not_open() -> None:
    aes_256_cbc = bytes.fromhex("60864801650304012a")
    aes_256_ecb = bytes.fromhex("608648016503040129")
    octets = sealed().replace(aes_256_cbc, aes_256_ecb)

    facts = seal_facts(octets)

    assert facts is not None
    assert (facts.cipher, facts.readable) == ("2.16.840.1.101.3.4.1.41", False)
    with pytest.raises(CannotUnseal):
        opened(octets)


def test_certificate_without_rsa_key_cannot_be_sealed_for() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = a_subject("hospital")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOON)
        .not_valid_after(NOON + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    with pytest.raises(CannotSeal):
        seal(DOCUMENT, certificate=certificate)


def indefinite(tag: int, content: bytes) -> bytes:
    return bytes([tag, 0x80]) + content + b"\0\0"


def test_indefinite_lengths_are_rewritten() -> None:
    chunks = b"\x04\x02ab" + b"\x24\x03\x04\x01c" + indefinite(0x24, b"\x04\x01d")

    assert with_definite_lengths(indefinite(0x24, chunks)) == b"\x04\x04abcd"
    assert with_definite_lengths(indefinite(0xA0, b"\x04\x02ab\x04\x01c")) == b"\x80\x03abc"
    assert with_definite_lengths(indefinite(0x30, b"\x02\x01\x05")) == b"\x30\x03\x02\x01\x05"
    assert with_definite_lengths(b"\x30\x81\x03\x02\x01\x05\r\n") == b"\x30\x03\x02\x01\x05"


def test_definite_document_keeps_its_octets() -> None:
    octets = sealed()

    assert with_definite_lengths(octets) == octets


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\0\0", id="end mark alone"),
        pytest.param(b"\x30", id="cut off"),
        pytest.param(b"\x30\x05\x02", id="shorter than it says"),
        pytest.param(b"\x30\x03\x02\x05\x01", id="child longer than its parent"),
        pytest.param(b"\x30\x80\x02\x01\x01", id="no end mark"),
        pytest.param(b"\x30\x02\0\0", id="end mark in a definite length"),
        pytest.param(b"\x04\x80\0\0", id="primitive of indefinite length"),
        pytest.param(b"\x24\x03\x02\x01\x01", id="string of integers"),
        pytest.param(b"\x3f\x81\x01\x00", id="long tag"),
        pytest.param(b"\x30\x88" + b"\xff" * 8, id="length without end"),
        pytest.param(b"\x30\x80" * 5000, id="nested without end"),
        pytest.param(indefinite(0x24, b"\x04\x01a" * MAX_ELEMENTS), id="too many chunks"),
    ],
)
def test_hostile_ber_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the text is for nobody
        with_definite_lengths(octets)
    with pytest.raises(CannotUnseal):
        opened(octets)
    assert seal_facts(octets) is None


def test_megabytes_of_tiny_chunks_are_refused_early() -> None:
    """One by one, quadratically, they would take hours; pyproject.toml ends a test before."""
    with pytest.raises(CannotUnseal):
        opened(indefinite(0x24, b"\x04\x01a" * 5_000_000))


def test_fifty_one_recipients_are_too_many() -> None:
    info = cms.ContentInfo.load(sealed())
    recipient = info["content"]["recipient_infos"][0]
    many = cms.EnvelopedData(
        {
            "version": "v0",
            "recipient_infos": [recipient] * 51,
            "encrypted_content_info": info["content"]["encrypted_content_info"],
        }
    )
    octets = cms.ContentInfo({"content_type": "enveloped_data", "content": many}).dump()

    with pytest.raises(CannotUnseal):
        opened(octets)


@pytest.mark.parametrize("form", ["utf8", "printable", "upper case"])
def test_issuer_in_another_string_type_is_the_same_issuer(form: str) -> None:
    """Names are the same when RFC 5280 §7.1 says so, not only octet for octet."""
    info = cms.ContentInfo.load(sealed())
    rid = info["content"]["recipient_infos"][0].chosen["rid"].chosen
    native = dict(rid["issuer"].native)
    if form == "upper case":
        native["organization_name"] = native["organization_name"].upper()
    rid["issuer"] = names.Name.build(native, use_printable=form == "printable")

    assert opened(info.dump(force=True)) == DOCUMENT


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("06092a864886f70d010703", "06092a864886f70d010702", id="other content"),
        pytest.param("06092a864886f70d010701", "04092a864886f70d010701", id="no content type"),
        pytest.param("06092a864886f70d010101", "06092a864886f70d010181", id="endless number"),
        pytest.param("0609608648016503", "0600", id="no number"),
        pytest.param("0410", "0411", id="vector too long"),
    ],
)
def test_structure_outside_the_standard_does_not_open(old: str, new: str) -> None:
    octets = sealed()
    assert bytes.fromhex(old) in octets

    with pytest.raises(CannotUnseal):
        opened(octets.replace(bytes.fromhex(old), bytes.fromhex(new), 1))


SEALED = sealed(DOCUMENT)


def test_asn1crypto_reads_the_same_from_damaged_seals() -> None:
    """What we take out of a seal is what another reader of CMS finds there."""
    read = 0
    for seed in range(1_500):
        chance = random.Random(seed)
        damaged = bytearray(SEALED)
        # Most octets that decide are before the encrypted document.
        at = chance.randrange(len(SEALED) - len(DOCUMENT))
        match chance.randrange(3):
            case 0:
                damaged[at] = chance.randrange(256)
            case 1:
                damaged[at] = (damaged[at] + chance.choice((-1, 1))) % 256
            case _:
                damaged[at:at] = damaged[at : at + chance.choice((1, 2, 20))]
        try:
            ours = read_enveloped_data(bytes(damaged))
        except ValueError:
            continue
        content = cms.ContentInfo.load(bytes(damaged))["content"]
        info = content["encrypted_content_info"]
        (recipient,) = content["recipient_infos"]
        rid = recipient.chosen["rid"]
        assert len(ours.recipients) == (recipient.name == "ktri"), seed
        assert ours.algorithm.oid == info["content_encryption_algorithm"]["algorithm"].dotted, seed
        assert bytes(ours.encrypted) == info["encrypted_content"].native, seed
        for ktri in ours.recipients:
            assert ktri.encrypted_key == recipient.chosen["encrypted_key"].native, seed
            if ktri.key_id is None:
                assert ktri.serial_number == rid.chosen["serial_number"].native, seed
                assert ktri.issuer == rid.chosen["issuer"].dump(), seed
        read += 1
    assert read > 100


@settings(max_examples=150, deadline=None, print_blob=True)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SEALED) - 1), st.integers(0, 3), st.binary(max_size=4)),
        min_size=1,
        max_size=4,
    )
)
def test_damaged_seal_raises_only_the_one_error(edits: list[tuple[int, int, bytes]]) -> None:
    damaged = bytearray(SEALED)
    for at, removed, put in edits:
        damaged[at : at + removed] = put
    seal_facts(bytes(damaged))
    try:
        opened(bytes(damaged))
    except CannotUnseal:
        return


@settings(max_examples=150, deadline=None, print_blob=True)
@given(st.binary(max_size=300))
def test_arbitrary_octets_raise_only_the_one_error(octets: bytes) -> None:
    assert seal_facts(octets) is None
    with pytest.raises(CannotUnseal):
        opened(octets)
