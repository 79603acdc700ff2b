"""When the next attempt is due, and when to give up (HIS 1037 §5.2, HITS 1172 §4.2.3)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.delivery import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendPolicy:
    """National defaults: 5 resends 12 hours apart within 72 hours.

    ``retry_first`` and ``retry_cap`` bound the back-off after an attempt that the
    transport did not take: that is no resend in the standard's sense, since
    nobody can have received it, and need not wait 12 hours.
    """

    interval: timedelta = timedelta(hours=12)
    max_resends: int = 5
    lifetime: timedelta = timedelta(hours=72)
    retry_first: timedelta = timedelta(seconds=30)
    retry_cap: timedelta = timedelta(hours=1)

    @property
    def attempt_guard(self) -> timedelta:
        """How long an ordered or begun attempt is left alone before the sweep orders another.

        Only a crash that also lost the queue entry makes it matter.
        """
        return min(self.interval, timedelta(minutes=10))

    def lives_until(self, created_at: datetime) -> datetime:
        """The instant after which an envelope made at ``created_at`` is no longer sent."""
        return created_at + self.lifetime

    def due_after_hand_over(self, now: datetime) -> datetime:
        """When to look again for a receipt after a hand-over at ``now``.

        After the last resend too: one more interval is waited before giving up.
        """
        return now + self.interval

    def due_after_failure(self, failures: int, now: datetime) -> datetime:
        """When to try again after ``failures`` (>= 1) attempts in a row that were not taken."""
        doubled = self.retry_first * (1 << min(failures - 1, 20))
        return now + min(doubled, self.retry_cap, self.interval)

    def is_used_up(self, delivery: Delivery, now: datetime) -> bool:
        """Whether ``delivery`` must be given up instead of sent at ``now``."""
        return now >= delivery.time_to_live or delivery.attempts > self.max_resends


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPolicy:
    """How long a message waits for its AppRec, and when people are told (HIS 80415 §3.5)."""

    limit: timedelta = timedelta(hours=96)
    warn_after: timedelta = timedelta(minutes=30)
    alarm_after: timedelta = timedelta(hours=4)
    critical_after: timedelta = timedelta(hours=24)
    gen_date_oldest: timedelta = timedelta(hours=24)
    gen_date_newest: timedelta = timedelta(hours=1)

    def starts_at(self, gen_date: datetime, accepted_at: datetime) -> datetime:
        """The instant the wait counts from: GenDate, or acceptance when GenDate is implausible.

        A caller that gets ``accepted_at`` back for another GenDate records a finding.
        """
        plausible = (
            accepted_at - self.gen_date_oldest <= gen_date <= accepted_at + self.gen_date_newest
        )
        return gen_date if plausible else accepted_at

    def level(self, waited: timedelta) -> str | None:
        """How serious a wait of ``waited`` is: None, ``warning``, ``alarm`` or ``critical``."""
        if waited >= self.critical_after:
            return "critical"
        if waited >= self.alarm_after:
            return "alarm"
        return "warning" if waited >= self.warn_after else None

    def next_look(self, waits_from: datetime, now: datetime) -> datetime:
        """When something changes next for a wait that began at ``waits_from``."""
        steps = (self.warn_after, self.alarm_after, self.critical_after)
        later = [waits_from + step for step in steps if waits_from + step > now]
        return min([*later, waits_from + self.limit])


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationPolicy:
    """How long the EPJ may take to confirm that it stored an incoming message."""

    warn_after: timedelta = timedelta(hours=4)
    alarm_after: timedelta = timedelta(hours=24)

    def level(self, waited: timedelta) -> str | None:
        """How serious a wait of ``waited`` is: None, ``warning`` or ``alarm``."""
        if waited >= self.alarm_after:
            return "alarm"
        return "warning" if waited >= self.warn_after else None

    def next_look(self, handed_at: datetime, now: datetime) -> datetime:
        """When the next level is reached; after the alarm, again and again after as long."""
        later = [
            at for at in (handed_at + self.warn_after, handed_at + self.alarm_after) if at > now
        ]
        again = now - (now - handed_at) % self.alarm_after + self.alarm_after
        return min([*later, again])
