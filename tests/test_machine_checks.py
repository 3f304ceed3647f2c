"""The machine that was designed, built: `step` takes as long on it, its figures are worth what a second solve says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import case_of
from machine_instances import designed, random_mix
from sympy import Rational

from steptime.model import symbols as q
from steptime.model.catalog.prices import read_prices
from steptime.model.question import Question
from steptime.model.solver import geometric
from steptime.model.solver.distance import distances
from steptime.model.solver.layouts import search_layouts
from steptime.model.solver.machine import best_machine
from steptime.model.solver.machine_spread import with_values
from steptime.model.solver.monotone import sign_by_assumption
from steptime.model.solver.optimality import NotSolved
from steptime.model.solver.points import Search
from steptime.model.solver.recheck import recheck
from steptime.model.solver.workloads import read_workload, solve_machine

MARKET = read_prices(Path(__file__).parents[1] / "examples" / "prices-market.toml")
WORKLOADS = {
    "fp8": ("deepseek-v3", ["batch=2048 layout=dp=72,ep=72"]),
    "bf16": ("llama-3.1-70b", ["batch=512 layout=tp=8,replicas=9"]),
    "bf16 on a peak of fp8": ("llama-3.1-70b", ["batch=512 layout=tp=8,replicas=9 activations=bf16 weights=fp8"]),
    "operation by operation": ("mixtral-8x7b", ["batch=256 overlap=per-operation layout=tp=8"]),
    "nothing overlaps": ("mixtral-8x7b", ["batch=256 overlap=none layout=tp=8"]),
    "a mix": ("llama-3.1-70b", ["weight=2 batch=512 context=8k layout=tp=8,replicas=2",
                                "phase=prefill batch=16 prompt=4k layout=tp=16",
                                "phase=train batch=64 sequence=4096 zero=3 layout=tp=8,dp=2"]),
    "two domains": ("deepseek-v3", ["batch=4096 layout=dp=144,ep=144"]),
}  # fmt: skip


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_step_on_the_machine_takes_as_long_as_designed(name, tmp_path) -> None:
    model, texts = WORKLOADS[name]
    asked = [read_workload(text, Question(model, "")) for text in texts]
    found = solve_machine(MARKET, asked, budget=2e7 if name == "a mix" else 9e6)
    spent = found.spent["budget"]
    assert sum(spent.values()) == pytest.approx(2e7 if name == "a mix" else 9e6)
    for number, workload in enumerate(found.design.workloads):
        rates = found.rates(number)
        machine = tmp_path / f"{number}.toml"
        machine.write_text(
            f"peak_flops = {{ {workload.case.precision['activations']} = {rates[q.peak_flops]!r} }}\n"
            f"memory_bandwidth = {rates[q.memory_bandwidth]!r}\n"
            f"memory_capacity = {found.amounts['stack'] / found.design.chips * MARKET.stack_capacity!r}\n"
            f"scale_up_bandwidth = {max(rates[q.scale_up_bandwidth], 1e3)!r}\nscale_up_domain = 72\n"
            f"scale_out_bandwidth = {max(rates[q.scale_out_bandwidth], 1e3)!r}\nin_switch_reduction = true\n"
        )
        question = replace(workload.case.question, hardware=str(machine))
        names = ("phase", "batch", "context", "prompt", "sequence", "layout", "weights", "activations", "overlap",
                 "zero")  # fmt: skip
        case = case_of(model, str(machine), **{key: getattr(question, key) for key in names})
        assert case.scenario.evaluate(q.step_time) == pytest.approx(found.step_time(number), rel=1e-6)
        assert case.fits
        assert case.scenario.evaluate(q.memory_per_chip) == pytest.approx(workload.held)


@pytest.mark.parametrize("seed", range(3))
def test_figures_of_the_workloads_are_worth_what_a_second_solve_says(seed, tmp_path) -> None:
    design = random_mix(seed, tmp_path)
    worth, step = best_machine(design).sensitivities(), 1e-5
    for symbol in (q.kv_bytes, q.memory_efficiency, q.bytes_per_weight, q.compute_efficiency):
        value = design.workloads[0].case.scenario.value(symbol)
        costs = [
            np.log(best_machine(with_values(design, {symbol: value * (1 + by)})).cost) for by in (step, -step)
        ]
        expected = worth[symbol.name].found if symbol.name in worth else 0.0
        assert (costs[0] - costs[1]) / (2 * step) == pytest.approx(expected, abs=2e-4), symbol
    assert "kv_bytes" in worth


def test_distance_counts_what_is_busy_not_what_came_along(tmp_path) -> None:
    """Stacks bought for their bytes bring bandwidth that idles: what the workload wants is what it keeps busy."""
    design = designed(tmp_path, parameters=1e12, active=30e9, kv_bytes=1e3, batch=65536, context=1000, chips=8)
    found = best_machine(design)
    assert found.closed.bound_by == "budget" and "memory" not in found.ties(0)
    case, work = design.workloads[0].case, design.workloads[0].case.phase.blackboard
    wanted = case.number(work.compute.work) / case.number(work.memory.work)
    for one in distances(found):
        if one.hardware == "h100-sxm":
            assert one.ratios["peak_flops"] == pytest.approx(1.979e15 / 3.35e12 / wanted, rel=1e-5)


def test_distance_is_in_the_workloads_own_format() -> None:
    found = solve_machine(MARKET, [(1.0, Question("llama-3.1-70b", "", batch="512", layout="tp=8"))], budget=5e5)
    board = found.design.workloads[0].case
    wanted = board.number(board.phase.blackboard.compute.work) / board.number(board.phase.blackboard.memory.work)
    one = next(one for one in distances(found) if one.hardware == "h100-sxm")
    assert one.format == "bf16"
    assert one.ratios["peak_flops"] == pytest.approx(0.989e15 / 3.35e12 / wanted, rel=1e-5)


def test_a_share_that_may_outweigh_has_no_sign() -> None:
    share = Rational(1, 2) ** q.batch
    assert sign_by_assumption(2 - share) == 1
    assert sign_by_assumption(Rational(1, 4) - share) is None
    assert sign_by_assumption(share - Rational(1, 4)) is None


def test_a_best_point_that_fails_its_check_is_an_error() -> None:
    answer = search_layouts(Search(Question("llama-3.1-8b", "", context="1000"), ("h100-sxm",), (1,), (8, 64)))
    best = case_of("llama-3.1-8b", "h100-sxm", layout="tp=1", batch=str(answer.best.batch), context="1000",
                   weights=answer.best.question.weights, kv=answer.best.question.kv,
                   activations=answer.best.question.activations)  # fmt: skip
    assert recheck(answer, best).step_time < 1e-9
    slower = replace(best, scenario=best.scenario | {q.memory_bandwidth: 1e12})
    with pytest.raises(NotSolved, match="failed its check"):
        recheck(answer, slower)
    fuller = replace(best, scenario=best.scenario | {q.memory_capacity: 1e9})
    with pytest.raises(NotSolved, match="primal"):
        recheck(answer, fuller)


def test_an_optimum_that_fails_its_check_is_an_error(run, monkeypatch) -> None:
    monkeypatch.setattr("steptime.model.solver.solve.TOLERANCE", -1.0)
    code, out, err = run("solve", "batch", "llama-3.1-8b", "h100-sxm")
    assert (code, out) == (1, "") and "failed its check" in err and err.count("\n") == 1


def test_where_less_would_look_as_good_the_optimum_stays(tmp_path, monkeypatch) -> None:
    """Of equal machines the smallest is taken; one that is not quite as good does not pass for equal."""
    design = replace(random_mix(5, tmp_path), minimise="cost")
    bounded = {**design.prices.goods, "compute": replace(design.prices.goods["compute"], most=1e13)}
    design = replace(design, prices=replace(design.prices, goods=bounded), limits={"budget": 1e12})
    usual = best_machine(design)
    monkeypatch.setattr(geometric, "EQUAL_COSTS", 1e-4)
    assert best_machine(design).cost == pytest.approx(usual.cost, rel=1e-9)
