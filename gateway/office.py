"""All that the configuration names, read from its files: keys, address book, services."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from gateway.adapters.keys import load_content_keys, load_key_pair
from gateway.adapters.registers import load_address_book, load_services
from gateway.codecs.mime import MailLimits
from gateway.codecs.xml import XmlLimits
from gateway.config.settings import Settings
from gateway.domain.addressbook import AddressBook, Enterprise
from gateway.domain.identifiers import HerId
from gateway.domain.screening import ScreeningPolicy
from gateway.domain.services import ServiceType
from gateway.errors import ConfigurationError, Fault
from gateway.ports import ContentKeys, KeyPair

_T = TypeVar("_T")

_FOREIGN_DOMAIN: Final = {"test": "edi.nhn.no", "production": "testedi.nhn.no"}
"""Where the addresses of the other environment end."""


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """Our keys as the processes need them."""

    signing: KeyPair
    unsealing: tuple[KeyPair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """All that the configuration names, read from its files: no network, no database."""

    settings: Settings
    services: tuple[ServiceType, ...]
    book: AddressBook
    keys: OwnKeys
    content_keys: ContentKeys

    @property
    def own(self) -> Enterprise:
        """The enterprise we are; the first one where the address book has several."""
        return next(one for one in self.book.enterprises if one.own)

    def address_of(self, her: HerId) -> str:
        """Our EDI address as the register has it for a party of ours: From must be that.

        That of the first enterprise where an envelope named nobody of ours: whom it did
        name must not answer.
        """
        entry = self.book.by_her(her)
        enterprise = entry.enterprise if entry is not None else self.book.enterprise(her)
        return enterprise.edi if enterprise is not None and enterprise.own else self.own.edi

    @property
    def screening(self) -> ScreeningPolicy:
        """The configured decisions of screening."""
        return self.settings.rules.policy(
            outgoing_attachments=self.settings.outgoing.attachments,
            incoming_attachments=self.settings.incoming.attachments,
            synthetic_allowed=self.settings.environment == "test",
        )

    @property
    def xml_limits(self) -> XmlLimits:
        limits = self.settings.limits
        return XmlLimits(
            max_bytes=limits.document_bytes, max_depth=limits.xml_depth, max_nodes=limits.xml_nodes
        )

    @property
    def mail_limits(self) -> MailLimits:
        return MailLimits(max_bytes=self.settings.limits.mail_bytes)


def mixed_environments(settings: Settings, book: AddressBook) -> list[Fault]:
    """A fault for each address of the other of NHN's two environments; they never mix."""
    other = _FOREIGN_DOMAIN[settings.environment]
    return [
        Fault(f"enterprise[{i}].edi", f"is of {other}, but environment is {settings.environment}")
        for i, one in enumerate(book.enterprises)
        if one.edi.lower().endswith(f"@{other}")
    ]


def open_office(settings: Settings) -> Office:
    """Read keys, certificates, services and the address book.

    Raises:
        ConfigurationError: everything that is wrong in any of the files, at once.
    """
    faults: list[Fault] = []

    def read(load: Callable[[], _T]) -> _T | None:
        try:
            return load()
        except ConfigurationError as error:
            faults.extend(error.faults or (Fault("", error.detail),))
            return None

    ours = settings.keys
    services = read(lambda: load_services(settings.address_book.services_file))
    partners = settings.address_book.partners_file
    book = None if services is None else read(partial(load_address_book, partners, services))
    if book is not None:
        faults += mixed_environments(settings, book)
    signing = read(lambda: load_key_pair(ours.signing_key_file, ours.signing_certificate_file))
    unsealing = [
        read(partial(load_key_pair, pair.key_file, pair.certificate_file))
        for pair in ours.unsealing
    ]
    content = read(lambda: load_content_keys(settings.journal.content_key_file))
    if faults or services is None or book is None or signing is None or content is None:
        listed = "; ".join(f"{fault.where}: {fault.detail}" for fault in faults)
        raise ConfigurationError(listed, faults=tuple(faults))
    return Office(
        settings=settings,
        services=services,
        book=book,
        keys=OwnKeys(signing, tuple(pair for pair in unsealing if pair is not None)),
        content_keys=ContentKeys(
            current=content[0].key_id, by_id={key.key_id: key.key for key in content}
        ),
    )
