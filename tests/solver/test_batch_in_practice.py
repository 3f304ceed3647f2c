"""The best batch within limits that hold for the estimate: equal to a loop over steps, priced rightly, and beside it
what the bound alone would choose."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import case_of
from one_by_one import prices_add_up

import steptime as st
from steptime.model import symbols as q
from steptime.model.catalog.coefficients import shipped
from steptime.model.choices import Efficiency
from steptime.model.errors import UserError
from steptime.model.solver.batch import solve_batch
from steptime.model.step.build import build_case
from steptime.model.step.estimate import estimated, estimated_time
from steptime.model.step.solver_words import limit_of
from steptime.model.text.practice import estimate_json

CASES = {
    "dense": (("llama-3.1-70b", "h100-sxm", {"layout": "tp=8"}), 0.02),
    "experts": (("qwen3-30b-a3b", "h100-sxm", {"layout": "dp=4,ep=4"}), 0.015),
    "ranks that never meet": (("llama-3.1-8b", "h100-sxm", {"layout": "dp=4"}), 0.012),
    "pipeline": (("llama-3.1-70b", "h100-sxm", {"layout": "tp=4,pp=2"}), 0.03),
    "prefills ride along": (("llama-3.1-8b", "h100-sxm", {"layout": "tp=2", "scope": "serving", "prompt": "2000",
                                                          "output": "300"}), 0.02),
    "a prefill": (("llama-3.1-8b", "h100-sxm", {"layout": "tp=2", "phase": "prefill", "prompt": "2000"}), 0.6),
    "drafts are checked": (("gpt-oss-20b", "h100-sxm", {"layout": "dp=4,ep=4", "drafts": "2", "acceptance": "0.7"}),
                           0.012),
    "operations one by one": (("llama-3.1-8b", "mi300x", {"layout": "tp=1", "overlap": "per-operation"}), 0.011),
}  # fmt: skip


def answer_of(name: str, by: float = 1.0, minimise=None, **changes):
    (model, hardware, options), limit = CASES[name]
    return solve_batch(case_of(model, hardware, **options, **changes), minimise, limit * by)


def at(case, batch: int):
    """A step of its own at another batch."""
    return build_case(case.question.but({q.batch: float(batch)}, layout=case.layout))


@pytest.mark.parametrize("name", CASES)
def test_the_best_whole_batch_is_that_of_a_loop_over_steps(name) -> None:
    """Every batch a step of its own: of those within the limit, the one whose token costs least."""
    answer, limit = answer_of(name), CASES[name][1]
    case, tried = answer.whole, range(1, 2 * int(answer.integer["batch"]) + 9)
    steps = {batch: at(case, batch) for batch in tried}
    there = {batch: (estimated(step).step_time, step) for batch, step in steps.items()}
    costs = {batch: estimate_json(step)["dollars_per_million_tokens"] / 1e6
             for batch, (time, step) in there.items() if time <= limit}  # fmt: skip
    best = min(costs, key=lambda batch: costs[batch])
    assert (answer.integer["batch"], answer.integer["cost"]) == (best, pytest.approx(costs[best], rel=1e-9))
    assert answer.integer["step_time"] == pytest.approx(there[best][0], rel=1e-9)
    assert answer.bound_integer["step_time"] == pytest.approx(there[best][1].number(q.step_time), rel=1e-9)
    assert best == max(costs)  # the limit binds: not for want of room


@pytest.mark.parametrize("name", CASES)
def test_term_prices_and_the_limits_price_add_up(name) -> None:
    prices_add_up(answer_of, name)


@pytest.mark.parametrize("name", ["dense", "experts", "prefills ride along"])
def test_sensitivities_equal_finite_differences(name) -> None:
    """Solved again with a little more of a figure of the machine, or of a coefficient."""
    answer, step, tried = answer_of(name), 1e-5, 0
    (model, hardware, options), limit = CASES[name]
    stays = f"workspace={answer.whole.scenario.value(q.workspace)!r}"

    def cost(symbol, by: float) -> float:
        value = answer.practice.case.scenario.value(symbol) * (1 + by)
        if symbol in shipped().values:
            case = case_of(model, hardware, **options)
            changed = replace(shipped(), values={**shipped().of_family("hopper"), symbol: value}, kernels={})
            case = build_case(replace(case.question, inputs=replace(case.inputs, coefficients=changed)))
        else:
            case = case_of(model, hardware, **options, sets=(stays, f"{symbol.name}={value!r}"))
        return float(np.log(solve_batch(case, max_step_time=limit).solution.cost))

    for symbol in (q.memory_bandwidth, q.scale_up_bandwidth, q.bytes_per_kv, q.kernel_time, q.dense_streaming):
        worth = answer.sensitivities.get(symbol.name)
        found = (cost(symbol, step) - cost(symbol, -step)) / (2 * step)
        assert (0.0 if worth is None else worth.found) == pytest.approx(found, abs=2e-4), symbol
        tried += abs(found) > 1e-3
    assert tried >= 4


@pytest.mark.parametrize("name", ["dense", "experts", "prefills ride along"])
def test_the_bounds_answer_stands_beside_it(name) -> None:
    (model, hardware, options), limit = CASES[name]
    ideal = solve_batch(case_of(model, hardware, efficiency="ideal", **options), max_step_time=limit)
    answer = answer_of(name)
    assert ideal.practice is None and ideal.of_bound is None
    assert answer.of_bound.solution.value == ideal.solution.value and answer.of_bound.integer == ideal.integer
    assert answer.solution.step_time == pytest.approx(limit) and answer.bound_time < limit


@pytest.mark.parametrize("name", CASES)
def test_without_a_limit_on_time_the_least_cost_is_the_estimates(name) -> None:
    """Of every batch up to the largest that fits: a loop over estimates; ideal asks for the bound's."""
    (model, hardware, options), _ = CASES[name]
    limits = (limit_of("batch<=300"),)
    answer = solve_batch(case_of(model, hardware, **options), limits=limits)
    case, batches = answer.whole, np.arange(1.0, 301.0)
    there = case.changed({q.batch: batches})
    times = np.broadcast_to(estimated_time(there, shipped(), True), batches.shape)
    costs = times / batches * case.number(q.chips * q.chip_hour_price / q.hour / case.phase.yields)
    fits = np.array([at(case, int(batch)).fits is not False for batch in batches[-1:]])
    best = int(batches[np.flatnonzero(costs <= costs.min() * (1 + 1e-12))[0]])
    assert fits.all() and answer.practice is not None
    assert (answer.integer["batch"], answer.integer["cost"]) == (best, pytest.approx(costs.min(), rel=1e-9))
    ideal = solve_batch(case_of(model, hardware, efficiency="ideal", **options), limits=limits)
    assert ideal.practice is None and answer.of_bound.integer == ideal.integer


@pytest.mark.parametrize(("limit", "quantity"), [
    ("tokens_per_second_per_sequence>=60", "tokens_per_second_per_sequence"), ("tokens_per_second>=2000", None),
    ("dollars_per_million_tokens<=4", "dollars_per_million_tokens"), ("step_time<=16ms", None),
])  # fmt: skip
def test_what_follows_from_time_is_limited_in_practice_too(limit: str, quantity: str | None) -> None:
    """The least latency with a rate, or the least cost within a speed: by what a step's estimate says of it."""
    step = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8", context=8000)
    goal = "cost" if limit.startswith(("step", "tokens_per_second_per")) else "latency"
    found = step.best_batch(goal, limits=[limit])
    assert found.limits_hold_for == "estimate"
    keeps, breaks = (step.replace(batch=found.whole["batch"] + by).to_dict()["estimate"]
                     for by in ((0, 1) if goal == "cost" else (0, -1)))  # fmt: skip
    asked = limit_of(limit)
    inside = [(one[asked.quantity.name] <= asked.value) == asked.upper for one in (keeps, breaks)]
    assert inside == [True, False]


def test_efficiency_is_a_word_of_the_best_batch(tmp_path: Path) -> None:
    """Ideal asks for the bound; a file gives other coefficients: kernels that take longer leave a smaller batch."""
    step = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8")
    text = Path(st.__file__).with_name("model").joinpath("catalog/coefficients.toml").read_text("utf-8")
    slow = tmp_path / "slow.toml"
    slow.write_text(re.sub(r"(?m)^kernel_time = \S+", "kernel_time = '9 us'", text), "utf-8")
    usual, ideal, slower = (step.best_batch(max_step_time="20ms", efficiency=one) for one in (None, "ideal", str(slow)))
    assert slower.batch < usual.batch < ideal.batch and slower.of_bound.batch == ideal.batch
    assert (ideal.limits_hold_for, ideal.estimate, ideal.of_bound) == ("bound", None, None)
    asked = step.replace(efficiency=str(slow))
    assert asked.best_batch(max_step_time="20ms").batch == slower.batch
    again = asked.replace(efficiency="calibrated").case.inputs
    assert (again.efficiency, again.coefficients) == (Efficiency.CALIBRATED, None)


def test_what_only_the_bound_allows_is_said() -> None:
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8")
    with pytest.raises(UserError, match=r"in practice infeasible: .*max_step_time .*bound alone would choose batch 76"):
        solve_batch(case, max_step_time=0.009)
    assert solve_batch(case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", efficiency="ideal"), max_step_time=0.009)


def test_the_command_line_says_what_limits_hold_for(run, run_json) -> None:
    asked = ("solve", "batch", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--max-step-time", "20ms")
    data = run_json(*asked)
    assert data["limits_hold_for"] == "estimate" and data["estimate"]["step_time"] <= 0.02
    assert data["estimate"]["step_time"] < data["bound_answer"]["estimate"]["step_time"]
    assert list(data["term_prices"]) == list(data["relaxed_estimate"]["terms"])
    assert sum(data["term_prices"].values()) + data["shadow_prices"]["max_step_time"] == pytest.approx(1, abs=1e-6)
    step = run_json("step", *asked[2:6], "--batch", str(data["integer"]["batch"]))
    assert data["estimate"].pop("terms") == pytest.approx(step["estimate"].pop("terms"))
    assert data["estimate"].pop("outside") == step["estimate"].pop("outside")
    assert data["estimate"].pop("evidence") == step["estimate"].pop("evidence")
    assert data["estimate"] == pytest.approx(step["estimate"])
    assert data["integer"]["step_time"] == pytest.approx(step["estimate"]["step_time"])
    assert data["integer"]["cost"] * 1e6 == pytest.approx(step["estimate"]["dollars_per_million_tokens"])
    bound = data["at_bound"]["integer"]
    assert (bound["batch"], bound["step_time"]) == (data["integer"]["batch"], pytest.approx(step["step_time"]))
    assert bound["cost"] * 1e6 == pytest.approx(step["dollars_per_million_tokens"])
    ideal = run_json(*asked, "--efficiency", "ideal")
    assert (ideal["limits_hold_for"], ideal["estimate"], ideal["bound_answer"]) == ("bound", None, None)
    bound = data["bound_answer"]
    assert (bound["integer"], bound["batch"]) == (ideal["integer"], ideal["values"]["batch"])
    _, *rest = run(*asked)[1].splitlines()
    assert rest[0].endswith("the estimate decides, and limits hold for it")
    assert any(line.startswith("the bound alone would choose batch 295") for line in rest)
    ideal = run(*asked, "--efficiency", "ideal")[1].splitlines()[1]
    assert ideal.endswith("the ideal bound decides, and limits hold for it")
    crossing = run_json("solve", "crossover", *asked[2:6], "--context", "1200")
    assert crossing["estimate"]["step_time"] > 0.03 and crossing["estimate"]["outside"]


@pytest.mark.parametrize("more", [(), ("--max-step-time", "20ms"), ("--efficiency", "ideal")], ids=str)
def test_one_answer_is_of_one_scenario(run_json, more) -> None:
    """Cost, times and prices are of the same terms: times add up to the step, from which the cost follows. What stands
    at the bound, and by the estimate, is the same batch."""
    data = run_json("solve", "batch", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", *more)
    of_estimate = data["limits_hold_for"] == "estimate"
    here = data["at_estimate" if of_estimate else "at_bound"]
    assert {key: data[key] for key in here} == here and data["step_time"] == data["values"]["step_time"]
    assert (data["at_estimate"] is None) == (not of_estimate)
    whole = sum if of_estimate else max
    assert whole(data["times"].values()) == pytest.approx(data["values"]["step_time"], rel=1e-9)
    per_token = data["values"]["step_time"] / data["values"]["batch"]
    assert data["cost"] == pytest.approx(per_token * 8 * 3.49 / 3600, rel=1e-9)
    assert list(data["times"]) == list(data["term_prices"])
    if of_estimate:
        assert data["at_bound"]["values"]["batch"] == data["values"]["batch"]
        assert data["at_bound"]["cost"] < data["cost"] and data["at_bound"]["integer"]["cost"] < data["integer"]["cost"]
