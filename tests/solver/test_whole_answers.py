"""What is counted whole, checked again, or said beside an answer: batches of training, rechecks, printed FLOP."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import case_of, inputs
from measured_rows import file_of
from questions import search_of
from sympy import Expr, Integer

from steptime.model import symbols as q
from steptime.model.catalog.measurement import read_measurements
from steptime.model.choices import Counted, Minimise
from steptime.model.errors import NotSolved
from steptime.model.solver.batch import SCALES, solve_batch
from steptime.model.solver.layouts.points import BATCHES
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.solver.measured.printed import printed_flops
from steptime.model.solver.measured.validate import validate
from steptime.model.solver.monotone import rises
from steptime.model.solver.ranges.solved import agreed_direction
from steptime.model.solver.recheck import _oversteps, recheck
from steptime.model.step.build import build_case
from steptime.model.step.workload import workload


@pytest.mark.parametrize("minimise", ["cost", "chip-seconds"])
def test_the_whole_batch_of_training_is_whole_micro_batches(minimise: str) -> None:
    """Ranks of dp = 4 with two sequences a micro-batch: multiples of 8, and none of those around is cheaper."""
    case = case_of("llama-3.1-8b", "h100-sxm", phase="train", layout="tp=2,dp=4", microbatch="2", sequence="1024",
                   batch="64", zero=1, recompute="full", efficiency="ideal")  # fmt: skip
    found = solve_batch(case, minimise, max_step_time=5.0)
    whole = found.integer
    assert whole["feasible"] and whole["batch"] % 8 == 0
    assert abs(whole["batch"] - found.solution.value) <= 16

    def cost(batch: float) -> float:
        there = case.scenario | {q.batch: batch}
        return float(there.evaluate(q.step_time)) / batch

    assert float((case.scenario | {q.batch: whole["batch"]}).evaluate(q.step_time)) == pytest.approx(whole["step_time"])
    assert whole["step_time"] <= 5.0 * (1 + 1e-9)
    for batch in (whole["batch"] - 8, whole["batch"] + 8):
        allowed = float((case.scenario | {q.batch: batch}).evaluate(q.step_time)) <= 5.0
        assert not allowed or cost(batch) >= cost(whole["batch"]) * (1 - 1e-12)


def test_what_can_be_minimised() -> None:
    """Costs are per token: the step time over the batch; a latency is the step time itself."""
    assert {goal: exponent for goal, (_, exponent, _) in SCALES.items()} == {
        Minimise.COST: -1, Minimise.ENERGY: -1, Minimise.CHIP_SECONDS: -1, Minimise.LATENCY: 0}  # fmt: skip


def test_batches_tried() -> None:
    """Powers of two and one and a half times them, up to 2^20."""
    assert BATCHES[:10] == (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
    assert BATCHES[-3:] == (2**19, 3 * 2**18, 2**20) and len(BATCHES) == 40


@pytest.mark.parametrize("broken", ["capacity", "step time", "neither"])
def test_the_best_point_is_checked_against_every_limit(broken: str) -> None:
    """By the limit that is overstepped most, whichever it is, while the other one holds; by nothing where all hold."""
    answer = search_layouts(search_of("llama-3.1-8b", "h100-sxm", (1,), (8, 64), context="1000", max_step_time=1.0))
    search, case = answer.search, build_case(answer.best.question)
    if broken == "capacity":
        all_of_it = {q.usable_memory: 1.0, q.workspace: 0.0, q.memory_capacity: case.number(q.memory_per_chip) / 1.5}
        case = replace(case, scenario=case.scenario | all_of_it)
    elif broken == "step time":
        search = replace(search, max_step_time=case.number(q.step_time) / 1.5)
    assert max(_oversteps(search, case, answer.best)) == pytest.approx(0.0 if broken == "neither" else 0.5)
    if broken == "step time":
        with pytest.raises(NotSolved, match="failed its check"):
            recheck(replace(answer, search=search))


TRAINED = {"id": "T-001", "hardware": "h100-sxm", "phase": "train", "model": "gpt3-175b", "chips": "64", "batch": "64",
           "sequence": "2048", "tp": "8", "pp": "8", "microbatch": "1", "recompute": "full", "quantity": "mfu",
           "value": "0.4", "scope": "steps"}  # fmt: skip


@pytest.mark.parametrize("counted", ["causal", "full", ""])
def test_flops_as_a_row_says_that_attention_was_counted(counted: str, tmp_path: Path) -> None:
    """Full attention is twice the causal half, less its diagonal: 3·4·h·L·s² against s(s-1)/2, as Narayanan et al. 2021
    print it; where a row says nothing, full."""
    detail = f"attention={counted}" if counted else ""
    (row,) = read_measurements(file_of(tmp_path, {**TRAINED, "detail": detail}))
    case = case_of("gpt3-175b", "h100-sxm", phase="train", batch="64", sequence="2048", layout="tp=8,pp=8",
                   microbatch="1", recompute="full")  # fmt: skip
    s, number = 2048, case.number
    pairs = s * (s - 1) / 2 if counted == Counted.CAUSAL else s**2
    expected = 64 * 3 * (2 * number(q.active_parameters) * s + number(q.attention_flops) * pairs)
    assert printed_flops(row, case) == pytest.approx(expected, rel=1e-9)


def test_progress_of_judging_ends_at_all_rows(tmp_path: Path) -> None:
    rows = [{**TRAINED, "id": f"T-{number:03}", "model": "llama-3.1-8b"} for number in range(1, 5)]
    shares: list[float] = []
    validate(read_measurements(file_of(tmp_path, *rows)), progress=shares.append)
    assert len(shares) > 4 and shares == sorted(shares) and shares[-1] == 1.0


def test_lengths_of_requests_are_scaled_to_the_mean_context(tmp_path: Path) -> None:
    """A prompt of 1,000 and half of 200 make 1,100 tokens on average: at a mean context of 2,200 requests were twice as
    long, at 550 half as long; at 1,100 they are as they stand."""
    serving = {"id": "R-001", "hardware": "h100-sxm", "phase": "decode", "model": "llama-3.1-70b", "chips": "8",
               "tp": "8", "weights": "fp8", "batch": "16", "scope": "serving", "quantity": "step_time",
               "value": "0.05"}  # fmt: skip

    def riding(prompt: int, output: int, context: int) -> float:
        row = {**serving, "prompt": str(prompt), "output": str(output), "context": str(context)}
        (one,) = validate(read_measurements(file_of(tmp_path, row)))
        assert one.in_flight is not None and one.ideal is not None and one.in_flight > one.ideal
        return one.in_flight

    assert riding(1000, 200, 2200) == riding(2000, 400, 2200)
    assert riding(1000, 200, 550) == riding(500, 100, 550)


x, y = q.batch, q.context
MOVING: dict[str, tuple[list[Expr], int | None]] = {
    "one rises, one does not move": ([x, y], 1),
    "both rise": ([x, 2 * x], 1),
    "one rises, one falls": ([x, 1 / x], None),
    "both fall": ([1 / x, y / x], -1),
    "none moves": ([y, Integer(2)], 0),
}


@pytest.mark.parametrize("name", MOVING)
def test_what_moves_one_way_together(name: str) -> None:
    exprs, expected = MOVING[name]
    assert agreed_direction(exprs, x) == expected


def test_what_never_falls() -> None:
    assert [rises(expr, x) for expr in (x, y, 2 * x + y, 1 - 1 / x, 1 / x, x + 1 / x)] == [True] * 4 + [False] * 2


@pytest.mark.parametrize(("given", "taken"), [
    ({}, None), ({"served_tokens": "1e12"}, 0.3), ({"served_tokens": "1e12", "decode_efficiency": "0.5"}, None),
])  # fmt: skip
def test_generation_has_a_utilisation_only_where_it_serves(given: dict[str, str], taken: float | None) -> None:
    """0.3 (Pope 2026, blackboard lecture, chapter 4), where tokens are served and nothing else is said."""
    found = workload(inputs(phase="train", **given))
    assert found.values.get(q.decode_efficiency) == taken
    named = [one for one in found.defaults if one.quantity == "decode_efficiency"]
    assert len(named) == (taken == 0.3)
