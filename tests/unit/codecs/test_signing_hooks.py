"""The private hooks of signxml that our subclasses override are still there and still called.

When one of these fails after an update, read the new signxml before anything
else: a hook that is no longer called would leave out a check in silence.
"""

import inspect

import pytest
from signxml.signer import XMLSigner
from signxml.verifier import XMLVerifier

from gateway.codecs.second_opinion import (
    LoneSignatureVerifier,
    _EbmsVerifier,
    second_opinion,
)
from gateway.codecs.xml import parse_untrusted
from tests.builders_keys import NOON, a_signing_pair
from tests.builders_signatures import ATTACHMENTS, a_signed_envelope, an_envelope
from tests.signxml_signer import ProfileSigner, signed_by_signxml


def _parameters(owner: type, name: str) -> list[str]:
    return list(inspect.signature(getattr(owner, name)).parameters)


@pytest.mark.parametrize(
    ("ours", "theirs", "name"),
    [
        (ProfileSigner, XMLSigner, "_get_c14n_inputs_from_references"),
        (ProfileSigner, XMLSigner, "_findall"),
        (ProfileSigner, XMLSigner, "_build_transforms_for_reference"),
        (ProfileSigner, XMLSigner, "_c14n"),
        (LoneSignatureVerifier, XMLVerifier, "_tostring"),
        (_EbmsVerifier, XMLVerifier, "_c14n"),
        (_EbmsVerifier, XMLVerifier, "_verify_reference"),
    ],
)
def test_hook_has_the_parameters_that_signxml_gives_it(ours: type, theirs: type, name: str) -> None:
    assert name in ours.__dict__
    assert _parameters(ours, name) == _parameters(theirs, name)


def test_signing_calls_every_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    called = _spy(monkeypatch, ProfileSigner)

    signed_by_signxml(an_envelope(), pair=a_signing_pair(), attachments=ATTACHMENTS)

    assert called == {
        "_get_c14n_inputs_from_references",
        "_findall",
        "_build_transforms_for_reference",
        "_c14n",
    }


def test_verifying_calls_every_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    envelope = parse_untrusted(a_signed_envelope())
    called = _spy(monkeypatch, _EbmsVerifier)
    called_above = _spy(monkeypatch, LoneSignatureVerifier)

    second_opinion(
        envelope, certificate=a_signing_pair().certificate, attachments=ATTACHMENTS, at=NOON
    )

    assert called == {"_c14n", "_verify_reference"}
    assert called_above == {"_tostring"}


def _spy(monkeypatch: pytest.MonkeyPatch, owner: type) -> set[str]:
    """Note which overridden methods of ``owner`` are called."""
    called: set[str] = set()
    for name, method in list(vars(owner).items()):
        if not inspect.isfunction(method) or name == "__init__":
            continue

        def wrapped(
            *args: object, _name: str = name, _method: object = method, **kwargs: object
        ) -> object:
            called.add(_name)
            assert callable(_method)
            return _method(*args, **kwargs)

        monkeypatch.setattr(owner, name, wrapped)
    return called
