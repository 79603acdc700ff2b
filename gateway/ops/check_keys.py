"""What ``check`` says about keys and certificates, ours and the partners'."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.adapters.keys import ContentKey, load_content_keys, load_key_pair
from gateway.codecs.certificates import (
    load_certificate,
    organisation_number,
    require_usable_for_sealing,
    require_usable_for_signing,
    serial_text,
)
from gateway.config.settings import Settings
from gateway.domain.addressbook import AddressBook, Enterprise
from gateway.errors import ConfigurationError, GatewayError
from gateway.ops.check_lines import Line, Mark, fault_lines
from gateway.ports import KeyPair

KEYS: Final = "nøkler / keys"
CERTIFICATES: Final = "sertifikater / certificates"
OWN_EXPIRES_SOON: Final = timedelta(days=60)  # a new pair is ordered, installed and registered
EXPIRES_SOON: Final = timedelta(days=30)

_T = TypeVar("_T")
_Usable = Callable[[x509.Certificate, datetime], None]


class OwnKeyFiles:
    """Our keys as far as they can be read, and a line for each that cannot."""

    def __init__(self, settings: Settings) -> None:
        self.lines: list[Line] = []
        ours = settings.keys
        self.signing = self._read(
            partial(load_key_pair, ours.signing_key_file, ours.signing_certificate_file)
        )
        read = [
            self._read(partial(load_key_pair, one.key_file, one.certificate_file))
            for one in ours.unsealing
        ]
        self.unsealing: list[KeyPair] = [pair for pair in read if pair is not None]
        self.content: tuple[ContentKey, ...] | None = self._read(
            partial(load_content_keys, settings.journal.content_key_file)
        )
        if not self.lines:
            count = 1 + len(self.unsealing)
            text = f"{count} nøkkelpar, innholdsnøkkel / {count} key pairs, content key"
            self.lines.append(Line(Mark.OK, KEYS, text))

    def _read(self, load: Callable[[], _T]) -> _T | None:
        try:
            return load()
        except ConfigurationError as error:
            self.lines += fault_lines(KEYS, error)
            return None


def own_certificates(keys: OwnKeyFiles, book: AddressBook | None, now: datetime) -> Iterator[Line]:
    own = next((one for one in book.enterprises if one.own), None) if book is not None else None
    if keys.signing is not None:
        yield _own(keys.signing.certificate, "signering / signing", own, now)
    usable = [_fault(pair.certificate, now, require_usable_for_sealing) for pair in keys.unsealing]
    for pair, fault in zip(keys.unsealing, usable, strict=True):
        if fault is not None and None in usable:
            # Kept for the mail that is still under way to it.
            yield Line(Mark.WARNING, CERTIFICATES, f"egen, eldre / own, earlier: {fault}")
            continue
        yield _own(pair.certificate, "dekryptering / unsealing", own, now)


def _own(certificate: x509.Certificate, use: str, own: Enterprise | None, now: datetime) -> Line:
    signs = use.startswith("signering")
    name = f"egen {use} {serial_text(certificate)}"
    check = require_usable_for_signing if signs else require_usable_for_sealing
    if (fault := _fault(certificate, now, check)) is not None:
        return Line(Mark.FAULT, CERTIFICATES, f"egen / own: {fault}")
    if own is not None:
        number = organisation_number(certificate)
        if number != own.orgnr:
            text = f"{name}: organisasjonsnummer er ikke {own.orgnr} / is not of {own.orgnr}"
            return Line(Mark.WARNING, CERTIFICATES, text)
        registered = own.signing if signs else own.sealing
        if registered and certificate.public_bytes(Encoding.DER) not in registered:
            text = f"{name}: ikke i adresseboken / not in the address book"
            return Line(Mark.WARNING, CERTIFICATES, text)
    return _dated(certificate, name, now)


def partners_certificates(book: AddressBook | None, now: datetime) -> Iterator[Line]:
    partners = [one for one in book.enterprises if not one.own] if book is not None else []
    count = 0
    lines: list[Line] = []
    for partner in partners:
        uses: tuple[tuple[str, tuple[bytes, ...], _Usable], ...] = (
            ("signering / signing", partner.signing, require_usable_for_signing),
            ("kryptering / sealing", partner.sealing, require_usable_for_sealing),
        )
        for use, ders, usable in uses:
            certificates = [load_certificate(der) for der in ders]
            count += len(certificates)
            faults = [_fault(one, now, usable) for one in certificates]
            if None not in faults:
                text = f"{partner.her} {use}: {faults[0] if faults else 'ingen / none'}"
                lines.append(Line(Mark.WARNING, CERTIFICATES, text))
                continue
            last = max(one.not_valid_after_utc for one in certificates)
            if last - now <= EXPIRES_SOON:
                text = f"{partner.her} {use}: utløper / expires {last:%Y-%m-%d}"
                lines.append(Line(Mark.WARNING, CERTIFICATES, text))
    if partners and not lines:
        text = f"{count} sertifikater hos {len(partners)} parter / of {len(partners)} partners"
        lines.append(Line(Mark.OK, CERTIFICATES, text))
    yield from lines


def _fault(certificate: x509.Certificate, now: datetime, usable: _Usable) -> str | None:
    try:
        usable(certificate, now)
    except GatewayError as error:
        return error.detail
    return None


def _dated(certificate: x509.Certificate, name: str, now: datetime) -> Line:
    until = certificate.not_valid_after_utc
    mark = Mark.WARNING if until - now <= OWN_EXPIRES_SOON else Mark.OK
    word = "utløper / expires" if mark is Mark.WARNING else "gyldig til / valid until"
    return Line(mark, CERTIFICATES, f"{name}: {word} {until:%Y-%m-%d}")
