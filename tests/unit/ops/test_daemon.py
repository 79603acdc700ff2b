"""The daemon's own rules; its life as a process is in the integration tests."""

from datetime import UTC, datetime

from gateway.config import OutgoingSettings, Runtime
from gateway.errors import InternalFault, JournalUnavailable
from gateway.office import Office
from gateway.ops.daemon import _all, _cause, keep_fixed
from gateway.ports import JournalEvent


def test_a_reload_takes_what_can_change_and_keeps_what_was_opened(office: Office) -> None:
    old = office.settings
    new = old.model_copy(
        update={
            "runtime": Runtime(sweep_seconds=99),
            "outgoing": OutgoingSettings(attachments="reject"),
        }
    )

    used, left = keep_fixed(old, new)

    assert (used.runtime, used.outgoing.attachments) == (old.runtime, "reject")
    assert left == ["runtime"]


def test_an_observer_that_fails_does_not_keep_events_from_the_others() -> None:
    seen: list[int] = []
    an_event = JournalEvent(at=datetime(2026, 3, 2, tzinfo=UTC), name="sent")

    def fails(_: object) -> None:
        raise ValueError

    _all(fails, lambda events: seen.append(len(events)))([an_event])

    assert seen == [1]


def test_the_first_error_of_ours_in_a_group_says_why_it_ended() -> None:
    inner = BaseExceptionGroup("in", [KeyError(), JournalUnavailable("away")])

    assert isinstance(_cause(BaseExceptionGroup("out", [inner])), JournalUnavailable)


def test_any_other_fault_is_one_of_our_own() -> None:
    cause = _cause(BaseExceptionGroup("out", [KeyError("Kari")]))

    assert isinstance(cause, InternalFault)
    assert "Kari" not in cause.detail
