"""The ids that meet in the gateway, each with a type of its own.

None of them is ever just called ``id``: an eb:MessageId, a MsgHead MsgId and an
AMQP message_id all look like UUIDs, and a mix-up loses a message.
"""

import hashlib
import re
from typing import Final, NewType

MessageId = NewType("MessageId", str)
"""eb:MessageData/eb:MessageId: one envelope. Opaque and case-sensitive (HITS 1172)."""

MsgId = NewType("MsgId", str)
"""MsgHead/MsgInfo/MsgId: one business document; may travel in several envelopes.

A UUID, kept as written and compared by :func:`msg_id_key`."""

ConversationId = NewType("ConversationId", str)
"""eb:ConversationId: shared by a document, its signals, its AppRec and its answers."""

CpaId = NewType("CpaId", str)
"""eb:CPAId: a UUID, ``maker:…``, or ``<lower>_<higher>`` of two HER-ids without an agreement."""

HerId = NewType("HerId", str)
"""Number of a communication party in Adresseregisteret; no meaning in it, compared exactly."""


_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

LONGEST_ID = 255
"""Bytes of an identifier in UTF-8. They become AMQP properties (short strings) and index keys."""


def fits(identifier: str) -> bool:
    """Whether an identifier is short enough for every place it goes to."""
    return len(identifier.encode("utf-8", "surrogatepass")) <= LONGEST_ID


def is_uuid(msg_id: str) -> bool:
    """Whether an identifier is written as a UUID, as every MsgId must be."""
    return _UUID.fullmatch(msg_id) is not None


def msg_id_key(msg_id: str) -> str:
    """What two MsgIds are compared by: the letter case of a UUID says nothing (RFC 4122 §3)."""
    return msg_id.lower() if is_uuid(msg_id) else msg_id


def short_id(facts: bytes) -> str:
    """What people call something by that has no id they may see: ``1f0c-99ab-07d2-e6c4``.

    The same facts have the same one. In groups of four no eleven digits in a row can look
    like a national number.
    """
    digits = hashlib.sha256(facts).hexdigest()
    return "-".join(digits[start : start + 4] for start in range(0, 16, 4))


def bare_mail_id(mail_message_id: str) -> str:
    """A mail's Message-ID without the brackets that belong to the header and not to the id."""
    return mail_message_id.strip().removeprefix("<").removesuffix(">").strip()


def mail_id_digest(mail_message_id: str) -> str:
    """What a partner's mail is found by: the SHA-256 of its Message-ID, without brackets.

    Not the id itself: mail programs, and people, may put anything into it.
    """
    bare = bare_mail_id(mail_message_id)
    return hashlib.sha256(bare.encode("utf-8", "surrogatepass")).hexdigest()


def cpa_id_without_agreement(one: HerId, other: HerId) -> CpaId:
    """CPAId for two parties without a CPA: the HER-ids, lowest number first (HIS 1037 §6.2.1)."""
    low, high = sorted((one, other), key=lambda her: (int(her), her))
    return CpaId(f"{low}_{high}")
