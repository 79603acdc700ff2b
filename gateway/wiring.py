"""The processes put together: each gets its ports, its policies, and what it shares with others."""

from dataclasses import dataclass

from gateway import PRODUCT, VERSION
from gateway.adapters.clock import new_uuid
from gateway.codecs.ebxml import monitoring_description
from gateway.envelopes import Envelopes
from gateway.inbound.deliver import Deliver
from gateway.inbound.first_answers import FirstAnswers
from gateway.inbound.intake import Intake
from gateway.inbound.receive import Receive
from gateway.inbound.refuse import Refuse
from gateway.inbound.unwrap import Unwrap
from gateway.office import Office
from gateway.outbound.accept import Accept
from gateway.outbound.dispatch import Dispatch
from gateway.outbound.reading import Reading
from gateway.outbound.rewrap import Rewrap
from gateway.outbound.sweep import Sweep
from gateway.ports import Clock, Journal, NewId, OutgoingTransport
from gateway.receipts.conclude import Conclude
from gateway.receipts.confirm import Confirm
from gateway.receipts.correlate import Correlate
from gateway.receipts.dead_letters import DeadLetters
from gateway.receipts.decisions import Decisions
from gateway.receipts.report import StatusReport
from gateway.threads import PatientMarks, Threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """The processes of the gateway, wired to their ports."""

    accept: Accept
    dispatch: Dispatch
    sweep: Sweep
    intake: Intake
    receive: Receive
    confirm: Confirm
    letters: DeadLetters
    decisions: Decisions
    threads: Threads


def wire(
    office: Office,
    journal: Journal,
    transport: OutgoingTransport,
    *,
    clock: Clock,
    new_id: NewId = new_uuid,
) -> Processes:
    """Put the processes together; what they share is made here and handed to each."""
    settings, book = office.settings, office.book
    resend, answers = settings.resend.policy(), settings.answer.policy()
    confirmations = settings.confirmation.policy()
    report = StatusReport(own_her=office.own.her, clock=clock, new_id=new_id)
    envelopes = envelopes_of(office, clock=clock, new_id=new_id)
    threads = Threads(
        clock=clock,
        marks=PatientMarks(keys=office.content_keys),
        report=report,
        policy=office.screening.reply_time,
    )
    rewrap = Rewrap(book=book, envelopes=envelopes, limits=office.xml_limits, threads=threads)
    letters = DeadLetters(clock=clock, new_id=new_id, report=report)
    first_answers = FirstAnswers(clock=clock, new_id=new_id, resend=resend)
    refuse = Refuse(
        clock=clock,
        new_id=new_id,
        envelopes=envelopes,
        first_answers=first_answers,
        give_up=letters,
    )
    deliver = Deliver(
        clock=clock,
        new_id=new_id,
        book=book,
        refuse=refuse,
        give_up=letters,
        policy=office.screening,
        confirmations=confirmations,
        threads=threads,
    )
    correlate = Correlate(
        clock=clock,
        conclude=Conclude(clock=clock, report=report, give_up=letters, threads=threads),
        give_up=letters,
        orphan_wait=settings.answer.orphan_wait,
    )
    unwrap = Unwrap(
        clock=clock,
        new_id=new_id,
        book=book,
        keys=office.keys,
        envelopes=envelopes,
        first_answers=first_answers,
        refuse=refuse,
        deliver=deliver,
        correlate=correlate,
        give_up=letters,
        xml_limits=office.xml_limits,
    )
    return Processes(
        accept=Accept(
            journal=journal,
            clock=clock,
            new_id=new_id,
            reading=Reading(
                journal=journal,
                clock=clock,
                book=book,
                services=office.services,
                policy=office.screening,
                limits=office.xml_limits,
                threads=threads,
            ),
            envelopes=envelopes,
            report=report,
            answers=answers,
            threads=threads,
        ),
        dispatch=Dispatch(
            journal=journal,
            transport=transport,
            clock=clock,
            new_id=new_id,
            resend=resend,
            report=report,
            give_up=letters,
            mailer=f"{PRODUCT} {VERSION}",
        ),
        sweep=Sweep(
            journal=journal,
            clock=clock,
            new_id=new_id,
            resend=resend,
            answers=answers,
            confirmations=confirmations,
            give_up=letters,
            threads=threads,
        ),
        intake=Intake(journal=journal, clock=clock, new_id=new_id),
        receive=Receive(
            journal=journal,
            clock=clock,
            book=book,
            first_answers=first_answers,
            refuse=refuse,
            unwrap=unwrap,
            correlate=correlate,
            give_up=letters,
            mail_limits=office.mail_limits,
            xml_limits=office.xml_limits,
        ),
        confirm=Confirm(
            journal=journal,
            clock=clock,
            new_id=new_id,
            book=book,
            envelopes=envelopes,
            give_up=letters,
            threads=threads,
        ),
        letters=letters,
        decisions=Decisions(
            clock=clock, new_id=new_id, report=report, resend=resend, rewrap=rewrap, threads=threads
        ),
        threads=threads,
    )


def envelopes_of(office: Office, *, clock: Clock, new_id: NewId = new_uuid) -> Envelopes:
    """The making of this office's envelopes."""
    return Envelopes(
        keys=office.keys,
        clock=clock,
        new_id=new_id,
        resend=office.settings.resend.policy(),
        description=monitoring_description(PRODUCT, VERSION),
        address_of=office.address_of,
    )
