"""The search over executions of a training step, where the estimate decides."""

from dataclasses import replace

import pytest
from conftest import asked
from one_by_one import executions
from questions import TRAINED, search_of

from steptime.model import symbols as q
from steptime.model.estimate.training import TRAINING
from steptime.model.solver.layouts import kept, work
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.solver.recheck import recheck
from steptime.model.step.build import build_case
from steptime.model.step.estimate import estimated


# --- the search ------------------------------------------------------------------------------------------------------
def every_execution(search, question):
    """Every way to train, each a case of its own: whether it fits, its cost by the estimate, its time, and the case."""
    (chips,), (batch,) = search.chips, search.batches
    for case in executions(question, chips, batch):
        found = estimated(case)
        cost = case.scenario.evaluate(q.dollars_per_million_tokens / q.step_time) * found.step_time / 1e6
        yield bool(case.fits), cost, found.step_time, case


SEARCHES = {
    "dense": search_of("gpt2", "a100-sxm-40gb", (2,), (2,), "cost", 3.0, free=TRAINED, phase="train", sequence="32768",
                       usable_memory="100%"),
    "experts": search_of("deepseek-v2-lite", "h200-sxm", (2,), (2,), "cost", 0.29, free=TRAINED, phase="train",
                         usable_memory="100%"),
}  # fmt: skip


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_the_best_execution_is_that_of_a_loop(search) -> None:
    """As many points fit and keep the limit in practice, and the least cost is the same."""
    found = search_layouts(search)
    question = asked(search.model.name, search.hardware[0].name).but(search.inputs.given, phase=search.inputs.phase)
    every = list(every_execution(search, question))
    kept = [(cost, case) for fits, cost, time, case in every if fits and time <= search.max_step_time]
    fast = [case for fits, _, _, case in every if fits and case.number(q.step_time) <= search.max_step_time]
    assert found.in_practice and (found.points, found.feasible) == (len(every), len(kept))
    assert 0 < len(kept) < len(fast)
    assert found.least == pytest.approx(min(cost for cost, _ in kept), rel=1e-9)
    assert found.best.ranked(True, found.minimise) <= found.least * (1 + search.within)
    ideal = min(case.number(q.dollars_per_million_tokens) / 1e6 for case in fast)
    assert ideal * (1 - 1e-9) <= found.of_bound.cost <= ideal * (1 + search.within)


@pytest.mark.parametrize(("search", "narrow"), [
    (search_of("llama-3.1-8b", ("h100-sxm", "mi300x"), (12,), (48,), "cost", 8.0, phase="train",
               free=TRAINED | {"weights", "activations"}), None),
    (search_of("mixtral-8x7b", "h100-sxm", (16,), (64,), "latency", 20.0, phase="train", weights="fp8", free=TRAINED),
     True),
], ids=["two machines, all formats", "experts in fp8"])  # fmt: skip
def test_every_point_says_what_its_step_says(search, narrow) -> None:
    """Its estimate is that of a step of its own, term by term: every format, machine, ZeRO stage and recomputation."""
    answer = search_layouts(search)
    checked = recheck(answer)
    assert answer.in_practice and checked.primal < 1e-9 and max(checked.figures.values()) < 1e-9
    points = (*answer.candidates, answer.of_bound, *answer.best_of.values(), *answer.pareto)
    for point in points:
        found = estimated(build_case(point.question))
        assert point.estimate.terms == pytest.approx(found.terms, rel=1e-9, abs=1e-15)
        named = [(one.family, one.outside) for one in (point.estimate, found)]
        assert named[0] == named[1] and point.estimate.low == pytest.approx(found.low, rel=1e-9)
        assert point.step_time <= point.estimate.step_time
    formats = {build_case(point.question).precision["activations"] for point in points}
    assert "fp8" in formats if narrow is None else formats == {"fp8"}


def test_without_a_limit_on_time_the_estimate_decides(monkeypatch) -> None:
    """The best of every execution's estimate; and of blocks of few, each with the rounds that its bounds leave."""
    search = search_of("llama-3.1-8b", "h100-sxm", (8, 16), (16,), "cost", free=TRAINED, phase="train")
    limited = replace(search, max_step_time=1e6)  # which no execution breaks: every estimate is worked out
    found, every = search_layouts(search), search_layouts(limited)
    monkeypatch.setattr(kept, "ROUND", 1)
    monkeypatch.setattr(kept, "FEW", 1)
    monkeypatch.setattr(work, "BLOCK", 300)
    for one in (found, search_layouts(search)):
        assert one.in_practice and (one.best, one.ties, one.least) == (every.best, every.ties, every.least)
        assert (one.pareto, one.best_of, one.feasible) == (every.pareto, every.best_of, every.feasible)
        assert one.of_bound == every.of_bound and one.runner_up.layout == every.runner_up.layout
    ideal = search_layouts(replace(search, inputs=replace(search.inputs, efficiency="ideal")))
    assert not ideal.in_practice and found.of_bound.cost == ideal.best.cost <= found.best.cost
    assert found.best.estimate.step_time < found.of_bound.estimate.step_time


def test_the_command_line_says_what_limits_hold_for(run, run_json) -> None:
    asked = ("solve", "layout", "llama-3.1-8b", "h100-sxm", "--phase", "train", "--chips", "16", "--batch", "64",
             "--max-step-time", "2500ms")  # fmt: skip
    data = run_json(*asked)
    best, alone = data["best"], data["bound_answer"]
    assert data["limits_hold_for"] == "estimate" and best["step_time"] < best["estimate"]["step_time"] <= 2.5
    assert alone["step_time"] <= alone["estimate"]["step_time"]
    lines = run(*asked, "-v")[1].splitlines()
    assert any(line.startswith("term of the estimate") for line in lines)
    assert any(line.startswith("products") for line in lines)
    said = " ".join(run(*asked)[1].split())
    assert "the estimate decides" in said and "by the bound h100-sxm" in said
    assert "the ideal bound decides" in " ".join(run(*asked, "--efficiency", "ideal")[1].split())
    crossing = run_json("solve", "crossover", *asked[2:6], "--layout", "dp=8", "--zero", "1", "--between",
                        "compute,memory", "--over", "sequence")  # fmt: skip
    assert crossing["estimate"]["step_time"] > 0 and set(crossing["estimate"]["terms"]) == set(TRAINING)
