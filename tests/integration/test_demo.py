"""The demonstration as a new user runs it, and what it says when something does not end well."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final
from unittest.mock import create_autospec

import pytest
from aio_pika.abc import AbstractConnection

from gateway.ops.demo import stage as stages
from gateway.ops.demo.epj import Epj
from gateway.ops.demo.progress import Conversations
from gateway.ops.demo.stage import Stage

DIALOGS: Final = 30  # more than are let go at once
PATIENCE_SECONDS: Final = 300.0


@pytest.mark.broker
@pytest.mark.slow
def test_all_dialogues_and_all_refusals_end_as_they_must(broker_url: str, tmp_path: Path) -> None:
    mails = tmp_path / "mails"

    done = subprocess.run(
        [
            *(sys.executable, "-m", "gateway", "demo", "--json"),
            *("--dialogs", str(DIALOGS), "--mails", str(mails)),
        ],
        env={**os.environ, "GATEWAY__BROKER__URL": broker_url},
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )

    shown = done.stderr.decode()
    assert done.returncode == 0, shown
    told = json.loads(done.stdout)
    assert told["dialogs"] == DIALOGS
    assert told["balanced"]
    assert [refusal for refusal in told["refusals"] if not refusal["ok"]] == []
    assert len(told["refusals"]) == 14
    # Questions of its own and answers to the other's, besides what the refusals came with.
    for side in told["sides"].values():
        assert side["outgoing"]["confirmed"] >= 2 * DIALOGS
        assert side["incoming"]["confirmed"] >= 2 * DIALOGS
        assert side["outgoing"]["in_flight"] == side["incoming"]["in_flight"] == 0
    assert "Alt endte som det skal. / All ended as it must." in shown
    sent = Counter(mail.stem.split("-")[2] for mail in mails.glob("*.eml"))
    # A question, its answer, and what each of them is answered by.
    assert sent["payload"] >= 4 * DIALOGS
    assert sent["apprec"] >= 4 * DIALOGS
    assert sent["acknowledgment"] >= 8 * DIALOGS
    assert all(
        re.fullmatch(r"\d{4,}-(hospital|municipality|neighbour)-[a-z-]+\.eml", mail.name)
        for mail in mails.iterdir()
    )


async def test_a_stage_where_nothing_happens_any_more_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "PATIENCE_SECONDS", 0.05)
    stage = Stage(directory=tmp_path, broker_url="amqp://nobody.invalid")
    happened = 0

    def seen() -> bool:
        nonlocal happened
        happened += 1
        if happened < 5:
            asyncio.get_running_loop().call_soon(stage.changed.set)
        return False

    with pytest.raises(TimeoutError):
        await stage.until(seen)

    assert happened == 5, "each thing that happens is looked at, and gives it new patience"
    assert not stage.complete


def an_epj() -> Epj:
    """One that nobody starts: only what it has seen counts."""
    return Epj(connection=create_autospec(AbstractConnection), prefix="")


def test_dialogues_are_over_when_question_and_answer_are_confirmed() -> None:
    asking, answering = an_epj(), an_epj()
    conversation = Conversations(name="x", asking=asking, answering=answering, expected=2)
    assert not conversation.done
    conversation.ask("q1")
    asking.events["q1"] = ["accepted", "confirmed"]
    answering.answers_to["q1"] = "a1"
    assert conversation.under_way() == 1
    answering.events["a1"] = ["confirmed"]
    assert conversation.under_way() == 0
    assert not conversation.done, "one more is expected"
    conversation.ask("q2")

    assert conversation.under_way() == 1
    assert [(reached["confirmed"], total) for _, reached, total in conversation.rows()] == [
        (1, 2),
        (1, 2),
    ]
