"""Text alone: attachments and markup are taken out, or refuse the message (R-35, R-36)."""

from collections.abc import Iterator
from typing import Final

from gateway.domain.findings import Stage
from gateway.domain.message import Markup
from gateway.domain.rules.model import CONTENT, REJECT, STRIP, Case, Hit, Rule, Section, is_blank


def _attachments(case: Case) -> Iterator[Hit]:
    message = case.message
    if not message.attachments:
        return
    policy = case.policy.outgoing_attachments if case.outgoing else case.policy.incoming_attachments
    breaks_signature = message.signed and case.outgoing
    left = case.text if message.text_left is None else message.text_left
    reject = policy == "reject" or is_blank(left) or breaks_signature
    for attachment in message.attachments:
        if reject:
            yield Hit(
                cls=REJECT,
                nb="Vedlegg støttes ikke; mottakeren ville ikke sett det. "
                "Skriv innholdet som tekst i meldingen.",
                en="Attachments are not supported; the receiver would not see it. "
                "Write the content as text in the message.",
                where=attachment.where,
            )
        elif case.outgoing:
            yield Hit(
                cls=STRIP,
                nb="Vedlegget er fjernet og når ikke mottakeren.",
                en="The attachment was removed and does not reach the receiver.",
                where=attachment.where,
            )
        else:
            yield Hit(
                cls=STRIP,
                nb="Vedlegget er fjernet. Be avsenderen sende innholdet som tekst.",
                en="The attachment was removed. Ask the sender to send the content as text.",
                where=attachment.where,
            )


def _plain_text(case: Case) -> Iterator[Hit]:
    match case.message.markup:
        case Markup.NONE:
            return
        case Markup.LOSSY:
            yield Hit(
                cls=REJECT if case.outgoing else STRIP,
                nb="Teksten inneholder bilde, lenke eller tabell som ikke kan bli ren tekst.",
                en="The text holds a picture, link or table that plain text cannot carry.",
                where=CONTENT,
            )
        case Markup.FLATTENED if case.outgoing and case.message.signed:
            yield Hit(
                cls=REJECT,
                nb="Teksten har formatering, og meldingen er signert: den kan ikke gjøres om til "
                "ren tekst uten at signaturen brytes. Send den som ren tekst.",
                en="The text has markup and the message is signed: it cannot be turned into "
                "plain text without breaking the signature. Send it as plain text.",
                where=CONTENT,
            )
        case Markup.FLATTENED:
            yield Hit(
                nb="Formatering i teksten er gjort om til ren tekst.",
                en="Markup in the text was turned into plain text.",
                where=CONTENT,
            )


RULES: Final = (
    Rule(
        id="R-35",
        section=Section.TEXT,
        stage=Stage.ATTACHMENT,
        nb="Bare ren tekst kan brukes. Enkel formatering gjøres om til tekst; bilder, lenker og "
        "tabeller må skrives om av avsenderen.",
        en="Only plain text. Markup is turned into text where nothing is lost; a picture, link "
        "or table refuses an outgoing message. The original is kept.",
        outgoing=(STRIP, REJECT),
        incoming=(STRIP,),
        codes=("EPJ_MARKUP",),
        check=_plain_text,
    ),
    Rule(
        id="R-36",
        section=Section.TEXT,
        stage=Stage.ATTACHMENT,
        nb="Vedlegg når ikke mottakeren. Skriv eller lim inn innholdet som tekst i meldingen.",
        en="Attachments do not reach the receiver: they are removed and the author is told, or "
        "the message is refused. Always refused when no text is left, or when removal would "
        "break the signature of an outgoing message.",
        outgoing=(STRIP, REJECT),
        incoming=(REJECT, STRIP),
        codes=("EPJ_ATTACH",),
        apprec=("T99",),
        switches=("outgoing_attachments", "incoming_attachments"),
        check=_attachments,
    ),
)
