"""Rules on sender and receiver; ``domain.addressing`` finds most breaches (R-38, R-65-R-84).

Here is what they say, and those of their questions that need no address book.
"""

from collections.abc import Iterator
from typing import Final

from gateway.domain.addressbook import Entry
from gateway.domain.findings import Stage
from gateway.domain.rules.model import (
    ADVISE,
    FOLLOW_UP,
    OTHER_RECEIVER,
    REJECT,
    Case,
    Hit,
    Rule,
    Section,
)
from gateway.domain.rules.policy import ScreeningPolicy
from gateway.errors import Who

_BY_ADDRESSING: Final = "looked up in the address book (domain/addressing.py)"
_INPATIENT_TYPES: Final = frozenset({("8668", "1"), ("8668", "2")})
_GENERAL_PRACTITIONER: Final = "8663:KA01"


def is_inpatient_address(entry: Entry | None) -> bool:
    """Whether messages about admitted patients go there (PLO Innleggelse; R-15)."""
    if entry is None or entry.service is None:
        return False
    return (entry.service.type.system, entry.service.type.code) in _INPATIENT_TYPES


def about_admitted(*ends: Entry | None) -> bool:
    """Whether a message between these is about an admitted patient (R-15).

    The window and the reply time of ordinary dialogue do not apply to those.
    """
    return any(is_inpatient_address(end) for end in ends)


def may_receive(sender: Entry, receiver: Entry, policy: ScreeningPolicy) -> bool:
    """Whether the guideline has ``receiver`` as an address for messages of ``sender`` (R-72).

    Hospital and municipality write to each other's services. A person whom the
    address book lists is permitted by being listed; a general practitioners'
    service, and any other type, only by configuration.
    """
    if receiver.service is None:
        return True
    kind = receiver.service.type
    if kind.code_text in policy.extra_receiver_types:
        return True
    if kind.code_text == _GENERAL_PRACTITIONER:
        return False
    return sender.service is None or sender.service.type.side is not kind.side


def _single_receiver(case: Case) -> Iterator[Hit]:
    if case.message.other_receivers:
        yield Hit(
            nb="En dialogmelding har én mottaker; kopimottakere brukes ikke.",
            en="A dialogue message has one receiver; copy receivers are not used.",
            where=OTHER_RECEIVER,
        )


SINGLE_RECEIVER: Final = Rule(
    id="R-38",
    section=Section.TEXT,
    stage=Stage.ADDRESS,
    nb="Én tjeneste og ett fagområde i hver melding; ingen kopimottakere.",
    en="One receiving service and one specialty a message, no copy receivers. Several names of "
    "services in one text get a remark.",
    outgoing=(REJECT, ADVISE),
    incoming=(FOLLOW_UP,),
    codes=("EPJ_RECEIVER", "EPJ_ADVICE_MIX"),
    check=_single_receiver,
)
FILED: Final = Rule(
    id="R-65",
    section=Section.SHARED,
    stage=Stage.ADDRESS,
    nb="En melding som kommer inn, legges hos tjenesten den er adressert til. Finnes ikke "
    "tjenesten hos oss, får avsenderen beskjed.",
    en="An incoming message is filed under the service it is addressed to. A HER-id that is not "
    "ours is refused (R-70); one of ours without a service is for the message responsible.",
    incoming=(FOLLOW_UP,),
    codes=("EPJ_RECEIVER",),
    elsewhere=_BY_ADDRESSING,
)
LEVELS_AGREE: Final = Rule(
    id="R-66",
    section=Section.SHARED,
    stage=Stage.ADDRESS,
    nb="Adressene i meldingen må være de samme som utenpå konvolutten, og tjenesten må høre til "
    "virksomheten.",
    en="The HER-ids of the message equal those of the envelope, and level 1 is the parent of "
    "level 2 in the register. A sender without HER-ids is followed up.",
    incoming=(REJECT, FOLLOW_UP),
    codes=("EPJ_RECEIVER", "EPJ_SENDER"),
    apprec=("E21",),
    switches=("answer_e21",),
    elsewhere=_BY_ADDRESSING,
)
OUR_SERVICE: Final = Rule(
    id="R-70",
    section=Section.ADDRESS,
    stage=Stage.ADDRESS,
    nb="Meldinger til oss adresseres til en bestemt tjeneste, ikke til virksomheten som helhet.",
    en="Incoming: the receiver is one of our registered services, with HER-ids on both levels. "
    "The enterprise alone is refused.",
    incoming=(REJECT, FOLLOW_UP),
    codes=("EPJ_RECEIVER",),
    apprec=("E21",),
    switches=("answer_e21",),
    elsewhere=_BY_ADDRESSING,
)
PERMITTED_TYPE: Final = Rule(
    id="R-72",
    section=Section.ADDRESS,
    stage=Stage.ADDRESS,
    nb="Sykehuset sender til de kommunale tjenestene i retningslinjen, kommunen til sykehusets. "
    "En fastlege kan bare være mottaker når adresseboken har legen som person.",
    en="Outgoing: the hospital writes to the municipal services of the guideline, a municipality "
    "to the hospital's. A person in the address book is permitted by being listed there; "
    "other types (such as KA01, general practitioner) only by configuration.",
    outgoing=(REJECT,),
    codes=("EPJ_RECEIVER",),
    switches=("extra_receiver_types",),
    elsewhere=_BY_ADDRESSING,
)
RESOLVABLE: Final = Rule(
    id="R-82",
    section=Section.ADDRESS,
    stage=Stage.ADDRESS,
    nb="Avsender og mottaker må finnes i adresseboken, med både virksomhet og tjeneste. Et annet "
    "navn enn adressebokens gir en merknad.",
    en="Sender and receiver have HER-ids on both levels and are in the address book; the sender "
    "is a service of ours, the receiver not one that only sends. JSON gets the book's names. A "
    "MsgHead that passes, passes unchanged: where it names a party otherwise, its author gets a "
    "remark.",
    outgoing=(REJECT, ADVISE),
    codes=("EPJ_RECEIVER", "EPJ_SENDER", "EPJ_ADVICE_ADDR"),
    elsewhere=_BY_ADDRESSING,
)
REACHABLE: Final = Rule(
    id="R-84",
    section=Section.ADDRESS,
    stage=Stage.ADDRESS,
    nb="Mottakeren må kunne nås elektronisk: adresse og krypteringssertifikat må være registrert.",
    en="The receiver has an EDI address and a certificate to seal for. Whether the certificate "
    "may be used now is judged when the message is sealed.",
    outgoing=(REJECT,),
    codes=("EPJ_RECEIVER",),
    who=Who.ADMINISTRATOR,
    elsewhere=_BY_ADDRESSING,
)

RULES: Final = (
    SINGLE_RECEIVER,
    FILED,
    LEVELS_AGREE,
    OUR_SERVICE,
    PERMITTED_TYPE,
    RESOLVABLE,
    REACHABLE,
)
