"""The sections for how long anything waits; the domain knows them as policies."""

from datetime import timedelta

from pydantic import Field

from gateway.config.section import Seconds, Section
from gateway.domain.resend import AnswerPolicy, ConfirmationPolicy, ResendPolicy


class ResendSettings(Section):
    """HIS 1037 §5.2: 5 resends 12 hours apart, within 72 hours."""

    interval_seconds: Seconds = 43_200.0
    max_resends: int = Field(default=5, ge=0, le=1_000)
    lifetime_seconds: Seconds = 259_200.0
    retry_first_seconds: Seconds = 30.0
    retry_cap_seconds: Seconds = 3_600.0

    def policy(self) -> ResendPolicy:
        """The same as the domain knows it."""
        return ResendPolicy(
            interval=timedelta(seconds=self.interval_seconds),
            max_resends=self.max_resends,
            lifetime=timedelta(seconds=self.lifetime_seconds),
            retry_first=timedelta(seconds=self.retry_first_seconds),
            retry_cap=timedelta(seconds=self.retry_cap_seconds),
        )


class AnswerSettings(Section):
    """HIS 80415: 96 hours from GenDate; the earlier levels are for the operator."""

    limit_seconds: Seconds = 345_600.0
    warning_seconds: Seconds = 1_800.0
    alarm_seconds: Seconds = 14_400.0
    critical_seconds: Seconds = 86_400.0
    orphan_seconds: Seconds = 86_400.0

    def policy(self) -> AnswerPolicy:
        """The same as the domain knows it."""
        return AnswerPolicy(
            limit=timedelta(seconds=self.limit_seconds),
            warn_after=timedelta(seconds=self.warning_seconds),
            alarm_after=timedelta(seconds=self.alarm_seconds),
            critical_after=timedelta(seconds=self.critical_seconds),
        )

    @property
    def orphan_wait(self) -> timedelta:
        """How long a receipt for something unknown is matched again."""
        return timedelta(seconds=self.orphan_seconds)


class ConfirmationSettings(Section):
    """How long the EPJ may take to confirm an incoming message."""

    warning_seconds: Seconds = 14_400.0
    alarm_seconds: Seconds = 86_400.0

    def policy(self) -> ConfirmationPolicy:
        """The same as the domain knows it."""
        return ConfirmationPolicy(
            warn_after=timedelta(seconds=self.warning_seconds),
            alarm_after=timedelta(seconds=self.alarm_seconds),
        )
