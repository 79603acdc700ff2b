"""Our signer and verifier agree with those built on signxml, on good and damaged envelopes."""

import random
from collections.abc import Callable, Mapping
from functools import cache

import pytest

from gateway.codecs.signing import sign_envelope
from gateway.codecs.xml import parse_untrusted
from tests.builders_keys import NOON, a_signing_pair
from tests.builders_signatures import (
    ATTACHMENTS,
    CANONICAL,
    ENVELOPED,
    EXCLUSIVE_C14N,
    NEXT_MSH,
    a_signed_envelope,
    an_envelope,
    signed_directly,
)
from tests.signxml_signer import signed_by_signxml
from tests.two_verifiers import damaged, rearranged, require_agreement

_HOP = f'text<eb:Via SOAP:actor="{NEXT_MSH}"><eb:x/></eb:Via>more<eb:y/>'
TWO: Mapping[str, bytes] = {"a@b.example": b"one", "blåbær<1>": bytes(range(256))}


def with_line_end_behind() -> bytes:
    """The signature stands before the line end that was the last text of the header."""
    end, behind = b"&#13;\n ", b"</ds:Signature>"
    envelope = a_signed_envelope(header_blocks="&#13;")
    assert end + b"<ds:Signature" in envelope
    return envelope.replace(end, b"").replace(behind, behind + end)


FORMS: dict[str, Callable[[], bytes]] = {
    "ours": a_signed_envelope,
    "without prefix": signed_directly,
    "with prefix": lambda: signed_directly(prefix="dsig"),
    "exclusive": lambda: signed_directly(canonicalization=EXCLUSIVE_C14N),
    "xml:lang above": lambda: signed_directly(an_envelope(root_attributes=' xml:lang="no"')),
    "without XPath": lambda: signed_directly(transforms=(ENVELOPED, CANONICAL)),
    "blocks for the next hop": lambda: a_signed_envelope(header_blocks=_HOP),
    "line end of Windows behind": with_line_end_behind,
}


@cache
def signed(form: str) -> bytes:
    return FORMS[form]()


@pytest.mark.parametrize("attachments", [{}, ATTACHMENTS, TWO], ids=["signal", "one", "two"])
@pytest.mark.parametrize("blocks", ["", _HOP], ids=["plain", "with blocks for the next hop"])
@pytest.mark.parametrize("root_attributes", ["", ' xml:lang="no" xmlns:unused="urn:unused"'])
def test_we_sign_the_octets_that_signxml_signs(
    attachments: Mapping[str, bytes], blocks: str, root_attributes: str
) -> None:
    """RSA with PKCS#1 v1.5 padding has no chance in it: all octets must be the same."""
    pair = a_signing_pair()
    root = an_envelope(
        tuple(attachments)[:1], header_blocks=blocks, root_attributes=root_attributes
    )

    ours = sign_envelope(
        root, private_key=pair.private_key, certificate=pair.certificate, attachments=attachments
    )

    assert ours == signed_by_signxml(root, pair=pair, attachments=attachments)


@pytest.mark.parametrize("form", FORMS)
def test_both_accept_every_form_that_is_right(form: str) -> None:
    assert agreed(signed(form))


@pytest.mark.parametrize("attachments", [{}, {"other": b""}, {**ATTACHMENTS, "x": b""}])
def test_both_refuse_parts_that_do_not_fit(attachments: Mapping[str, bytes]) -> None:
    assert agreed(signed("ours"), attachments) is False


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("form", FORMS)
def test_both_decide_alike_on_a_damaged_envelope(form: str, seed: int) -> None:
    """A handful of seeds here; ``tests/interop/test_signatures.py`` has thousands."""
    chance = random.Random(f"{form} {seed}")
    change = damaged if seed % 2 else rearranged

    agreed(change(signed(form), chance))


def agreed(envelope: bytes, attachments: Mapping[str, bytes] = ATTACHMENTS) -> bool | None:
    return require_agreement(envelope, a_signing_pair().certificate, attachments, NOON)


def test_changed_text_divides_nobody() -> None:
    """Shows that agreement is not all refusals for want of XML."""
    assert parse_untrusted(signed("ours")) is not None
    assert agreed(signed("ours").replace(b"910001", b"910002")) is False
