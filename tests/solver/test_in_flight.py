"""Solvers over in-flight batching: limits on a request's step, costs of all steps, and both as the step itself says."""

import pytest
from conftest import case_of
from questions import machine_for, search_of

from steptime.model import symbols as q
from steptime.model.choices import Minimise
from steptime.model.solver.batch import solve_batch
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.solver.recheck import recheck
from steptime.model.step.build import build_case
from steptime.model.step.inputs import UserLimit

ASKED = {"model": "llama-3.1-70b", "hardware": "h100-sxm", "layout": "tp=4", "weights": "fp8", "scope": "serving",
         "prompt": "1000", "output": "500", "efficiency": "ideal"}  # fmt: skip
SHORT = ASKED | {"prompt": "32000", "output": "20"}


def at(case, batch: int):
    return build_case(case.question.but({q.batch: float(batch)}))


@pytest.mark.parametrize("overlap", ["full", "per-operation", "none"])
@pytest.mark.parametrize("asked", [ASKED, SHORT], ids=["long answers", "short answers"])
@pytest.mark.parametrize("minimise", [Minimise.COST, Minimise.LATENCY, Minimise.ENERGY])
def test_the_best_whole_batch_is_its_own_step(asked, minimise, overlap) -> None:
    """Within a limit on a request's step: the cost is that of all steps, and one more is dearer or breaks the limit."""
    case = case_of(**asked, overlap=overlap)
    limit = 12e-3 if asked is ASKED else 0.5
    whole = solve_batch(case, minimise, max_step_time=limit).integer
    best, more = at(case, int(whole["batch"])), at(case, int(whole["batch"]) + 1)
    of_all = {Minimise.COST: q.dollars_per_million_tokens / q.million, Minimise.ENERGY: q.joules_per_token}
    cost = of_all.get(minimise, q.step_time)
    assert best.number(q.step_time) == pytest.approx(whole["step_time"], rel=1e-12) and whole["step_time"] <= limit
    assert best.number(cost) == pytest.approx(whole["cost"], rel=1e-12)
    assert more.number(q.step_time) > limit or more.number(cost) >= whole["cost"] * (1 - 1e-9)


def test_a_batch_of_one_is_not_cheap_because_it_waits_for_no_prefill() -> None:
    """Where prefills are all the work, a token costs the same at every batch: 38 ms of four chips."""
    case = case_of(**SHORT)
    answer = solve_batch(case, Minimise.COST)
    assert answer.integer["cost"] == pytest.approx(147.66e-6, rel=1e-3)
    assert at(case, 64).number(q.dollars_per_million_tokens) == pytest.approx(147.66, rel=1e-3)


def test_a_limit_on_throughput_is_one_on_all_steps() -> None:
    case = case_of(**ASKED)
    limit = UserLimit(q.tokens_per_second, False, 2000.0)
    whole = solve_batch(case, Minimise.LATENCY, limits=(limit,)).integer
    rates = [at(case, int(whole["batch"]) + by).number(q.tokens_per_second) for by in (-1, 0)]
    assert rates[0] < 2000 <= rates[1]


def test_the_whole_batch_keeps_a_limit_with_whole_sequences() -> None:
    """On four ranks that never meet 3,659 sequences are 915 on the fullest, where the mean is 914.75: a step that is
    longer by 3e-5, which the limit on a request's step does not admit."""
    asked = {"model": "qwen3-30b-a3b", "hardware": "h100-sxm", "layout": "dp=4", "scope": "serving", "prompt": "106",
             "output": "723", "weights": "bf16", "efficiency": "ideal"}  # fmt: skip
    limit, case = 0.017617137162489253, case_of(**asked, batch="24")
    whole = solve_batch(case, Minimise.CHIP_SECONDS, max_step_time=limit).integer
    times = [at(case, int(whole["batch"]) + by).number(q.step_time) for by in (0, 4)]
    assert times[0] <= limit < times[1]


@pytest.mark.parametrize("goal", ["cost", "latency"])
def test_a_search_says_what_its_step_says(goal) -> None:
    formats = {"weights": "fp8", "kv": "bf16", "activations": "fp8"}
    words = {"scope": "serving", "prompt": "8000", "output": "50", **formats}
    answer = search_layouts(search_of("mixtral-8x7b", "h100-sxm", (8,), (1, 8, 64), goal, **words))
    best = build_case(answer.best.question)
    found = recheck(answer)
    assert max(found.primal, *found.figures.values()) < 1e-9
    assert answer.best.per_chip * 8 == pytest.approx(best.number(q.tokens_per_second), rel=1e-9)
    assert answer.best.per_sequence == pytest.approx(best.number(q.tokens_per_second_per_sequence), rel=1e-9)
    cost = best.number(q.dollars_per_million_tokens) / 1e6 if goal == "cost" else best.number(q.step_time)
    assert answer.best.cost == pytest.approx(cost, rel=1e-9)


def test_a_machine_of_least_cost_pays_for_every_prefill() -> None:
    words = {"scope": "serving", "prompt": "8000", "output": "50", "layout": "tp=8", "batch": 2}
    fast, cheap = (machine_for("llama-3.1-70b", budget=6e5, minimise=goal, **words) for goal in ("step-time", "cost"))
    shares = [found.design.workloads[0].case.scenario.evaluate(q.own_prefill) for found in (fast, cheap)]
    assert shares == [1.0, 0.0]
    assert fast.step_time(0) < cheap.step_time(0)
