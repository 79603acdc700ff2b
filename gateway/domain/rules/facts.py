"""What others may know about a message: the EPJ of the patient, the journal of the thread.

Everything is None by default, and what is unknown gives no remark.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.domain.identifiers import HerId


class PatientStatus(StrEnum):
    """Where the patient stands with the hospital, as the EPJ has it."""

    REFERRED = "referred"  # a referral was sent; no contact yet
    OUTPATIENT = "outpatient"  # in a course of treatment (poliklinisk forløp)
    INPATIENT = "inpatient"  # admitted now
    DISCHARGED = "discharged"  # no longer admitted, no course open
    NONE = "none"  # neither referred nor treated


@dataclass(frozen=True, slots=True, kw_only=True)
class EpjFacts:
    """What the EPJ says of the patient. Dates are local days."""

    status: PatientStatus | None = None
    referral_date: date | None = None
    last_contact: date | None = None
    has_service_decision: bool | None = None  # vedtak om kommunale tjenester
    increased_need: bool | None = None  # økt tjenestebehov


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadFacts:
    """What the journal says of the thread that a message names in ConversationRef."""

    parent_known: bool | None = None  # RefToParent is a MsgId of this thread
    same_patient: bool | None = None  # with a parent, None: they cannot be compared
    same_conversation: bool | None = None  # RefToConversation is the root that the parent has
    same_services: bool | None = None  # the two HER-ids of the thread, in either order
    asked_service: HerId | None = None  # our service that got the request now answered
    question_added: bool | None = None  # the stored question is put into the answer


NOTHING_KNOWN = EpjFacts()
NO_THREAD = ThreadFacts()
