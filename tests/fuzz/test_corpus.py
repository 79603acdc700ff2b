"""Every input in the corpus, once broken ones among them, goes through its entrance."""

from pathlib import Path

import pytest

from tests.fuzz.entrances import CORPUS, ENTRANCES, Entrance

_CASES = [
    pytest.param(entrance, path, id=f"{entrance.name}-{path.parent.name}-{path.stem}")
    for entrance in ENTRANCES.values()
    for path in entrance.seeds()
]
_TAKEN = {  # seeds that must get all the way through, else nothing behind would be fuzzed
    "xml": "msghead/request.xml",
    "msghead": "msghead/request.xml",
    "apprec": "apprec/1.1-rejected.xml",
    "json": "json/facts.json",
    "confirmation": "confirmation/refused.json",
    "queues": "queues/order.json",
    "mail": "received/request.mail",
    "envelope": "envelope/signed.xml",
    "signature": "signature/parts.xml",
    "sealed": "sealed/chunks.cms",
    "content": "content/base64.mime",
    "received": "received/request.mail",
    "inbound": "office/in-answer.xml",
    "outbound": "office/out-answer.xml",
    "outbound-json": "json/facts.json",
    "address": "address/0.txt",
}


@pytest.mark.parametrize(("entrance", "path"), _CASES)
def test_it_is_taken_or_refused_with_an_error_of_ours(entrance: Entrance, path: Path) -> None:
    entrance.admits(path.read_bytes())


@pytest.mark.parametrize("name", ENTRANCES)
def test_a_valid_seed_gets_through(name: str) -> None:
    assert ENTRANCES[name].admits((CORPUS / _TAKEN[name]).read_bytes()) == ""


def test_every_folder_of_the_corpus_is_used() -> None:
    used = {folder for entrance in ENTRANCES.values() for folder in entrance.corpora}

    assert used == {folder.name for folder in CORPUS.iterdir()}


def test_the_corpus_stays_small() -> None:
    sizes = {path: path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()}

    assert max(sizes.values()) < 30_000
    assert sum(sizes.values()) < 500_000
