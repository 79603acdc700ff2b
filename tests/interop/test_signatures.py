"""Other programs verify what we sign, and we verify what others signed.

xmlsec1 is the oracle for both directions; the captured messages come from four
vendors and are read where ``GATEWAY_REFERENCE_DIR`` says.
"""

import email
import random
import subprocess
from collections.abc import Mapping
from datetime import datetime, timedelta
from email import policy
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.codecs.certificates import load_certificate
from gateway.codecs.signing_profile import EXCLUSIVE_FINDING, NO_XPATH_FINDING
from gateway.codecs.verifying import (
    ReferenceCheck,
    SignedEnvelope,
    check_references,
    inspect_signature,
    signature_facts,
    signed_envelope,
)
from gateway.codecs.xml import EB, parse_untrusted
from gateway.errors import UntrustedSignature
from tests.builders_keys import NOON, a_signing_pair
from tests.builders_signatures import (
    ATTACHMENTS,
    C14N,
    EXCLUSIVE_C14N,
    a_signed_envelope,
    an_envelope,
    signed_directly,
)
from tests.interop.programs import program
from tests.two_verifiers import damaged, rearranged, require_agreement
from tests.unit.codecs.test_signing_agreement import FORMS, signed


def xmlsec1_accepts(folder: Path, envelope: bytes, attachments: Mapping[str, bytes]) -> bool:
    """Ask xmlsec1 whether value and all digests fit, under the hospital's certificate."""
    (folder / "signed.xml").write_bytes(envelope)
    (folder / "cert.pem").write_bytes(a_signing_pair().certificate.public_bytes(Encoding.PEM))
    return (
        _xmlsec1(folder, "--verify", attachments, "--pubkey-cert-pem", "cert.pem").returncode == 0
    )


def xmlsec1_signs(folder: Path, template: bytes, attachments: Mapping[str, bytes]) -> bytes:
    """Let xmlsec1 fill in digests and value of a signature template, with the hospital's key."""
    (folder / "signed.xml").write_bytes(template)
    (folder / "key.pem").write_bytes(
        a_signing_pair().private_key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
    )
    done = _xmlsec1(folder, "--sign", attachments, "--privkey-pem", "key.pem")
    assert done.returncode == 0, done.stderr
    return done.stdout


def _xmlsec1(
    folder: Path, command: str, attachments: Mapping[str, bytes], *options: str
) -> subprocess.CompletedProcess[bytes]:
    mapped = []
    for number, (name, content) in enumerate(attachments.items()):
        (folder / f"part{number}").write_bytes(content)
        mapped += [f"--url-map:cid:{name}", f"part{number}"]
    return subprocess.run(
        [program("xmlsec1"), command, *options, *mapped, "signed.xml"],
        cwd=folder,
        capture_output=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    "attachments",
    [
        pytest.param({}, id="signal"),
        pytest.param(ATTACHMENTS, id="one part"),
        pytest.param({"a@b.example": b"one", "ref2": bytes(range(256))}, id="two parts"),
    ],
)
def test_xmlsec1_verifies_what_we_sign(tmp_path: Path, attachments: Mapping[str, bytes]) -> None:
    assert xmlsec1_accepts(tmp_path, a_signed_envelope(attachments), attachments)


def test_xmlsec1_verifies_ours_with_elements_for_the_next_hop(tmp_path: Path) -> None:
    hop = (
        'text<eb:Via SOAP:actor="urn:oasis:names:tc:ebxml-msg:actor:nextMSH"><eb:x/></eb:Via>more'
        '<eb:Via SOAP:actor="http://schemas.xmlsoap.org/soap/actor/next"/>text'
    )

    assert xmlsec1_accepts(tmp_path, a_signed_envelope(header_blocks=hop), ATTACHMENTS)


@pytest.mark.parametrize(
    ("old", "new"), [(b"910001", b"910002"), (b"</SOAP:Body>", b" </SOAP:Body>")]
)
def test_xmlsec1_and_we_refuse_the_same_change(tmp_path: Path, old: bytes, new: bytes) -> None:
    """Shows that the oracle is awake."""
    changed = a_signed_envelope().replace(old, new, 1)

    assert not xmlsec1_accepts(tmp_path, changed, ATTACHMENTS)
    with pytest.raises(UntrustedSignature):
        ours(changed)


def test_xmlsec1_and_we_refuse_a_changed_part(tmp_path: Path) -> None:
    changed = {name: content + b"." for name, content in ATTACHMENTS.items()}

    assert not xmlsec1_accepts(tmp_path, a_signed_envelope(), changed)


@pytest.mark.parametrize("prefix", ["", "ds"])
@pytest.mark.parametrize("canonicalization", [C14N, EXCLUSIVE_C14N])
@pytest.mark.parametrize(
    "root_attributes",
    [
        pytest.param("", id="plain"),
        pytest.param(' xml:lang="no"', id="xml:lang above"),
        pytest.param(' xmlns:unused="urn:unused"', id="unused namespace above"),
    ],
)
def test_we_verify_what_xmlsec1_signs(
    tmp_path: Path, prefix: str, canonicalization: str, root_attributes: str
) -> None:
    """The template's own values are thrown away; xmlsec1 computes all of them."""
    envelope = an_envelope(root_attributes=root_attributes)
    template = signed_directly(envelope, prefix=prefix, canonicalization=canonicalization)
    for name in (b"SignatureValue", b"DigestValue"):
        template = _emptied(template, prefix.encode(), name)

    signed = xmlsec1_signs(tmp_path, template, ATTACHMENTS)

    assert b"DigestValue/>" not in signed
    exclusive = canonicalization == EXCLUSIVE_C14N
    assert ours(signed).findings == ((EXCLUSIVE_FINDING,) if exclusive else ())


def _emptied(template: bytes, prefix: bytes, name: bytes) -> bytes:
    tag = prefix + b":" + name if prefix else name
    head, *rest = template.split(b"<" + tag + b">")
    closing = b"</" + tag + b">"
    return head + b"".join(b"<" + tag + b"/>" + part.split(closing, 1)[1] for part in rest)


def ours(envelope: bytes) -> SignedEnvelope:
    return signed_envelope(
        parse_untrusted(envelope),
        certificate=a_signing_pair().certificate,
        attachments=ATTACHMENTS,
        at=NOON,
    )


def split(mail: Path) -> tuple[bytes, dict[str, bytes]]:
    """The SOAP part of a mail, and its payload parts by Content-ID."""
    message = email.message_from_bytes(mail.read_bytes(), policy=policy.compat32)
    parts = [part for part in message.walk() if not part.is_multipart()]
    bodies = [part.get_payload(decode=True) for part in parts]
    names = [str(part.get("Content-ID", "")).strip("<>") for part in parts]
    octets = [body for body in bodies if isinstance(body, bytes)]
    return octets[0], dict(zip(names[1:], octets[1:], strict=True))


def own_certificate(envelope: bytes) -> x509.Certificate:
    facts = signature_facts(parse_untrusted(envelope))
    assert facts is not None
    return load_certificate(facts.certificate)


def while_valid(certificate: x509.Certificate) -> datetime:
    """An instant within the validity: some examples are older than their certificates."""
    return certificate.not_valid_before_utc + timedelta(days=1)


@pytest.mark.parametrize(
    ("mail", "findings"),
    [
        ("nav-smtp/acknowledgment.eml", (NO_XPATH_FINDING,)),
        ("nav-smtp/egenandelforesporsel.eml", ()),
        ("worked-example/01-payload-message.eml", ()),
        ("worked-example/02-acknowledgment.eml", ()),
        ("worked-example/03-messageerror.eml", ()),
    ],
)
def test_captured_message_verifies(
    reference_dir: Path, mail: str, findings: tuple[str, ...]
) -> None:
    soap, attachments = split(reference_dir / "ebxml" / mail)
    certificate = own_certificate(soap)

    result = signed_envelope(
        parse_untrusted(soap),
        certificate=certificate,
        attachments=attachments,
        at=while_valid(certificate),
    )

    assert result.findings == findings
    assert result.root.find(f".//{{{EB}}}MessageHeader") is not None
    assert len(result.references) == 1 + len(attachments)


def test_worked_example_is_signed_by_the_certificate_beside_it(reference_dir: Path) -> None:
    folder = reference_dir / "ebxml" / "worked-example"
    soap, _ = split(folder / "01-payload-message.eml")
    beside = x509.load_pem_x509_certificate((folder / "sender-signing-cert.pem").read_bytes())

    assert own_certificate(soap) == beside


def test_captured_message_with_a_replaced_part_fails_on_that_part_only(
    reference_dir: Path,
) -> None:
    soap, attachments = split(reference_dir / "ebxml/nav-smtp/inntektsforesporsel.eml")
    root = parse_untrusted(soap)

    report = inspect_signature(root, attachments)

    assert report.valid
    assert report.references == (
        ReferenceCheck(uri="", valid=True),
        ReferenceCheck(uri="cid:ref1", valid=False),
    )
    certificate, at = own_certificate(soap), while_valid(own_certificate(soap))
    with pytest.raises(UntrustedSignature, match="digest-attachment"):
        signed_envelope(root, certificate=certificate, attachments=attachments, at=at)


def test_captured_message_with_an_edited_envelope_fails(reference_dir: Path) -> None:
    soap, attachments = split(
        reference_dir / "ebxml/nav-smtp/inntektsforesporsel_invalid_cpaid.eml"
    )

    envelope, _ = check_references(parse_untrusted(soap), attachments)

    assert envelope == ReferenceCheck(uri="", valid=False)


SIGNED_MAILS = (
    "nav-smtp/acknowledgment.eml",
    "nav-smtp/acknowledgment_no_from.eml",
    "nav-smtp/ebxml_no_cpaid.eml",
    "nav-smtp/egenandelforesporsel.eml",
    "nav-smtp/inntektsforesporsel.eml",
    "nav-smtp/inntektsforesporsel_invalid_cpaid.eml",
    "nav-smtp/inntektsforesporsel_invalid_from.eml",
    "worked-example/01-payload-message.eml",
    "worked-example/02-acknowledgment.eml",
    "worked-example/03-messageerror.eml",
)


@pytest.mark.parametrize("mail", SIGNED_MAILS)
def test_signxml_and_we_agree_on_a_captured_message(reference_dir: Path, mail: str) -> None:
    """As it is, and damaged in 150 ways; the seed names the way."""
    soap, attachments = split(reference_dir / "ebxml" / mail)
    certificate = own_certificate(soap)
    at = while_valid(certificate)

    require_agreement(soap, certificate, attachments, at)
    for seed in range(150):
        chance = random.Random(f"{mail} {seed}")
        change = damaged if seed % 2 else rearranged
        require_agreement(change(soap, chance), certificate, attachments, at)


@pytest.mark.parametrize("form", FORMS)
def test_signxml_and_we_agree_on_hundreds_of_damaged_envelopes(form: str) -> None:
    """The same changes for the same seed, so a failure can be repeated by its number."""
    verdicts = []
    for seed in range(500):
        chance = random.Random(f"{form} {seed}")
        change = damaged if seed % 2 else rearranged
        envelope = change(signed(form), chance)
        try:
            verdicts.append(
                require_agreement(envelope, a_signing_pair().certificate, ATTACHMENTS, NOON)
            )
        except AssertionError as error:
            raise AssertionError(f"{form}, seed {seed}") from error

    # Some changes are allowed, most are not: a test in which all fall one way shows nothing.
    assert {True, False} <= set(verdicts)
