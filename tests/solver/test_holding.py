"""Where to hold a KV cache: lines against the derivations, the envelope and the policy against brute force."""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import exp, inf
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from steptime.derivations.prices import cache as proved
from steptime.derivations.prices import formulas
from steptime.derivations.prices import holding as aged
from steptime.derivations.prices.symbols import expected_rate, reuse_survival
from steptime.derivations.steps import Derivation
from steptime.model import symbols as q
from steptime.model.catalog.tiers import AGAIN, OWN, Tier, catalogue_tiers
from steptime.model.economics import cache
from steptime.model.economics import reuse as times
from steptime.model.economics.reuse import Reuse, read_reuse
from steptime.model.scenario import Scenario
from steptime.model.solver.cache.holding import (
    CacheAnswer,
    Choice,
    best_policy,
    break_even,
    envelope,
    holding_case,
    solve_cache,
)
from steptime.model.step.case import Case
from steptime.model.step.inputs import Question

TIERS = catalogue_tiers()
BY_NAME = {tier.name: tier for tier in TIERS}
exactly = pytest.approx
ALL_RETURN = (
    "exponential mean=10min", "weibull shape=0.5 scale=10min", "weibull shape=0.9 scale=2h",
    "lomax shape=1.5 scale=5min", "lomax shape=0.7 scale=1h",
)  # fmt: skip
REUSES = [*ALL_RETURN, *(f"{text} share=0.6" for text in ALL_RETURN)]


def case_of(model: str = "deepseek-v3", hardware: str = "h100-sxm", context: str = "32k", **options: object) -> Case:
    return holding_case(replace(Question(model, hardware, context=context), **options))


@pytest.fixture
def toy(tmp_path: Path) -> Case:
    """DeepSeek-V3's weights and cache with no architecture: attention's own FLOP are left out, as in the lecture."""
    path = tmp_path / "toy.toml"
    path.write_text('parameters = 671e9\nactive_parameters = 36.6e9\nkv_bytes = 70272\nweights = "fp8"\n')
    return case_of(str(path))


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
    answer = solve_cache(case_of(context="32k"), TIERS)
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
    assert solve_cache(case_of(model, **options), TIERS).kv_bytes == exactly(elements, rel=1e-12)


@pytest.mark.parametrize("tokens", [4096, 32000])
def test_computing_again_counts_every_token_of_the_context(tokens: int) -> None:
    answer = solve_cache(case_of("llama-3.1-70b", context=str(tokens)), TIERS)
    weights = 2 * ((69_501_714_432 - 1_050_673_152) * tokens + 1_050_673_152)
    attention = 80 * 4 * 8192 * tokens * (tokens - 1) / 2
    dollars = (weights + attention) / 989e12 * 3.49 / 3600 / tokens
    assert answer.choices[-1] == Choice(AGAIN, exactly(dollars, rel=1e-12), 0.0) and answer.context == tokens
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


_CASE = case_of()


# --- reuse -----------------------------------------------------------------------------------------------------------
def scipy_of(reuse: Reuse) -> object:
    """The same distribution, by someone else."""
    if reuse.name == "exponential":
        return scipy.stats.expon(scale=reuse.scale)
    kind = scipy.stats.weibull_min if reuse.name == "weibull" else scipy.stats.lomax
    return kind(reuse.shape, scale=reuse.scale)


@pytest.mark.parametrize("text", REUSES)
def test_distributions(text: str) -> None:
    reuse, other = read_reuse(text), scipy_of(read_reuse(text))
    for age in (1.0, 60.0, 600.0, 7200.0):
        left = 1 - reuse.share + reuse.share * other.sf(age)
        assert reuse.survival(age) == exactly(left, rel=1e-12)
        assert reuse.hazard(age) == exactly(reuse.share * other.pdf(age) / left, rel=1e-9)
        assert reuse.held(10.0, age + 10) == exactly(quad(reuse.survival, 10.0, age + 10)[0], rel=1e-9)
        assert reuse.returned(age, 2 * age) == exactly(reuse.share * (other.sf(age) - other.sf(2 * age)), rel=1e-9)
    assert reuse.held(0.0, inf) == exactly(inf if reuse.share < 1 else other.mean(), rel=1e-9)


@given(st.sampled_from(ALL_RETURN), st.floats(0.05, 1.0), st.floats(1e-6, 1.0), st.floats(-10, 10), st.floats(0.01, 5))
def test_hazards_fall_and_ages_are_where_they_say(text: str, shape: float, share: float, x: float, d: float) -> None:
    reuse = replace(read_reuse(text), shape=1.0 if "exp" in text else shape, share=share)
    early, late = (reuse.hazard(reuse.scale * exp(grown)) for grown in (x, x + d))
    assert late <= early * (1 + 1e-12)
    for wait in (reuse.first * exp(-1), reuse.first * exp(abs(x)) + reuse.scale * exp(x)):
        age = reuse.age(wait)
        assert age == 0 if wait <= reuse.first else age >= 0
        if 1e-200 < age < inf:
            assert wait * reuse.hazard(age) == exactly(1, rel=1e-9)


def test_ages_and_hazards_are_those_of_the_derivations() -> None:
    for one, reuse in ((aged.weibull_age, Reuse("weibull", 600.0, 0.5)), (aged.lomax_age, Reuse("lomax", 300.0, 1.5)),
                       (aged.share_age, Reuse("exponential", 600.0, share=0.6))):  # fmt: skip
        assert reuse.age(one.numbers[q.hold_time]) == exactly(one.evaluate(), rel=1e-12)
    assert sympy.simplify(aged.move_hazard.result.rhs * proved.next_tier.result.rhs) == 1
    assert aged.age_rate.result == sympy.Eq(expected_rate * q.hold_time, cache.hold + cache.fetch, evaluate=False)
    numbers = {q.reuse_age: 700.0, q.reuse_shape: 0.5, q.reuse_scale: 600.0, q.reuse_share: 0.6}
    for name, past in times.CUMULATIVE.items():
        mixed = -sympy.diff(sympy.log(1 - q.reuse_share + q.reuse_share * sympy.exp(-past)), q.reuse_age)
        stated = (times.HAZARD[name] * formulas.ever).xreplace({reuse_survival: sympy.exp(-past)})
        assert Scenario(numbers).evaluate(stated) == exactly(Scenario(numbers).evaluate(mixed), rel=1e-12)


def dynamic_programme(choices: Sequence[Choice], reuse: Reuse) -> tuple[float, float]:
    """Least expected cost on a grid of ages, with moves to lower rates only, and with any moves at all."""
    other, ordered = scipy_of(reuse), sorted(choices, key=lambda choice: -choice.rate)
    ages = np.concatenate([[0.0], np.geomspace(1e-9, 1e11, 8000)])
    left = 1 - reuse.share + reuse.share * other.sf(ages)
    waits, asked = np.diff(ages) * (left[1:] + left[:-1]) / 2, -np.diff(left)
    costs = np.array([choice.rate * waits + choice.fixed * asked for choice in ordered])
    end = ordered[-1].fixed * reuse.share * other.sf(ages[-1])  # computing again is free to hold, so it ends every plan
    later = np.full(len(ordered), end)
    for cell in costs.T[::-1]:
        later = np.minimum.accumulate((cell + later)[::-1])[::-1]
    return float(later[0]), float(costs.min(axis=0).sum() + end)


@pytest.mark.parametrize("text", REUSES)
@pytest.mark.parametrize("model", ["deepseek-v3", "llama-3.1-70b"])
def test_no_plan_costs_less_than_the_policy(model: str, text: str) -> None:
    answer = solve_cache(_CASE if model == "deepseek-v3" else case_of(model), TIERS, read_reuse(text))
    policy = answer.policy
    assert policy is not None
    outwards, any_moves = dynamic_programme(answer.choices, read_reuse(text))
    assert policy.expected_cost == exactly(outwards, rel=1e-3)
    assert outwards == exactly(any_moves, rel=1e-3)
    assert all(policy.expected_cost <= cost * (1 + 1e-12) for cost in policy.each_alone.values())
    assert policy.expected_cost <= policy.hold_then_drop.expected_cost * (1 + 1e-12)
    rates = [next(c.rate for c in answer.choices if c.name == span.choice) for span in policy.spans]
    assert rates == sorted(rates, reverse=True) and policy.spans[0].start == 0 and policy.spans[-1].end == inf


@pytest.mark.parametrize("text", REUSES)
def test_hold_then_drop_is_the_best_of_every_tier_and_time(text: str) -> None:
    reuse, choices = read_reuse(text), solve_cache(_CASE, TIERS).choices
    policy = best_policy(choices, envelope(choices), reuse)
    tried = []
    for choice in choices:
        for age in np.geomspace(1e-3, 1e10, 2000):
            again = choices[-1].fixed * reuse.returned(age, inf)
            tried.append(choice.rate * reuse.held(0, age) + choice.fixed * reuse.returned(0, age) + again)
    assert policy.hold_then_drop.expected_cost <= min(tried) * (1 + 1e-9)
    assert policy.hold_then_drop.expected_cost == exactly(min(tried), rel=1e-3)


def test_a_constant_hazard_is_one_choice_for_ever() -> None:
    for minutes, name in ((1, "ddr"), (60, "nvme"), (60 * 24 * 30, AGAIN)):
        policy = solve_cache(_CASE, TIERS, Reuse("exponential", minutes * 60.0)).policy
        assert policy is not None and [span.choice for span in policy.spans] == [name]
        assert policy.expected_cost == exactly(policy.each_alone[name], rel=1e-12)


def test_identical_tiers_and_single_ones() -> None:
    twin = Tier("twin", BY_NAME["ddr"].numbers)
    answer = solve_cache(_CASE, [BY_NAME["ddr"], twin])
    assert pair(answer, "ddr", "twin") == -1 and [s.choice for s in answer.envelope] == [OWN, "ddr", AGAIN]
    assert break_even(answer.choices[1], answer.choices[2]).always is None
    assert [span.choice for span in solve_cache(_CASE, ()).envelope] == [OWN, AGAIN]


def test_asked_hundreds_of_times_a_second() -> None:
    reuse, start = read_reuse(REUSES[8]), time.perf_counter()
    for number in range(50):
        dearer = replace(_CASE, scenario=_CASE.scenario | {q.chip_hour_price: 1.0 + number})
        assert solve_cache(dearer, TIERS, reuse).policy is not None
    assert time.perf_counter() - start < 1.0
