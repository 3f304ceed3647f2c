"""A search whose limits hold for the estimate: equal to a loop over cases and their estimates, and said as a step says
it, with the bound's own choice beside."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from every_layout import cheapest, decided, every_layout, undominated
from questions import search_of

import steptime as st
from steptime.model.errors import NotSolved, UserError
from steptime.model.solver.layouts import finalists, kept
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.solver.recheck import recheck
from steptime.model.step.build import build_case
from steptime.model.step.estimate import estimated
from steptime.model.text.practice import estimate_json

FP8 = {"weights": "fp8", "kv": "bf16"}
SERVED = {"scope": "serving", "prompt": "2000", "output": "300"}
GRIDS = {
    "two machines": search_of("mixtral-8x7b", ("h100-sxm", "mi300x"), (4,), (1, 24, 512), "cost", 0.04, **FP8),
    "two domains": search_of("qwen3-30b-a3b", "h200-sxm", (12,), (16, 2048), "cost", 0.03, layout="cp=1,pp=1", **FP8),
    "a prefill": search_of("deepseek-v2-lite", "h100-sxm", (4,), (1, 16), "energy", 0.3, phase="prefill",
                           prompt="1000"),
    "prefills ride along": search_of("qwen3-30b-a3b", "h100-sxm", (4,), (16, 64, 256), "cost", 0.1, **SERVED, **FP8),
    "no limit on time": search_of("mixtral-8x7b", ("h100-sxm", "mi300x"), (4,), (1, 24, 512), "cost",
                                  free=frozenset({"weights"})),
    "all formats": search_of("llama-3.1-8b", "h100-sxm", (1, 2), (8, 96), "latency", context="9000",
                             limits=("tokens_per_second>=500",), free=frozenset({"weights", "kv"})),
}  # fmt: skip
WHOLE = {
    "a step time": search_of("mixtral-8x7b", "h100-sxm", (6,), max_step_time=0.02, context="900", whole=True),
    "capacity": search_of("llama-3.1-8b", "h100-sxm", (1, 2, 3), context="7000", whole=True),
    "latency": search_of("qwen3-30b-a3b", "h200-sxm", (4, 6), minimise="latency", context="9000",
                         limits=("batch>=100",), whole=True),
    "two formats": search_of("gpt-oss-20b", ("h100-sxm", "mi300x"), (3,), minimise="chip-seconds", context="60000",
                             free=frozenset({"kv"}), whole=True),
    "limits from both sides": search_of("llama-3.1-8b", "h100-sxm", (3, 4), context="3000", whole=True,
                                        limits=("batch<=333", "micro_batch>=5", "memory_per_chip<=60e9")),
    "prefills of others, no limit": search_of("llama-3.1-8b", "h100-sxm", (2, 4), context="9000", whole=True, **SERVED),
    "a first token": search_of("llama-3.1-8b", "h100-sxm", (4,), context="16000", max_ttft=0.3, whole=True),
    "latency with a least rate": search_of("qwen3-30b-a3b", "h200-sxm", (5, 6), minimise="latency", context="9000",
                                           limits=("tokens_per_second>=3000",), whole=True),
    "a speed and joules": search_of("llama-3.1-8b", ("h100-sxm", "h200-sxm"), (4,), minimise="cost", context="16000",
                                    whole=True, limits=("tokens_per_second_per_sequence>=70", "joules_per_token<=2.4")),
    "two machines": search_of("gpt-oss-20b", ("h100-sxm", "mi300x"), (3,),
                              minimise="chip-seconds", context="6000", max_step_time=0.012, whole=True),
    "drafts are checked": search_of("gpt-oss-20b", "h100-sxm", (4,), max_step_time=0.009, context="6000", drafts="2",
                                    acceptance="0.7", whole=True),
    "prefills ride along": search_of("llama-3.1-8b", "h100-sxm", (2,), max_step_time=0.03, whole=True, **SERVED),
}  # fmt: skip


def shown(points) -> set[tuple[str, str]]:
    """Speed and share in practice, to nine digits."""
    return {(f"{speed:.9g}", f"{share:.9g}") for speed, share in (point.rates(True) for point in points)}


@pytest.mark.parametrize("search", GRIDS.values(), ids=GRIDS)
def test_the_best_is_that_of_a_loop_over_every_case(search: Search) -> None:
    """Every layout built as a case of its own, every batch estimated: same feasible points, best, ties and front."""
    found = search_layouts(search)
    every = list(every_layout(search, found.questions, np.array(search.batches, float)))
    best, ties, least = decided([cheapest(one) for one in every if one])
    assert found.in_practice and found.feasible == sum(map(len, every))
    assert (found.ties, found.least) == (ties, pytest.approx(least, rel=1e-9))
    assert (found.best.layout, found.best.batch) == (replace(best.layout, copies=None), best.batch)
    front = shown(found.pareto)
    assert found.best in found.pareto and len(front) == len(found.pareto)
    assert front - shown([found.best]) <= undominated([point for one in every for point in one])


@pytest.mark.parametrize("search", WHOLE.values(), ids=WHOLE)
def test_the_best_whole_batch_is_that_of_a_loop_over_every_batch(search: Search, monkeypatch) -> None:
    """Every whole batch up to 2,000; and with no layout kept for its rank alone, the bounds alone keep all."""
    found = search_layouts(search)
    every = [cheapest(one) for one in every_layout(search, found.questions, np.arange(1.0, 2001.0)) if one]
    best, ties, least = decided(every)
    assert (found.ties, found.least) == (ties, pytest.approx(least, rel=1e-9))
    assert (found.best.layout, found.best.batch) == (replace(best.layout, copies=None), best.batch)
    assert found.best.batch not in (1, 2000)
    for machine, point in found.best_of.items():
        own, _, _ = decided([one for one in every if one.machine == machine])
        assert (point.layout, point.batch) == (replace(own.layout, copies=None), own.batch)
    for room, name, value in ((kept, "FEW", 1), (kept, "SPARE", 0), (finalists, "FEW", 1)):
        monkeypatch.setattr(room, name, value)
    few = search_layouts(search)
    points = [{"best": one.best, **one.best_of} for one in (few, found)]
    kept_of = [{name: (point.layout, point.batch) for name, point in one.items()} for one in points]
    assert kept_of[0] == kept_of[1] and few.ties == found.ties


@pytest.mark.parametrize("search", [
    GRIDS["two domains"], GRIDS["prefills ride along"], WHOLE["a first token"], WHOLE["drafts are checked"],
], ids=["domains", "serving", "first token", "drafts"])  # fmt: skip
def test_every_point_says_what_its_step_says(search: Search) -> None:
    """Its estimate is that of a step of its own, term by term; the bound's figures stay the bound's."""
    answer = search_layouts(search)
    checked = recheck(answer)
    assert checked.primal < 1e-9 and max(checked.figures.values()) < 1e-9
    for point in (answer.best, answer.of_bound, *answer.pareto[:4]):
        found = estimated(build_case(point.question))
        assert point.estimate.terms == pytest.approx(found.terms, rel=1e-9)
        named = [(one.family, one.outside) for one in (point.estimate, found)]
        assert named[0] == named[1] and point.estimate.low == pytest.approx(found.low, rel=1e-9)
        assert point.estimate.step_time >= point.step_time


@pytest.mark.parametrize("which", ["step", "first token", "estimate"])
def test_what_is_broken_in_practice_is_no_answer(which: str) -> None:
    """A limit that only the bound keeps, and an estimate that is not the step's, fail the check."""
    answer = search_layouts(WHOLE["a first token"])
    best, search = answer.best, answer.search
    if which == "step":
        search = replace(search, max_step_time=(best.step_time + best.estimate.step_time) / 2)
    elif which == "first token":
        search = replace(search, max_ttft=(best.time_to_first_token + best.first_token_estimate) / 2)
    else:
        best = replace(best, estimate=replace(best.estimate, step_time=best.estimate.step_time * (1 + 1e-5)))
    with pytest.raises(NotSolved, match="failed its check"):
        recheck(replace(answer, search=search, candidates=(best, *answer.candidates[1:])))


def test_the_bounds_choice_stands_beside_and_ideal_asks_for_it() -> None:
    search = WHOLE["a step time"]
    answer = search_layouts(search)
    ideal = search_layouts(replace(search, inputs=st.step("llama-3.1-8b", "h100-sxm", efficiency="ideal").case.inputs
                                   .with_given(search.inputs.given)))  # fmt: skip
    assert (ideal.in_practice, ideal.of_bound, ideal.best.estimate) == (False, None, None)
    chosen = answer.of_bound
    assert (chosen.layout, chosen.batch, chosen.cost) == (ideal.best.layout, ideal.best.batch, ideal.best.cost)
    assert chosen.estimate.step_time > search.max_step_time >= chosen.step_time
    assert answer.best.estimate.step_time <= search.max_step_time


def test_without_a_limit_on_time_the_estimate_decides_and_ideal_asks_for_the_bound() -> None:
    """What costs least in practice is chosen, though it costs more at the bound, and what the bound alone would choose
    costs more in practice; both are said."""
    asked = {"chips": [2, 4], "context": 5000, "batch": [16, 64, 256], "minimise": "latency"}
    found, ideal = (st.search("mixtral-8x7b", "h200-sxm", **asked, **more) for more in ({}, {"efficiency": "ideal"}))
    best, alone = found.best, found.answer.of_bound
    assert (found.answer.in_practice, ideal.answer.in_practice) == (True, False)
    assert (alone.layout, alone.batch, alone.cost) == (ideal.best.layout, ideal.best.batch, ideal.best.cost)
    assert best.ranked(True, found.answer.minimise) <= alone.ranked(True, found.answer.minimise)
    assert best.estimate.step_time == pytest.approx(found.step().estimate.step_time, rel=1e-9)
    assert found.to_dict()["bound_answer"]["layout"]["tp"] == alone.layout.tp
    assert "by the bound  h200-sxm" in str(found) and ideal.to_dict()["bound_answer"] is None


def test_what_only_the_bound_allows_is_said() -> None:
    with pytest.raises(UserError, match=r"in practice infeasible: none of .*max_step_time by .*bound alone [\d,]+ do"):
        st.search("llama-3.1-70b", "h100-sxm", 8, max_step_time="8ms")
    assert st.search("llama-3.1-70b", "h100-sxm", 8, max_step_time="8ms", efficiency="ideal").best.step_time <= 8e-3


def test_the_command_line_says_what_limits_hold_for(run, run_json) -> None:
    asked = ("solve", "layout", "llama-3.1-70b", "h100-sxm", "h200-sxm", "--chips", "8", "--max-step-time", "30ms",
             "--max-ttft", "1s")  # fmt: skip
    data = run_json(*asked)
    best, alone = data["best"], data["bound_answer"]
    assert data["limits_hold_for"] == "estimate" and best["step_time"] < best["estimate"]["step_time"] <= 0.03
    assert best["time_to_first_token"] < best["time_to_first_token_estimate"] <= 1
    assert alone["step_time"] <= 0.03 < alone["estimate"]["step_time"]
    step = estimate_json(build_case(st.search("llama-3.1-70b", ["h100-sxm", "h200-sxm"], 8, max_step_time="30ms",
                                              max_ttft="1s").best.question))  # fmt: skip
    for key in ("step_time", "low", "high", "tokens_per_second", "dollars_per_million_tokens", "joules_per_token"):
        assert best["estimate"][key] == pytest.approx(step[key], rel=1e-9)
    assert all(row["estimate"]["step_time"] <= 0.03 for row in (*data["pareto"], *data["best_of"].values()))
    said = " ".join(run(*asked)[1].split())
    assert "the estimate decides" in said and "by the bound h200-sxm" in said
    assert "the ideal bound decides" in " ".join(run(*asked, "--efficiency", "ideal")[1].split())
    rows = list(csv.DictReader(io.StringIO(run(*asked, "--csv")[1])))
    assert float(rows[0]["estimate_step_time"]) == best["estimate"]["step_time"]
