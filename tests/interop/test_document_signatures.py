"""Another program's verdict on the personal signatures of documents, and a large one."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from gateway.codecs.xml import DS, parse_untrusted
from tests.builders_personal import a_doctor
from tests.builders_received import a_document
from tests.interop.programs import program
from tests.unit.codecs.test_document_signature import GOOD, faults_of, signed

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def xmlsec1(folder: Path, command: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [program("xmlsec1"), command, *options, "signed.xml"],
        cwd=folder,
        capture_output=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("form", GOOD)
def test_xmlsec1_accepts_what_we_accept(form: dict[str, Any], tmp_path: Path) -> None:
    """So the forms that the tests sign by hand are those of the standard."""
    signer = form.get("signer") or a_doctor()
    (tmp_path / "signed.xml").write_bytes(signed(**form))
    (tmp_path / "cert.pem").write_bytes(signer.certificate.public_bytes(Encoding.PEM))
    done = xmlsec1(tmp_path, "--verify", "--pubkey-cert-pem", "cert.pem")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("form", [p for p in GOOD if "signer" not in p.values[0]])
def test_we_accept_what_xmlsec1_signs(form: dict[str, Any], tmp_path: Path) -> None:
    template = parse_untrusted(signed(**form))
    for name in ("DigestValue", "SignatureValue"):
        for element in template[-1].iter(f"{{{DS}}}{name}"):
            element.text = None
    (tmp_path / "signed.xml").write_bytes(etree.tostring(template.getroottree()))
    (tmp_path / "key.pem").write_bytes(
        a_doctor().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    done = xmlsec1(tmp_path, "--sign", "--privkey-pem", "key.pem")
    assert done.returncode == 0, done.stderr
    assert faults_of(done.stdout, at=AT) == ()


def test_large_content_is_verified_too() -> None:
    """Above 10 MB in one text, where the parser of signxml gives up."""
    document = a_document().replace(b"pasienten", b"pasienten " * 1_100_000, 1)
    assert faults_of(signed(document)) == ()
