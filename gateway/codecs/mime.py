"""MIME packaging of ebXML messages: the names other modules use."""

from gateway.codecs.bounce import Bounce, BounceAction, is_auto_reply, parse_bounce
from gateway.codecs.mime_entity import DEFAULT_MAIL_LIMITS, MailLimits
from gateway.codecs.mime_read import Mail, mail_id_of, parse_mail, part_named
from gateway.codecs.mime_write import PAYLOAD_CONTENT_TYPE, Part, render_entity, render_mail

__all__ = [
    "DEFAULT_MAIL_LIMITS",
    "PAYLOAD_CONTENT_TYPE",
    "Bounce",
    "BounceAction",
    "Mail",
    "MailLimits",
    "Part",
    "is_auto_reply",
    "mail_id_of",
    "parse_bounce",
    "parse_mail",
    "part_named",
    "render_entity",
    "render_mail",
]
