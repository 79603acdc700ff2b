"""Rewrite BER with definite lengths, within bounds, before anything else reads it.

Partners that stream (``openssl cms -stream``, some Java libraries) write CMS
with indefinite lengths and strings in chunks. A library that joins such chunks
takes quadratic time: a mail of a few megabytes in one-byte chunks would occupy
a process for minutes. Here it is one pass over at most so many elements.
"""

from typing import Final

MAX_ELEMENTS: Final = 100_000  # 35 MB in chunks of 350 bytes; writers use 1 kB and more
MAX_DEPTH: Final = 24

_CONSTRUCTED: Final = 0x20
_OCTET_STRING: Final = 0x04
_IMPLICIT_0: Final = 0xA0  # encryptedContent: [0] IMPLICIT OCTET STRING
_MORE_TAG_OCTETS: Final = 0x1F
_END: Final = b"\x00\x00"


def with_definite_lengths(data: bytes) -> bytes:
    """Return the first element of ``data`` with definite lengths and strings in one piece.

    Octets after the element are dropped, as mail systems add line ends. A
    constructed [0] that holds octet strings only is taken for a string in chunks.

    Raises:
        ValueError: not BER, cut off, deeper or of more elements than the bounds.
    """
    element, _ = _Reader(memoryview(data)).element(0, len(data), 0)
    if element is None:
        raise ValueError("no element")
    return b"".join(_encoded(*element))


_Pieces = list["bytes | memoryview"]


class _Reader:
    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.left = MAX_ELEMENTS

    def element(self, start: int, end: int, depth: int) -> tuple[tuple[int, _Pieces] | None, int]:
        """Read one element, None for the end mark, and say where the next begins."""
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH:
            raise ValueError("too many elements, or too deep")
        if bytes(self.data[start : min(start + 2, end)]) == _END:
            return None, start + 2
        if start + 2 > end:
            raise ValueError("cut off")
        tag, first = self.data[start], self.data[start + 1]
        if tag & _MORE_TAG_OCTETS == _MORE_TAG_OCTETS:
            raise ValueError("tag number above 30")
        at = start + 2
        if first == 0x80:
            if not tag & _CONSTRUCTED:
                raise ValueError("primitive of indefinite length")
            return self._constructed(tag, at, end, depth, indefinite=True)
        length = first
        if first & 0x80:
            octets = self.data[at : at + (first & 0x7F)]
            at += len(octets)
            length = int.from_bytes(octets, "big")
        if at + length > end:
            raise ValueError("cut off")
        if tag & _CONSTRUCTED:
            return self._constructed(tag, at, at + length, depth, indefinite=False)
        return (tag, [self.data[at : at + length]]), at + length

    def _constructed(
        self, tag: int, at: int, end: int, depth: int, *, indefinite: bool
    ) -> tuple[tuple[int, _Pieces], int]:
        children: list[tuple[int, _Pieces]] = []
        while indefinite or at < end:
            child, at = self.element(at, end, depth + 1)
            if child is None:
                if indefinite:
                    break
                raise ValueError("end mark in an element of definite length")
            children.append(child)
        in_chunks = children and all(child_tag == _OCTET_STRING for child_tag, _ in children)
        if tag == _OCTET_STRING | _CONSTRUCTED or (tag == _IMPLICIT_0 and in_chunks):
            if any(child_tag != _OCTET_STRING for child_tag, _ in children):
                raise ValueError("a string of something else than strings")
            return (tag & ~_CONSTRUCTED, [p for _, pieces in children for p in pieces]), at
        return (tag, [piece for child in children for piece in _encoded(*child)]), at


def _encoded(tag: int, pieces: _Pieces) -> _Pieces:
    length = sum(len(piece) for piece in pieces)
    if length < 0x80:
        header = bytes([tag, length])
    else:
        octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
        header = bytes([tag, 0x80 | len(octets)]) + octets
    return [header, *pieces]
