"""Tell the sender why: MessageError for the envelope, negative AppRec for the document."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.codecs.replying import Origin, reply_to
from gateway.domain.envelope import APPREC_ACTION, ErrorEntry, Severity
from gateway.domain.findings import Finding
from gateway.domain.identifiers import MessageId
from gateway.domain.ledger import Incoming, Side, State
from gateway.domain.reasons import reason_for
from gateway.domain.receipt import Answer, ReceiptError, receipt_digest
from gateway.envelopes import Answered, Envelopes, Made
from gateway.errors import CannotSeal, GatewayError
from gateway.inbound.entries import arrive, facts_of, save
from gateway.inbound.first_answers import CopyKey, FirstAnswers
from gateway.ports import Clock, DeadLetter, GiveUp, JournalEvent, NewId, Receipt, Transaction
from gateway.sending import send


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Refusals, made and recorded inside the transaction of ``receive``."""

    clock: Clock
    new_id: NewId
    envelopes: Envelopes
    first_answers: FirstAnswers
    give_up: GiveUp

    async def envelope(
        self,
        tx: Transaction,
        entry: Incoming,
        to: Answered,
        error: GatewayError,
        *,
        key: CopyKey,
        fingerprint: str,
    ) -> None:
        """Refuse a whole envelope with a MessageError, which its copies get again.

        The text is the error's own, never anything of what was received.

        Raises:
            LeaseLost: a copy was read a moment ago by another; undo all, and read again.
        """
        entries = (error_entry(error),)
        reply_id = await self._message_error(tx, to, entries, entry.entry_id)
        if to.action != APPREC_ACTION:  # an AppRec is no message of the ledger
            reasons = (reason_for(error),)
            is_new = await arrive(tx, entry, self.clock.now())
            entry = replace(entry, state=State.REJECTED, reply_id=reply_id, reasons=reasons)
            await save(tx, entry, is_new=is_new)
        await tx.record(
            JournalEvent.about(
                entry,
                "message_error",
                at=self.clock.now(),
                code=error.code,
                detail={
                    "ebms_error": error.ebms_error,
                    "reason": error.detail,
                    **facts_of(entry),
                },
            )
        )
        await self.first_answers.remember(
            tx,
            key,
            fingerprint=fingerprint,
            reply_id=reply_id,
            arrival_id=entry.arrival_id,
            entry_id=entry.entry_id,
        )

    async def warning(
        self, tx: Transaction, to: Answered, errors: Sequence[GatewayError], *, entry_id: str
    ) -> MessageId:
        """Tell what is wrong with an envelope that is taken in all the same."""
        entries = tuple(error_entry(error, Severity.WARNING) for error in errors)
        return await self._message_error(tx, to, entries, entry_id)

    async def _message_error(
        self, tx: Transaction, to: Answered, entries: tuple[ErrorEntry, ...], entry_id: str
    ) -> MessageId:
        made = self.envelopes.error(to, entries, entry_id=entry_id)
        await send(tx, made, self.new_id())
        return made.delivery.message_id

    async def document(
        self,
        tx: Transaction,
        entry: Incoming,
        to: Answered,
        origins: Sequence[Origin],
        document: bytes,
        findings: Sequence[Finding],
    ) -> Incoming:
        """Answer a document with AppRec 2, one Error a reason; returns the entry as it ends.

        One AppRec for each of ``origins``: the receivers of ours that the document names.
        """
        errors = tuple(receipt_error_of(finding) for finding in findings)
        reasons = tuple(finding.as_reason() for finding in findings)
        entry = replace(entry, state=State.REJECTED, reasons=reasons, due_at=None)
        return await self._answered(
            tx, entry, to, origins, document, errors, code=findings[0].apprec or findings[0].code
        )

    async def accept_for_operator(
        self,
        tx: Transaction,
        entry: Incoming,
        to: Answered,
        origins: Sequence[Origin],
        document: bytes,
    ) -> Incoming:
        """Answer a document with AppRec 1 because a person's desk, not the EPJ, has taken it in."""
        return await self._answered(tx, entry, to, origins, document, (), code=None)

    async def _answered(
        self,
        tx: Transaction,
        entry: Incoming,
        to: Answered,
        origins: Sequence[Origin],
        document: bytes,
        errors: tuple[ReceiptError, ...],
        *,
        code: str | None,
    ) -> Incoming:
        outcome = "refused" if errors else "stored"
        try:
            receipts = [self._receipt(entry, to, one, document, errors) for one in origins]
        except CannotSeal as error:
            return await self._cannot_tell(tx, entry, error)
        for made in receipts:
            await send(tx, made, self.new_id())
            await tx.add_receipt(
                Receipt(
                    entry_id=entry.entry_id,
                    receiver_her=made.delivery.sender_her,
                    outcome=outcome,
                    digest=receipt_digest(outcome, errors),
                    message_id=made.delivery.message_id,
                )
            )
        await tx.record(
            JournalEvent.about(
                entry,
                "refused_to_sender" if errors else "stored_for_operator",
                at=self.clock.now(),
                code=code,
                detail=facts_of(entry),
            )
        )
        return replace(entry, receipt_id=receipts[-1].delivery.message_id)

    def _receipt(
        self,
        entry: Incoming,
        to: Answered,
        origin: Origin,
        document: bytes,
        errors: tuple[ReceiptError, ...],
    ) -> Made:
        reply = reply_to(
            document,
            origin,
            answer=Answer.REJECTED if errors else Answer.OK,
            errors=errors,
            receipt_id=self.new_id(),
            at=self.clock.now(),
        )
        return self.envelopes.receipt(reply, to=to.by(origin.receiver.her), entry_id=entry.entry_id)

    async def _cannot_tell(self, tx: Transaction, entry: Incoming, error: CannotSeal) -> Incoming:
        """The message was judged and its sender cannot be told: an operator's matter."""
        await self.give_up.letter(
            tx,
            DeadLetter.about(
                error,
                entry.entry_id,
                since=self.clock.now(),
                side=Side.INCOMING,
                entry_id=entry.entry_id,
                arrival_id=entry.arrival_id,
            ),
        )
        return replace(entry, state=State.DEAD, reasons=(*entry.reasons, reason_for(error)))


def error_entry(error: GatewayError, severity: Severity = Severity.ERROR) -> ErrorEntry:
    """The eb:Error of an error; ``Unknown`` for one that has no code of its own."""
    return ErrorEntry(
        code=error.ebms_error or "Unknown",
        severity=severity,
        location=error.where,
        text=f"{error.text_nb} / {error.text_en}",
    )


def receipt_error_of(finding: Finding) -> ReceiptError:
    """The AppRec Error of a rejection; its text always tells the real reason (HIS 80415 §3.3)."""
    where = f" ({finding.where})" if finding.where else ""
    return ReceiptError(code=finding.apprec or "X99", text=f"{finding.text_nb}{where}")
