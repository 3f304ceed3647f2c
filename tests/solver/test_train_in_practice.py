"""Training whose limits hold for the estimate: the best batch and the best execution are those of loops over steps,
priced rightly, with the bound's own answer beside."""

from dataclasses import replace

import numpy as np
import pytest
import sympy
from conftest import case_of
from hypothesis import given, settings
from hypothesis import strategies as st
from one_by_one import prices_add_up

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import TRAINING_COEFFICIENTS, shipped
from steptime.model.errors import UserError
from steptime.model.estimate import symbols as e
from steptime.model.estimate.training import LONGEST, TRAINING
from steptime.model.solver.batch import solve_batch
from steptime.model.solver.posynomial import falls_per_unit
from steptime.model.solver.practice import practice_of
from steptime.model.step.build import build_case
from steptime.model.step.estimate import estimated, evaluated
from steptime.model.step.solver_words import limit_of
from steptime.model.text.practice import estimate_json

CASES = {
    "stages in chunks": (("llama-3.1-8b", "h100-sxm", {"layout": "tp=2,pp=4,dp=2", "zero": 1, "interleave": "2"}), 5.0),
    "replicas over the network": (("llama-3.1-8b", "h100-sxm", {"layout": "tp=4,dp=16", "zero": 3}), 2.0),
    "experts": (("mixtral-8x7b", "h100-sxm", {"layout": "tp=2,dp=4,ep=8,pp=2", "zero": 1}), 3.0),
    "layers that do not part evenly": (("llama-3.1-8b", "h100-sxm", {"layout": "tp=4,pp=3", "sequence": "8192"}), 6.0),
    "narrow products": (("llama-3.1-8b", "h100-sxm", {"layout": "tp=4,pp=2", "weights": "fp8", "activations": "fp8",
                                                      "microbatch": "2"}), 2.0),
    "bound by memory": (("llama-3.1-8b", "h100-sxm", {"layout": "tp=8,dp=2", "sequence": "128", "zero": 0}), 0.5),
}  # fmt: skip


def answer_of(name: str, by: float = 1.0, **changes):
    (model, hardware, options), limit = CASES[name]
    return solve_batch(case_of(model, hardware, phase="train", **options, **changes), max_step_time=limit * by)


# --- the best batch --------------------------------------------------------------------------------------------------
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_longest_of_its_times_is_the_sum_of_its_terms(data) -> None:
    """Whatever is hidden and whatever waits: the step as a sum of terms, and as the longest of smooth times."""
    symbols = sorted(set().union(*(term.free_symbols for term in TRAINING.values())), key=str)
    values = {symbol: data.draw(st.floats(1e-3, 1.0)) for symbol in symbols}
    values |= {s: data.draw(st.floats(0.0, 1e4)) for s in (e.replica_up, e.replica_out, e.exchange_out, e.launches)}
    total = sum(evaluated(term, values) for term in TRAINING.values())
    assert max(evaluated(time, values) for time in LONGEST.values()) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_the_best_whole_batch_is_that_of_a_loop_over_steps(name) -> None:
    """Every batch of whole micro-batches a step of its own: of those within the limit, the one whose token costs
    least."""
    answer, limit = answer_of(name), CASES[name][1]
    case, best = answer.whole, int(answer.integer["batch"])
    unit = int(case.layout.dp * case.layout.replicas * case.scenario.value(q.microbatch))
    steps = {batch: build_case(case.question.but({q.batch: float(batch)}, layout=case.layout))
             for batch in range(unit, best + 5 * unit, unit)}  # fmt: skip
    there = {batch: (estimated(step).step_time, step) for batch, step in steps.items()}
    costs = {batch: estimate_json(step)["dollars_per_million_tokens"] / 1e6
             for batch, (time, step) in there.items() if time <= limit}  # fmt: skip
    least = min(costs, key=lambda batch: costs[batch])
    assert (best, answer.integer["cost"]) == (least, pytest.approx(costs[least], rel=1e-9))
    assert answer.integer["step_time"] == pytest.approx(there[best][0], rel=1e-9)
    assert answer.bound_integer["step_time"] == pytest.approx(there[best][1].number(q.step_time), rel=1e-9)
    assert best == max(costs) and len(costs) > 3
    ideal = answer_of(name, efficiency="ideal")
    assert ideal.practice is None and answer.of_bound.integer == ideal.integer
    assert ideal.integer["cost"] < answer.integer["cost"]


@pytest.mark.parametrize("name", CASES)
def test_term_prices_and_the_limits_price_add_up(name) -> None:
    prices_add_up(answer_of, name)
    answer = answer_of(name)
    prices, terms = answer.practice.prices(answer.solution), answer.practice.times(answer.solution.value)
    assert list(prices) == list(terms) and set(terms) <= set(TRAINING)


@pytest.mark.parametrize("name", ["stages in chunks", "experts", "narrow products", "layers that do not part evenly"])
def test_sensitivities_equal_finite_differences(name) -> None:
    """Solved again with a little more of a figure of the machine, of the workload, or of a coefficient."""
    answer, step, tried = answer_of(name), 1e-5, 0
    (model, hardware, options), limit = CASES[name]
    stays = f"workspace={answer.whole.scenario.value(q.workspace)!r}"

    def cost(symbol, by: float) -> float:
        value = answer.practice.case.scenario.value(symbol) * (1 + by)
        if symbol in TRAINING_COEFFICIENTS:
            case, known = case_of(model, hardware, phase="train", **options), shipped()
            trained = replace(known.training, values={**known.training.values, symbol: value})
            inputs = replace(case.inputs, coefficients=replace(known, training=trained))
            case = build_case(replace(case.question, inputs=inputs))
        else:
            case = case_of(model, hardware, phase="train", **options, sets=(stays, f"{symbol.name}={value!r}"))
        return float(np.log(solve_batch(case, max_step_time=limit).solution.cost))

    asked_of = (q.peak_flops, q.memory_bandwidth, q.scale_up_bandwidth, q.bytes_per_activation, e.wide_share,
                e.passing_share)  # fmt: skip
    for symbol in asked_of:
        worth = answer.sensitivities.get(symbol.name)
        found = (cost(symbol, step) - cost(symbol, -step)) / (2 * step)
        assert (0.0 if worth is None else worth.found) == pytest.approx(found, abs=2e-4), symbol
        tried += abs(found) > 1e-3
    assert tried >= 5 and "narrow_products" not in answer.sensitivities


def test_times_that_another_one_always_exceeds_are_left_out() -> None:
    """What is left is the longest somewhere, and the longest of what is left is the longest of all."""
    for name in CASES:
        case = answer_of(name).whole.relaxed
        practice = practice_of(case, shipped())
        parts, least = practice.parts["step"], case.layout.dp * case.layout.replicas
        batches = np.geomspace(least * case.scenario.value(q.microbatch), 1e7, 4001)
        there = practice.case.scenario | {q.batch: batches}
        left = [there.evaluate(time) for time in parts.values()]
        every = [np.broadcast_to(there.evaluate(time), batches.shape) for time in LONGEST.values()]
        assert np.max(left, axis=0) == pytest.approx(np.max(every, axis=0), rel=1e-12), name
        assert len(parts) < len(LONGEST) - 2


def test_what_falls_in_inverse_proportion_is_proved_from_the_least_batch_on() -> None:
    """a + b x + c/x and its unit cost, in numbers, where the proof is made; and a counterexample where it is not."""
    rng, proved = np.random.default_rng(4), 0
    for _ in range(300):
        a, b, c, least = *rng.uniform(-1, 4, 1), *rng.uniform(0, 2, 1), *rng.uniform(-4, 4, 1), rng.uniform(0.5, 4)
        x = np.linspace(least, 40, 4000)
        time = a + b * x + c / x
        if falls_per_unit(sympy.Float(a) + b * q.batch + c / q.batch, q.batch, least):
            proved += 1
            assert (np.diff(time) >= -1e-12).all() and (np.diff(time / x) <= 1e-12).all()
    assert proved > 40
    assert not falls_per_unit(1 - 1 / q.batch, q.batch) and not falls_per_unit(1 + 1 / q.batch, q.batch, 9.0)


@pytest.mark.parametrize(("limit", "layout", "zero"), [
    ("tokens_per_second>=20000", "tp=8", 0), ("dollars_per_million_tokens<=0.3", "tp=4,dp=16", 1),
    ("joules_per_token<=2", "tp=2,pp=4,dp=2", 1),
])  # fmt: skip
def test_without_a_limit_on_the_step_the_cost_falls_for_ever(limit: str, layout: str, zero: int, run_json) -> None:
    """Nothing of a step of training grows with the batch but its time: a token costs what it tends to."""
    case = case_of("llama-3.1-8b", "h100-sxm", phase="train", layout=layout, zero=zero)
    answer = solve_batch(case, limits=(limit_of(limit),))
    assert answer.practice is not None and not answer.attained
    cost = [estimate_json(case.changed({q.batch: 2.0**n}))["dollars_per_million_tokens"] / 1e6 for n in (7, 12, 40)]
    assert cost[0] > cost[1] > cost[2] == pytest.approx(answer.infimum, rel=1e-9)
    assert answer.bound_cost < answer.infimum
    data = run_json("solve", "batch", "llama-3.1-8b", "h100-sxm", "--phase", "train", "--layout", layout, "--zero",
                    str(zero), "--limit", limit)  # fmt: skip
    assert (data["attained"], data["limits_hold_for"]) == (False, "estimate")
    assert (data["at_bound"]["cost"], data["cost"]) == (answer.bound_cost, answer.infimum)


def test_the_least_latency_with_a_rate_is_that_of_a_loop() -> None:
    case = case_of("llama-3.1-8b", "h100-sxm", phase="train", layout="tp=2,pp=4,dp=2", zero=1)
    answer = solve_batch(case, "latency", limits=(limit_of("tokens_per_second>=60000"),))
    there = {batch: estimate_json(case.changed({q.batch: float(batch)})) for batch in range(2, 400, 2)}
    least = min(batch for batch, one in there.items() if one["tokens_per_second"] >= 60000)
    assert answer.integer["batch"] == least > 4
    assert answer.solution.is_global


def test_a_limit_that_only_the_bound_keeps_is_said() -> None:
    case = case_of("llama-3.1-8b", "h100-sxm", phase="train", layout="tp=8")
    with pytest.raises(UserError, match=r"in practice infeasible: .*max_step_time .*bound alone would choose batch 1"):
        solve_batch(case, max_step_time=0.03)
