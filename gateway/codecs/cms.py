"""Read the structure of a CMS EnvelopedData (RFC 5652 §6) as far as opening it needs.

Definite lengths only, as DER has them and nearly all senders write; what comes
otherwise goes through ``ber.with_definite_lengths`` first. Linear, without
recursion, and it copies nothing but what it returns. Names and the parameters
of OAEP are left as octets for asn1crypto, which knows their many forms.
"""

from dataclasses import dataclass
from typing import Final

from gateway.codecs.ber import with_definite_lengths

MAX_RECIPIENTS: Final = 50

_INTEGER: Final = 0x02
_OCTETS: Final = 0x04
_OID: Final = 0x06
_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_IMPLICIT_0: Final = 0x80  # a string: encryptedContent, subjectKeyIdentifier
_EXPLICIT_0: Final = 0xA0  # content of ContentInfo; originatorInfo
_EXPLICIT_1: Final = 0xA1  # unprotectedAttrs
# Key transport; by agreement, by a shared key, by password, and others: those are not for us.
_RECIPIENT_KINDS: Final = (_SEQUENCE, 0xA1, 0xA2, 0xA3, 0xA4)

_ENVELOPED_DATA: Final = "1.2.840.113549.1.7.3"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """Object identifier in dotted form, and the parameters as one DER element; b"" if absent."""

    oid: str
    parameters: bytes


@dataclass(frozen=True, slots=True)
class Recipient:
    """One key-transport entry: by issuer (a DER Name) and serial number, or else by key id."""

    issuer: bytes
    serial_number: int
    key_id: bytes | None
    algorithm: Algorithm
    encrypted_key: bytes


@dataclass(frozen=True, slots=True)
class EnvelopedData:
    """What is sealed, how, and for whom; recipients of other kinds are left out."""

    recipients: tuple[Recipient, ...]
    algorithm: Algorithm
    encrypted: memoryview


def read_enveloped_data(sealed: bytes) -> EnvelopedData:
    """Read a ContentInfo that holds EnvelopedData; octets behind it are dropped.

    Raises:
        ValueError: it is something else, damaged, for more than 50 recipients, or
            beyond the bounds of ``with_definite_lengths``.
    """
    try:
        return _read(sealed)
    except ValueError:
        return _read(with_definite_lengths(sealed))


def string_in(element: bytes) -> bytes:
    """The content of one OCTET STRING, as the initial vector is.

    Raises:
        ValueError: it is something else.
    """
    return bytes(_only(memoryview(element), _OCTETS))


def _read(sealed: bytes) -> EnvelopedData:
    (_, info, _), *_ = _elements(memoryview(sealed), (_SEQUENCE,), rest=True)
    content_type, content = _fields(info, _OID, _EXPLICIT_0)
    if _dotted(content_type) != _ENVELOPED_DATA:
        raise ValueError("no EnvelopedData")
    fields = _elements(_only(content, _SEQUENCE), most=5)
    tags = [tag for tag, *_ in fields]
    if tags[1:2] == [_EXPLICIT_0]:  # originatorInfo: certificates we do not need
        del fields[1], tags[1]
    if tags not in ([_INTEGER, _SET, _SEQUENCE], [_INTEGER, _SET, _SEQUENCE, _EXPLICIT_1]):
        raise ValueError("no EnvelopedData")
    _, algorithm, encrypted = _fields(fields[2][1], _OID, _SEQUENCE, _IMPLICIT_0)
    recipients = _elements(fields[1][1], most=MAX_RECIPIENTS)
    if any(tag not in _RECIPIENT_KINDS for tag, *_ in recipients):
        raise ValueError("no recipient")
    return EnvelopedData(
        recipients=tuple(_recipient(value) for tag, value, _ in recipients if tag == _SEQUENCE),
        algorithm=_algorithm(algorithm),
        encrypted=encrypted,
    )


def _recipient(content: memoryview) -> Recipient:
    fields = _elements(content, most=4)
    if [tag for tag, *_ in fields] not in (
        [_INTEGER, _SEQUENCE, _SEQUENCE, _OCTETS],
        [_INTEGER, _IMPLICIT_0, _SEQUENCE, _OCTETS],
    ):
        raise ValueError("no key-transport entry")
    (_, (tag, rid, _), (_, algorithm, _), (_, key, _)) = fields
    issuer, serial_number, key_id = b"", 0, None
    if tag == _SEQUENCE:
        (_, _, name), (_, number, _) = _elements(rid, (_SEQUENCE, _INTEGER))
        issuer, serial_number = bytes(name), int.from_bytes(number, "big", signed=True)
    else:
        key_id = bytes(rid)
    return Recipient(issuer, serial_number, key_id, _algorithm(algorithm), bytes(key))


def _algorithm(content: memoryview) -> Algorithm:
    fields = _elements(content, most=2)
    if not fields or fields[0][0] != _OID:
        raise ValueError("no algorithm")
    parameters = bytes(fields[1][2]) if len(fields) == 2 else b""
    return Algorithm(_dotted(fields[0][1]), parameters)


def _dotted(content: memoryview) -> str:
    if not content or content[-1] & 0x80 or len(content) > 40:
        raise ValueError("no object identifier")
    numbers, number = [], 0
    for octet in content:
        number = number << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def _only(content: memoryview, tag: int) -> memoryview:
    return _fields(content, tag)[0]


def _fields(content: memoryview, *tags: int) -> list[memoryview]:
    return [value for _, value, _ in _elements(content, tags)]


_Element = tuple[int, memoryview, memoryview]  # tag, content, the element with its header


def _elements(
    data: memoryview, tags: tuple[int, ...] | None = None, *, most: int = 0, rest: bool = False
) -> list[_Element]:
    """The elements side by side in ``data``: those of ``tags``, or at most so many of any tag.

    With ``rest`` something may follow the last of ``tags``.
    """
    found: list[_Element] = []
    at, end = 0, len(data)
    most = most if tags is None else len(tags)
    while at < end and not (rest and len(found) == most):
        if len(found) == most or end - at < 2:
            raise ValueError("more than there should be, or cut off")
        start, tag, length = at, data[at], data[at + 1]
        at += 2
        if tag & 0x1F == 0x1F or length == 0x80:
            raise ValueError("a form that is not read here")
        if length & 0x80:
            octets = data[at : at + (length & 0x7F)]
            at += len(octets)
            length = int.from_bytes(octets, "big")
        if length > end - at:
            raise ValueError("cut off")
        found.append((tag, data[at : at + length], data[start : at + length]))
        at += length
    if tags is not None and tuple(tag for tag, *_ in found) != tags:
        raise ValueError("something else than it should be")
    return found
