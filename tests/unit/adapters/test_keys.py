"""Keys are read from files, and every fault of a set is named at once, never its content."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from gateway.adapters.keys import load_content_keys, load_key_pair
from gateway.errors import ConfigurationError
from gateway.ports import KeyPair
from tests.builders_keys import a_signing_pair

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(1, 33))).decode()


def written(
    folder: Path,
    pair: KeyPair | None = None,
    *,
    encryption: KeySerializationEncryption | None = None,
) -> tuple[Path, Path]:
    """Files of a key and a certificate; the key with mode 0600."""
    pair = pair or a_signing_pair()
    key, certificate = folder / "key.pem", folder / "cert.pem"
    key.write_bytes(
        pair.private_key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()
        )
    )
    key.chmod(0o600)
    certificate.write_bytes(pair.certificate.public_bytes(Encoding.PEM))
    return key, certificate


def faults_of(key: Path, certificate: Path) -> list[tuple[str, str]]:
    with pytest.raises(ConfigurationError) as caught:
        load_key_pair(key, certificate)
    return [(Path(fault.where).name, fault.detail) for fault in caught.value.faults]


def test_key_pair_is_read(tmp_path: Path) -> None:
    pair = load_key_pair(*written(tmp_path))

    assert pair.certificate == a_signing_pair().certificate
    assert pair.private_key.public_key() == pair.certificate.public_key()


def test_all_missing_files_are_named(tmp_path: Path) -> None:
    assert faults_of(tmp_path / "a", tmp_path / "b") == [
        ("a", "no such file"),
        ("b", "no such file"),
    ]


def test_folder_instead_of_a_file_is_a_fault(tmp_path: Path) -> None:
    _, certificate = written(tmp_path)

    assert faults_of(tmp_path, certificate)[0][1].startswith("cannot be read")


def test_key_of_another_certificate_is_a_fault(tmp_path: Path) -> None:
    mixed = KeyPair(a_signing_pair("foreign").private_key, a_signing_pair().certificate)

    assert faults_of(*written(tmp_path, mixed)) == [("key.pem", "does not belong to cert.pem")]


def test_key_with_a_passphrase_is_a_fault(tmp_path: Path) -> None:
    files = written(tmp_path, encryption=BestAvailableEncryption(b"secret"))

    assert faults_of(*files) == [("key.pem", "the key has a passphrase; keys are read without")]


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o666, 0o620, 0o601])
def test_key_open_to_others_is_a_fault(tmp_path: Path, mode: int) -> None:
    key, certificate = written(tmp_path)
    key.chmod(mode)

    ((where, detail),) = faults_of(key, certificate)

    assert where == "key.pem"
    assert f"mode {mode:04o}" in detail


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440])
def test_key_for_owner_and_group_is_accepted(tmp_path: Path, mode: int) -> None:
    key, certificate = written(tmp_path)
    key.chmod(mode)

    load_key_pair(key, certificate)


def test_key_that_is_not_rsa_is_a_fault(tmp_path: Path) -> None:
    key, certificate = written(tmp_path)
    elliptic = ec.generate_private_key(ec.SECP256R1())
    key.write_bytes(elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    assert faults_of(key, certificate) == [("key.pem", "not an RSA key")]


def test_files_of_something_else_are_faults(tmp_path: Path) -> None:
    key, certificate = written(tmp_path)
    key.write_bytes(b"SECRET-WORD")
    certificate.write_bytes(b"\xff")

    assert faults_of(key, certificate) == [
        ("key.pem", "not a private key in PEM"),
        ("cert.pem", "not a certificate in PEM"),
    ]


def test_error_text_never_holds_key_material(tmp_path: Path) -> None:
    key, certificate = written(tmp_path)
    key.write_bytes(b"-----BEGIN PRIVATE KEY-----\nSECRETWORD\n-----END PRIVATE KEY-----\n")
    with pytest.raises(ConfigurationError) as caught:
        load_key_pair(key, certificate)

    assert "SECRETWORD" not in f"{caught.value} {caught.value.faults}"
    assert caught.value.__cause__ is None


def content_file(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    file = folder / "content.key"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    file.chmod(mode)
    return file


def test_first_content_key_is_the_current_one(tmp_path: Path) -> None:
    file = content_file(tmp_path, f"# keys\n\nk2 {OTHER}\r\n  k1   {KEY}  \n")

    keys = load_content_keys(file)

    assert [key.key_id for key in keys] == ["k2", "k1"]
    assert keys[1].key == bytes(range(32))


def test_content_key_does_not_show_itself(tmp_path: Path) -> None:
    (key,) = load_content_keys(content_file(tmp_path, f"k1 {KEY}"))

    assert repr(key) == "ContentKey(key_id='k1')"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param(f"k1 {KEY}\nk1 {OTHER}", ["2"], id="id twice"),
        pytest.param("k1 AAAA\nk2\nk3 ####", ["1", "2", "3"], id="no keys"),
        pytest.param(KEY, ["1"], id="key without id"),
        pytest.param(f"a:b {KEY}", ["1"], id="odd id"),
        pytest.param(f"k1 {KEY} extra", ["1"], id="third word"),
    ],
)
def test_wrong_lines_are_named_by_number(tmp_path: Path, text: str, lines: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_content_keys(content_file(tmp_path, text))

    assert [fault.where.rpartition(":")[2] for fault in caught.value.faults] == lines
    assert KEY not in f"{caught.value}{caught.value.faults}"


@pytest.mark.parametrize("text", [b"", b"# none\n\n", b"k1 \xff\xfe"])
def test_file_without_readable_keys_is_a_fault(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(ConfigurationError):
        load_content_keys(content_file(tmp_path, text))


def test_missing_content_key_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        load_content_keys(tmp_path / "none")


def test_content_keys_open_to_others_are_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="mode 0644"):
        load_content_keys(content_file(tmp_path, f"k1 {KEY}", 0o644))
