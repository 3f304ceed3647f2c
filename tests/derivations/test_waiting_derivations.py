"""What is proved of waiting, against the law worked out number by number, and against the code that the fleet uses."""

from dataclasses import replace

import numpy as np
import pytest
import sympy
from mpmath import mpf
from scipy import stats
from sympy import Expr, Symbol

from steptime.derivations.batch.symbols import ridge
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.waiting import clumps, first, law, mean, pools, scale
from steptime.derivations.waiting.symbols import asked_rate
from steptime.model import symbols as q
from steptime.model.scenario import Scenario
from steptime.model.waiting import formulas
from steptime.model.waiting import symbols as w
from steptime.model.waiting.laws import Drawn
from steptime.model.waiting.pools import queue
from steptime.model.waiting.shared import Steps, service
from steptime.model.waiting.waits import Groups, waits

CASES = [(0.02, 1e-4, 300, 5.0), (0.02, 1e-3, 300, 2.5), (0.003, 2e-3, 100, 4.5), (0.05, 1e-5, 1000, 40.0)]
"""Seconds of a step without sequences and for each of them, tokens, requests a second; decode alone."""


def at(one: Derivation | Expr, values: dict[Symbol, float]) -> float:
    expr = one.result.rhs if isinstance(one, Derivation) else one
    return float(Scenario(values).evaluate(expr))


def numbers(base: float, slope: float, tokens: float, rate: float) -> dict[Symbol, float]:
    values = {w.step_base: base, w.step_slope: slope, w.decoded: tokens, w.group_rate: rate, w.clump: 1.0,
              w.prefill_mean: 1e-30, w.decode_left: 1.0}  # fmt: skip
    return {**values, w.sharing: at(formulas.shared_work, values)}


_chance = sympy.lambdify((w.in_service, w.step_base, w.step_slope, w.sharing), formulas.chance, modules="mpmath")


def chance_of(number: int, values: dict[Symbol, float]) -> float:
    """The law in numbers of any size: its coefficients are too large for a float."""
    return float(_chance(number, *(mpf(values[symbol]) for symbol in (w.step_base, w.step_slope, w.sharing))))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_law_is_scipy_s_negative_binomial_and_sums_to_one(case: tuple[float, ...]) -> None:
    values = numbers(*case)
    shape, rho = 1 + values[w.step_base] / values[w.step_slope], values[w.sharing]
    there = stats.nbinom(shape, 1 - rho)
    for number in (0, 1, 7, 40):
        assert chance_of(number, values) == pytest.approx(there.pmf(number), rel=1e-9)
    assert there.mean() == pytest.approx(at(mean.service, values), rel=1e-12)
    low, high = there.ppf([1e-12, 1 - 1e-12]).astype(int)
    assert sum(chance_of(number, values) for number in range(low, high + 1)) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_chances_one_by_one_balance(case: tuple[float, ...]) -> None:
    """The share of time with n in service, multiplied up from none by the ratio, is the law."""
    values = numbers(*case)
    chance = chance_of(0, values)
    for number in range(60):
        chance = at(law.ratio, {**values, w.in_service: number, w.chance_here: chance})
        assert chance == pytest.approx(chance_of(number + 1, values), rel=1e-9)


@pytest.mark.parametrize("clump", [1.0, 2.5])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_array_s_law_has_the_mean_of_the_closed_form(case: tuple[float, ...], clump: float) -> None:
    base, slope, tokens, rate = case
    most = 60_000.0
    steps = Steps.of(np.array([1.0, most]), np.array([[base + slope, base + slope * most]]), np.array([most]))
    found = service(steps, np.array(tokens), np.array([rate]), np.ones(1), np.array([clump]))
    values = {**numbers(*case), w.clump: clump}
    assert found.token[0][0] == pytest.approx(at(mean.between, values), rel=1e-3)
    in_service = (found.vacation[0][0] - base * (1 - chance_of(0, values))) / slope
    if clump == 1:
        assert in_service == pytest.approx(at(mean.service, values), rel=2e-3)


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_waits_follow_the_closed_forms(spread: float) -> None:
    prefills = np.array([0.1 * (1 - spread), 0.1 * (1 + spread)])
    group = Groups.of([1, 4096], [[0.02, 0.42952]], prefills, 100, prompt_shares=[0.5, 0.5])
    found = waits(group, 4.0)
    values = {w.group_rate: 4.0, w.prefill_mean: 0.1, w.prefill_deviation: 0.1 * spread,
              w.vacation: float(found.service.vacation[0][0])}  # fmt: skip
    assert found.left[0] == pytest.approx(at(formulas.left, values))
    assert found.clump[0] == pytest.approx(at(clumps.spread, values), rel=1e-12)  # lengths are all alike
    assert found.first_token[0] - 0.1 == pytest.approx(at(first.wait, values), rel=1e-9)


def test_a_pool_of_one_waits_as_proved() -> None:
    prefill = Drawn.of([[0.1, 0.4]], [0.75, 0.25])
    mean_, variance, _ = prefill.cumulants
    values = {w.group_rate: 4.0, w.prefill_mean: float(mean_[0]), w.prefill_deviation: float(variance[0]) ** 0.5}
    assert queue(4.0, prefill)[0] == pytest.approx(at(pools.one, values), rel=1e-12)
    many = {**values, w.servers: 3.0, w.chance_busy: 0.2, w.arrival_spread: 1.0, w.service_spread: 0.5}
    assert at(formulas.pool_wait, many) == pytest.approx(0.2 / (3 / 0.175 - 4.0) * 0.75)


def test_an_efficient_group_is_filled() -> None:
    """At the traffic that the closed form gives, as many are in service as it is asked for."""
    values = {**numbers(0.02, 1e-4, 300, 1.0), w.mean_in_service: 120.0}
    tokens = at(scale.filled, values)
    asked = {**numbers(0.02, 1e-4, 300, tokens / 300)}
    assert at(mean.service, asked) == pytest.approx(120.0, rel=1e-12)


def test_minimum_efficient_scale_of_eight_h100() -> None:
    """8 · 1979 TFLOP/s over 2 · 69.5e9 FLOP a token: of Llama 3.1 70B, its active weights."""
    values = dict(scale.smallest.numbers)
    expected = 8 * 1.979e15 / (2 * values[q.active_parameters])
    assert at(scale.smallest, values) == pytest.approx(expected, rel=1e-3)
    assert scale.smallest.result.lhs == asked_rate


def test_a_rack_with_full_memory_asks_for_the_lecture_s_traffic() -> None:
    """Lecture, row 1.11: 2,000 sequences, and memory drained 64 times a second, are 128,000 tokens a second."""
    values = {**dict(scale.full.numbers), ridge: 250.0, q.parameters: 8e9, q.active_parameters: 1e9,
              q.memory_capacity: 1e12 / 64, q.memory_bandwidth: 1e12}  # fmt: skip
    assert at(scale.full, values) == pytest.approx(128_000, rel=1e-12)


def test_the_full_memory_of_the_example_is_full() -> None:
    """Weights, and the caches of its best batch and of those in clumps, are the bytes of eight chips."""
    values = scale.full.numbers
    caches = (values[w.mean_in_service] + values[w.clump]) * values[q.kv_bytes] * values[q.context]
    weights = values[q.bytes_per_weight] * values[q.parameters]
    assert weights + caches == pytest.approx(values[q.stage_chips] * values[q.memory_capacity], rel=1e-9)
    best = values[ridge] * values[q.parameters] / values[q.active_parameters]
    assert values[w.mean_in_service] == pytest.approx(best)


def false(one: Derivation, place: int, old: Expr | Symbol, new: Expr) -> Derivation:
    """The same with one line stated otherwise."""
    step = one.steps[place]
    wrong = Step(step.why, step.rule, step.gives.func(step.gives.lhs, step.gives.rhs.xreplace({old: new})))
    return one.with_steps((*one.steps[:place], wrong, *one.steps[place + 1 :]))


ATTACKS = {
    "a step with the present number, not one more": false(law.ratio, 0, w.step_base, w.step_base - w.step_slope),
    "a token that does not see itself": false(mean.service, 2, w.clump, w.clump - 1),
    "prefills that cost no decode": false(mean.between, 2, w.prefill_mean, 0 * w.prefill_mean),
    "clumps as if prefills did not vary": false(clumps.spread, 0, w.prefill_deviation, 0 * w.prefill_deviation),
    "exhaustive service, where prefills wait for nothing once begun": first.wait.with_steps(
        (
            Step(
                first.wait.steps[0].why,
                first.wait.steps[0].rule,
                first.wait.result.func(first.wait.result.lhs, formulas.queue_wait + w.vacation / 2),
            ),
        )
    ),
    "pooling that spares the constant part": false(pools.pooled, 2, w.step_base, w.step_base / w.servers),
    "a best batch that prefills fill": replace(scale.smallest, assumes=scale.smallest.assumes[:2]),
    "time beyond what there is": replace(mean.service, holds=()),
    "a queue that more comes to than it can do": replace(first.wait, holds=()),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_false_is_refused(name: str) -> None:
    assert ATTACKS[name].failure is not None
