"""When a cache is asked for again: distributions against SciPy, and the policy against brute force."""

import time
from collections.abc import Sequence
from dataclasses import replace
from math import exp, inf

import numpy as np
import pytest
import scipy.stats
import sympy
from hypothesis import given
from hypothesis import strategies as st
from questions import cache_of
from scipy.integrate import quad

from steptime.derivations.prices import cache as proved
from steptime.derivations.prices import formulas
from steptime.derivations.prices import holding as aged
from steptime.derivations.prices.symbols import expected_rate, reuse_survival
from steptime.model import symbols as q
from steptime.model.catalog.tiers import AGAIN, catalogue_tiers
from steptime.model.economics import cache
from steptime.model.economics import reuse as times
from steptime.model.economics.reuse import Reuse
from steptime.model.scenario import Scenario
from steptime.model.solver.cache.envelope import Choice, envelope
from steptime.model.solver.cache.holding import solve_cache
from steptime.model.solver.cache.policy import best_policy
from steptime.model.step.solver_words import reuse_of

TIERS = catalogue_tiers()
exactly = pytest.approx
ALL_RETURN = (
    "exponential mean=10min", "weibull shape=0.5 scale=10min", "weibull shape=0.9 scale=2h",
    "lomax shape=1.5 scale=5min", "lomax shape=0.7 scale=1h",
)  # fmt: skip
REUSES = [*ALL_RETURN, *(f"{text} share=0.6" for text in ALL_RETURN)]

_CASE = cache_of()


def scipy_of(reuse: Reuse) -> object:
    """The same distribution, by someone else."""
    if reuse.name == "exponential":
        return scipy.stats.expon(scale=reuse.scale)
    kind = scipy.stats.weibull_min if reuse.name == "weibull" else scipy.stats.lomax
    return kind(reuse.shape, scale=reuse.scale)


@pytest.mark.parametrize("text", REUSES)
def test_distributions(text: str) -> None:
    reuse, other = reuse_of(text), scipy_of(reuse_of(text))
    for age in (1.0, 60.0, 600.0, 7200.0):
        left = 1 - reuse.share + reuse.share * other.sf(age)
        assert reuse.survival(age) == exactly(left, rel=1e-12)
        assert reuse.hazard(age) == exactly(reuse.share * other.pdf(age) / left, rel=1e-9)
        assert reuse.held(10.0, age + 10) == exactly(quad(reuse.survival, 10.0, age + 10)[0], rel=1e-9)
        assert reuse.returned(age, 2 * age) == exactly(reuse.share * (other.sf(age) - other.sf(2 * age)), rel=1e-9)
    assert reuse.held(0.0, inf) == exactly(inf if reuse.share < 1 else other.mean(), rel=1e-9)


@given(st.sampled_from(ALL_RETURN), st.floats(0.05, 1.0), st.floats(1e-6, 1.0), st.floats(-10, 10), st.floats(0.01, 5))
def test_hazards_fall_and_ages_are_where_they_say(text: str, shape: float, share: float, x: float, d: float) -> None:
    reuse = replace(reuse_of(text), shape=1.0 if "exp" in text else shape, share=share)
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
    answer = solve_cache(_CASE if model == "deepseek-v3" else cache_of(model), TIERS, reuse_of(text))
    policy = answer.policy
    assert policy is not None
    outwards, any_moves = dynamic_programme(answer.choices, reuse_of(text))
    assert policy.expected_cost == exactly(outwards, rel=1e-3)
    assert outwards == exactly(any_moves, rel=1e-3)
    assert all(policy.expected_cost <= cost * (1 + 1e-12) for cost in policy.each_alone.values())
    assert policy.expected_cost <= policy.hold_then_drop.expected_cost * (1 + 1e-12)
    rates = [next(c.rate for c in answer.choices if c.name == span.choice) for span in policy.spans]
    assert rates == sorted(rates, reverse=True) and policy.spans[0].start == 0 and policy.spans[-1].end == inf


@pytest.mark.parametrize("text", REUSES)
def test_hold_then_drop_is_the_best_of_every_tier_and_time(text: str) -> None:
    reuse, choices = reuse_of(text), solve_cache(_CASE, TIERS).choices
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


def test_asked_hundreds_of_times_a_second() -> None:
    reuse, start = reuse_of(REUSES[8]), time.perf_counter()
    for number in range(50):
        dearer = replace(_CASE, scenario=_CASE.scenario | {q.chip_hour_price: 1.0 + number})
        assert solve_cache(dearer, TIERS, reuse).policy is not None
    assert time.perf_counter() - start < 1.0
