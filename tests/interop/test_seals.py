"""OpenSSL opens what we seal, and we open what OpenSSL seals in every form partners use."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.codecs.sealing import Unsealed, seal, seal_facts, unseal
from gateway.errors import CannotUnseal
from gateway.ports import KeyPair
from tests.builders_keys import a_sealing_pair
from tests.interop.programs import program
from tests.interop.test_signatures import split

LARGE = b"<a>" + bytes(range(32, 127)) * 1000 + b"\n\r\n</a>"


def openssl(folder: Path, *arguments: str) -> bytes:
    done = subprocess.run(
        [program("openssl"), "cms", *arguments],
        cwd=folder,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def store(folder: Path, name: str, pair: KeyPair) -> None:
    (folder / f"{name}.cert.pem").write_bytes(pair.certificate.public_bytes(Encoding.PEM))
    (folder / f"{name}.key.pem").write_bytes(
        pair.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store(tmp_path, "ours", a_sealing_pair())
    store(tmp_path, "other", a_sealing_pair("other"))
    (tmp_path / "document").write_bytes(LARGE)
    return tmp_path


def sealed_by_openssl(folder: Path, *options: str) -> bytes:
    return openssl(folder, "-encrypt", "-binary", "-outform", "DER", "-in", "document", *options)


@pytest.mark.parametrize("document", [LARGE, b"<a/>", b"", "<ø>\r\n</ø>".encode()])
def test_openssl_opens_what_we_seal(folder: Path, document: bytes) -> None:
    (folder / "sealed").write_bytes(seal(document, certificate=a_sealing_pair().certificate))

    opened = openssl(
        folder,
        *("-decrypt", "-binary", "-inform", "DER", "-in", "sealed"),
        *("-inkey", "ours.key.pem", "-recip", "ours.cert.pem"),
    )

    assert opened == document


@pytest.mark.parametrize(
    ("options", "cipher", "key_transport"),
    [
        pytest.param(["-des3"], "3DES-CBC", "RSA-PKCS1-v1_5", id="3des"),
        pytest.param(["-aes128"], "AES-128-CBC", "RSA-PKCS1-v1_5", id="aes128"),
        pytest.param(["-aes192"], "AES-192-CBC", "RSA-PKCS1-v1_5", id="aes192"),
        pytest.param(["-aes256"], "AES-256-CBC", "RSA-PKCS1-v1_5", id="aes256"),
        pytest.param(["-aes256", "-keyid"], "AES-256-CBC", "RSA-PKCS1-v1_5", id="key id"),
        pytest.param(["-aes256", "-stream"], "AES-256-CBC", "RSA-PKCS1-v1_5", id="stream"),
        pytest.param(["-des3", "-stream", "-keyid"], "3DES-CBC", "RSA-PKCS1-v1_5", id="all odd"),
    ],
)
def test_we_open_what_openssl_seals(
    folder: Path, options: list[str], cipher: str, key_transport: str
) -> None:
    octets = sealed_by_openssl(folder, *options, "-recip", "ours.cert.pem")

    result, facts = opened(octets), seal_facts(octets)

    assert facts is not None
    assert (facts.cipher, facts.key_transport) == (cipher, key_transport)
    assert facts.recipients[0].startswith("key-id:" if "-keyid" in options else "serial:")

    assert (result.document, result.cipher, result.key_transport) == (LARGE, cipher, key_transport)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param([], id="defaults"),
        pytest.param(["rsa_oaep_md:sha256"], id="sha256"),
        pytest.param(["rsa_oaep_md:sha256", "rsa_mgf1_md:sha1"], id="sha256, mgf sha1"),
        pytest.param(["rsa_oaep_md:sha512", "rsa_oaep_label:6162"], id="sha512, label"),
    ],
)
def test_we_open_oaep(folder: Path, options: list[str]) -> None:
    padding = ["rsa_padding_mode:oaep", *options]
    arguments = [word for option in padding for word in ("-keyopt", option)]
    octets = sealed_by_openssl(folder, "-aes256", "-recip", "ours.cert.pem", *arguments)

    result = opened(octets)

    assert (result.document, result.key_transport) == (LARGE, "RSA-OAEP")


@pytest.mark.parametrize(
    "recipients",
    [
        ["-recip", "other.cert.pem", "-recip", "ours.cert.pem"],
        ["-recip", "ours.cert.pem", "-recip", "other.cert.pem"],
    ],
)
def test_we_open_what_was_sealed_for_two(folder: Path, recipients: list[str]) -> None:
    octets = sealed_by_openssl(folder, "-aes256", *recipients)

    facts = seal_facts(octets)

    assert facts is not None
    assert len(facts.recipients) == 2
    assert opened(octets).document == LARGE


def test_what_openssl_sealed_for_another_does_not_open(folder: Path) -> None:
    octets = sealed_by_openssl(folder, "-aes256", "-recip", "other.cert.pem")

    with pytest.raises(CannotUnseal):
        opened(octets)


def test_cipher_outside_the_list_does_not_open(folder: Path) -> None:
    octets = sealed_by_openssl(folder, "-camellia256", "-recip", "ours.cert.pem")

    facts = seal_facts(octets)

    assert facts is not None
    assert not facts.readable
    with pytest.raises(CannotUnseal):
        opened(octets)


def opened(octets: bytes) -> Unsealed:
    pair = a_sealing_pair()
    return unseal(octets, keys=[(pair.private_key, pair.certificate)], max_bytes=1_000_000)


@pytest.mark.parametrize(
    ("mail", "cipher"),
    [
        ("nav-smtp/egenandelforesporsel.eml", "3DES-CBC"),
        ("worked-example/01-payload-message.eml", "AES-256-CBC"),
    ],
)
def test_captured_seal_is_described(reference_dir: Path, mail: str, cipher: str) -> None:
    _, attachments = split(reference_dir / "ebxml" / mail)
    (octets,) = attachments.values()

    facts = seal_facts(octets)

    assert facts is not None
    assert (facts.cipher, facts.key_transport) == (cipher, "RSA-PKCS1-v1_5")
    assert len(facts.recipients) == 1
