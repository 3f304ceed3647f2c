"""Where to hold a KV cache: lines against the derivations, the envelope against all lines."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from questions import cache_of

from steptime.derivations.prices import cache as proved
from steptime.derivations.steps import Derivation
from steptime.model import symbols as q
from steptime.model.catalog.tiers import AGAIN, OWN, Tier, catalogue_tiers
from steptime.model.scenario import Scenario
from steptime.model.solver.cache.envelope import Choice, break_even, envelope
from steptime.model.solver.cache.holding import CacheAnswer, solve_cache
from steptime.model.step.case import Case

TIERS = catalogue_tiers()
BY_NAME = {tier.name: tier for tier in TIERS}
exactly = pytest.approx


@pytest.fixture
def toy(tmp_path: Path) -> Case:
    """DeepSeek-V3's weights and cache with no architecture: attention's own FLOP are left out, as in the lecture."""
    path = tmp_path / "toy.toml"
    path.write_text('parameters = 671e9\nactive_parameters = 36.6e9\nkv_bytes = 70272\nweights = "fp8"\n')
    return cache_of(str(path))


def pair(answer: CacheAnswer, one: str, other: str) -> float:
    return next(found.hold_time or -1.0 for found in answer.break_even if set(found.between) == {one, other})


def hold(one: Derivation, case: Case, near: str = "ddr", far: str = "nvme") -> float:
    """The hold time of a derivation at the numbers of a case and two tiers."""
    values = {**case.scenario.values, q.chip_second_price: case.number(q.chip_hour_price / q.hour)}
    values |= {**BY_NAME[near].numbers, **{symbol: BY_NAME[far].numbers[of] for symbol, of in proved.FAR.items()}}
    return float(Scenario(values, case.scenario.definitions).evaluate(one.result.rhs))


def test_break_evens_are_those_of_the_derivations(toy: Case) -> None:
    answer = solve_cache(toy, TIERS)
    assert pair(answer, OWN, AGAIN) == exactly(hold(proved.hold_in_chip, toy), rel=1e-12)
    for name in ("ddr", "nvme"):
        assert pair(answer, name, AGAIN) == exactly(hold(proved.hold_in_tier, toy, near=name), rel=1e-12)
        assert pair(answer, OWN, name) == exactly(hold(proved.leave_chip, toy, far=name), rel=1e-12)
    for near, far in (("ddr", "nvme"), ("nvme", "disk"), ("ddr", "disk")):
        assert pair(answer, near, far) == exactly(hold(proved.next_tier, toy, near, far), rel=1e-12)
    assert hold(proved.hold_in_tier, toy, near="disk") < 0
    assert next(found.always for found in answer.break_even if set(found.between) == {"disk", AGAIN}) == AGAIN


def test_what_does_not_depend_on_computing_is_as_claimed() -> None:
    """The claims of row 5.6 are of DeepSeek-V3 on H100 at a short context; between tiers the context does not enter."""
    answer = solve_cache(cache_of(context="32k"), TIERS)
    assert pair(answer, OWN, "ddr") == exactly(proved.seconds(proved.leave_chip, "nvme", "ddr"), rel=1e-12)
    assert pair(answer, "ddr", "nvme") == exactly(proved.seconds(proved.next_tier, "ddr", "nvme"), rel=1e-12)
    assert pair(answer, OWN, AGAIN) > 1.9 * proved.seconds(proved.hold_in_chip, "ddr", "nvme")  # attention at 32k


@pytest.mark.parametrize(("model", "options", "elements"), [
    ("deepseek-v3", {}, 61 * 576 * 2),
    ("deepseek-v3", {"kv": "fp8"}, 61 * 576),
    ("llama-3.1-70b", {}, 80 * 2 * 8 * 128 * 2),
    ("gemma-3-27b", {}, (10 + 52 * 1024 / 32000) * 2 * 16 * 128 * 2),
    ("qwen3-next-80b-a3b", {}, 12 * 2 * 2 * 256 * 2 + 36 * (32 * 128 * 128 * 4 + 8192 * 3 * 2) / 32000),
])  # fmt: skip
def test_bytes_of_the_cache(model: str, options: dict[str, str], elements: float) -> None:
    """Latents, windows, recurrent states and their convolutions, and the format of the cache."""
    assert solve_cache(cache_of(model, **options), TIERS).kv_bytes == exactly(elements, rel=1e-12)


@pytest.mark.parametrize("tokens", [4096, 32000])
def test_computing_again_counts_every_token_of_the_context(tokens: int) -> None:
    answer = solve_cache(cache_of("llama-3.1-70b", context=str(tokens)), TIERS)
    weights = 2 * ((69_501_714_432 - 1_050_673_152) * tokens + 1_050_673_152)
    attention = 80 * 4 * 8192 * tokens * (tokens - 1) / 2
    dollars = (weights + attention) / 989e12 * 3.49 / 3600 / tokens
    assert (
        answer.choices[-1]
        == Choice(AGAIN, exactly(dollars, rel=1e-12), 0.0, restore=exactly(dollars * tokens * 3600 / 3.49, rel=1e-12))
        and answer.context == tokens
    )
    assert answer.choices[0].rate == exactly(327680 / 85899345920 * 3.49 / 3600, rel=1e-12)


lines = st.lists(st.tuples(st.floats(0.0, 1e-3), st.floats(1e-12, 1e-3)), min_size=1, max_size=8)


def choices_from(found: Sequence[tuple[float, float]], again: float) -> tuple[Choice, ...]:
    named = [Choice(f"tier{place}", fixed, rate) for place, (fixed, rate) in enumerate(found)]
    return (Choice(OWN, 0.0, 2e-3), *named, Choice(AGAIN, again, 0.0))


@given(lines, st.floats(1e-9, 1e-2))
def test_the_envelope_is_the_least_of_all_lines(found: list[tuple[float, float]], again: float) -> None:
    choices = choices_from(found, again)
    lower, named = envelope(choices), {choice.name: choice for choice in choices}
    assert lower[0].start == 0 and lower[-1].end == inf and lower[-1].choice == AGAIN
    assert all(one.end == other.start and one.start < one.end for one, other in pairwise(lower))
    ages = np.geomspace(1e-9, 1e12, 400)
    ours_at = np.array([named[next(s.choice for s in lower if age < s.end)].cost(age) for age in ages])
    least = np.min([choice.fixed + choice.rate * ages for choice in choices], axis=0)
    assert ours_at == exactly(least, rel=1e-9)
    assert (np.diff(ours_at) >= -1e-12 * ours_at[1:]).all()
    slopes = [named[span.choice].rate for span in lower]
    assert slopes == sorted(slopes, reverse=True)


@given(st.floats(1e-3, 1e6), st.lists(st.floats(1e-6, 1.0), min_size=2, max_size=4, unique=True))
def test_lines_that_meet_in_one_point(at: float, rates: list[float]) -> None:
    """However the crossings round, no choice gets an empty stretch or one that runs backwards."""
    meeting = [Choice(f"tier{rate}", (2.0 - rate) * at, rate) for rate in rates]
    lower = envelope((Choice(OWN, 0.0, 2.0), *meeting, Choice(AGAIN, 2.0 * at, 0.0)))
    assert all(span.start < span.end for span in lower) and [lower[0].choice, lower[-1].choice] == [OWN, AGAIN]


def tiers_at(factor: float) -> list[Tier]:
    """The catalogue's tiers at that many times their prices."""
    price = q.tier_second_price
    return [replace(tier, numbers={**tier.numbers, price: factor * tier.numbers[price]}) for tier in TIERS]


@given(st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_prices_scale(chips: float, tiers: float) -> None:
    """All prices alike: the same hold times, dollars to match. What a chip alone pays for does not look at tiers."""
    dearer = replace(_CASE, scenario=_CASE.scenario | {q.chip_hour_price: 3.49 * chips})
    usual, alike = solve_cache(_CASE, TIERS), solve_cache(dearer, tiers_at(chips))
    for before, after in zip(usual.break_even, alike.break_even, strict=True):
        assert (before.between, before.always) == (after.between, after.always)
        assert after.hold_time == (None if before.hold_time is None else exactly(before.hold_time, rel=1e-9))
    assert [c.fixed for c in alike.choices] == exactly([c.fixed * chips for c in usual.choices], rel=1e-9)
    assert [c.rate for c in alike.choices] == exactly([c.rate * chips for c in usual.choices], rel=1e-9)
    assert pair(solve_cache(dearer, tiers_at(tiers)), OWN, AGAIN) == exactly(pair(usual, OWN, AGAIN), rel=1e-9)


_CASE = cache_of()


def test_identical_tiers_and_single_ones() -> None:
    twin = Tier("twin", BY_NAME["ddr"].numbers)
    answer = solve_cache(_CASE, [BY_NAME["ddr"], twin])
    assert pair(answer, "ddr", "twin") == -1 and [s.choice for s in answer.envelope] == [OWN, "ddr", AGAIN]
    assert break_even(answer.choices[1], answer.choices[2]).always is None
    assert [span.choice for span in solve_cache(_CASE, ()).envelope] == [OWN, AGAIN]
