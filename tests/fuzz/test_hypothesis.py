"""Damaged seeds at every entrance: refused with an error of ours, or taken.

The damages are those of ``make fuzz``, without its guidance by coverage. A failure
prints the seed file and the numbers that make the same input again.
"""

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.fuzz.entrances import ENTRANCES, Entrance
from tests.fuzz.mutators import damaged

_QUICK = settings(
    max_examples=60,
    deadline=None,  # others compute here too
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
_MANY = settings(_QUICK, max_examples=250)
_LONGEST = 60_000


@st.composite
def damaged_seeds(draw: st.DrawFn, entrance: Entrance) -> bytes:
    """A seed of an entrance after one to four damages."""
    valid = [path for path in entrance.seeds() if not path.name.startswith("found-")]
    path = draw(st.sampled_from(valid))
    damages = draw(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4))
    body = path.read_bytes()
    for seed in damages:
        body = damaged(body, entrance.shape, seed=seed, longest=_LONGEST)
    note(f"{entrance.name}: {path.parent.name}/{path.name} damaged by {damages}")
    return body


@pytest.mark.parametrize("name", ENTRANCES)
def test_damaged_seeds_bring_only_errors_of_ours(name: str) -> None:
    entrance = ENTRANCES[name]

    @(_MANY if entrance.shape in ("xml", "json") else _QUICK)
    @given(damaged_seeds(entrance))
    def holds(body: bytes) -> None:
        entrance.admits(body)

    holds()


@pytest.mark.parametrize("name", ENTRANCES)
def test_any_bytes_bring_only_errors_of_ours(name: str) -> None:
    entrance = ENTRANCES[name]

    @_QUICK
    @given(st.binary(max_size=300))
    def holds(body: bytes) -> None:
        entrance.admits(body)

    holds()


@pytest.mark.parametrize("shape", ["xml", "json", "lines", "bytes"])
def test_a_damage_is_repeatable_and_bounded(shape: str) -> None:
    entrance = next(e for e in ENTRANCES.values() if e.shape == shape)
    body = entrance.seeds()[0].read_bytes()

    made = [damaged(body, shape, seed=seed, longest=5_000) for seed in range(200)]

    assert made == [damaged(body, shape, seed=seed, longest=5_000) for seed in range(200)]
    assert len(set(made)) > 100
    assert max(map(len, made)) <= 5_000
