"""The machine that was designed, built: `step` takes as long on it, its figures are worth what a second solve says."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from conftest import case_of
from machine_instances import designed, random_mix
from questions import MARKET as PRICES
from questions import machine_for, search_of, workload
from sympy import Rational

from steptime.model import symbols as q
from steptime.model.catalog.hardware import load_hardware
from steptime.model.catalog.models import load_model
from steptime.model.catalog.prices import read_prices
from steptime.model.catalog.transformers import load_transformer
from steptime.model.choices import Overlap
from steptime.model.errors import NotSolved, UserError
from steptime.model.layout.enumeration import layout_of, layouts
from steptime.model.scenario import Scenario
from steptime.model.solver.batch import solve_batch
from steptime.model.solver.crossover import find_crossover
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.solver.machine.best import best_machine
from steptime.model.solver.machine.distance import distances
from steptime.model.solver.machine.whole_stacks import with_whole_stacks
from steptime.model.solver.machine.workloads import solve_machine
from steptime.model.solver.monotone import sign_by_assumption
from steptime.model.solver.ranges.machine_spread import machine_spread, with_values
from steptime.model.solver.ranges.spreads import crossover_spread
from steptime.model.solver.recheck import recheck
from steptime.model.step.build import build_case

MARKET = read_prices(PRICES)
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
    asked = [workload(text) for text in texts]
    found = solve_machine(load_model(model), MARKET, asked, budget=2e7 if name == "a mix" else 9e6)
    spent = found.spent["budget"]
    assert sum(spent.values()) == pytest.approx(2e7 if name == "a mix" else 9e6)
    for number, one in enumerate(found.design.workloads):
        rates = found.rates(number)
        machine = tmp_path / f"{number}.toml"
        machine.write_text(
            f"peak_flops = {{ {one.case.precision['activations']} = {rates[q.peak_flops]!r} }}\n"
            f"memory_bandwidth = {rates[q.memory_bandwidth]!r}\n"
            f"memory_capacity = {found.amounts['stack'] / found.design.chips * MARKET.stack_capacity!r}\n"
            f"scale_up_bandwidth = {max(rates[q.scale_up_bandwidth], 1e3)!r}\nscale_up_domain = 72\n"
            f"scale_out_bandwidth = {max(rates[q.scale_out_bandwidth], 1e3)!r}\nin_switch_reduction = true\n"
        )
        case = build_case(replace(one.case.question, hardware=load_hardware(str(machine))))
        assert case.scenario.evaluate(q.step_time) == pytest.approx(found.step_time(number), rel=1e-6)
        assert case.fits
        assert case.scenario.evaluate(q.memory_per_chip) == pytest.approx(one.held)


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
    found = machine_for("llama-3.1-70b", budget=5e5, batch="512", layout="tp=8")
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
    answer = search_layouts(search_of("llama-3.1-8b", "h100-sxm", (1,), (8, 64), context="1000"))
    assert max(recheck(answer).figures.values()) < 1e-9
    slower, fuller = {q.memory_bandwidth: 1e12}, {q.memory_capacity: 1e9}
    for changed, match in ((slower, "failed its check"), (fuller, "primal=[1-9]")):
        wrong = replace(answer.best, question=answer.best.question.but(changed))
        with pytest.raises(NotSolved, match=match):
            recheck(replace(answer, candidates=(wrong,), best_of={}))


def test_an_optimum_that_fails_its_check_is_an_error(run, monkeypatch) -> None:
    monkeypatch.setattr("steptime.model.solver.solve.TOLERANCE", -1.0)
    code, out, err = run("solve", "batch", "llama-3.1-8b", "h100-sxm")
    assert (code, out) == (1, "") and "failed its check" in err and err.count("\n") == 1


@pytest.mark.parametrize("limits", [{"power": 7e4}, {"power": 7e4, "budget": 6e5}])
@pytest.mark.parametrize("minimise", ["cost", "energy"])
def test_of_machines_on_which_a_token_costs_the_same_the_fastest_is_taken(minimise, limits, tmp_path) -> None:
    """Without a base, what a token costs does not change with the size of the machine: it is as large as it may be."""
    design = designed(tmp_path, kv_bytes=1e4, batch=64, chips=8)
    prices = replace(design.prices, base=replace(design.prices.base, dollars=0.0, watts=0.0))
    found = best_machine(replace(design, prices=prices, limits=limits, minimise=minimise))
    used = {limit: sum(found.spent[limit].values()) / value for limit, value in limits.items()}
    assert max(used.values()) == pytest.approx(1, rel=1e-6)
    assert found.step_time(0) == pytest.approx(found.closed.step_time, rel=1e-6)


def test_in_a_mix_too(tmp_path) -> None:
    design = replace(random_mix(2, tmp_path), minimise="energy", limits={"power": 1e6})
    prices = replace(design.prices, base=replace(design.prices.base, watts=0.0))
    found = best_machine(replace(design, prices=prices))
    assert sum(found.spent["power"].values()) == pytest.approx(1e6, rel=1e-6)
    assert found.cost <= best_machine(replace(design, prices=prices, limits={"power": 2e6})).cost * (1 + 1e-9)


@pytest.mark.parametrize("limits", [{"budget": 1e6}, {"power": 1e5}])
def test_of_what_costs_nothing_no_more_is_taken_than_is_busy(limits, tmp_path) -> None:
    design = designed(tmp_path, kv_bytes=1e4, batch=64, chips=8)
    free = {**design.prices.goods, "scale_up": replace(design.prices.goods["scale_up"], dollars=0.0, watts=0.0)}
    found = best_machine(replace(design, prices=replace(design.prices, goods=free), limits=limits))
    assert found.ties(0) == ["compute", "memory", "scale_up"] and found.optimum.residuals.worst < 1e-6
    one = designed(tmp_path, kv_bytes=1e4, batch=64, chips=8)
    case = one.workloads[0].case
    case = replace(case, inputs=replace(case.inputs, overlap=Overlap.NONE))
    (terms,) = one.workloads[0].parts.values()
    parts = {term: {term: time} for term, time in terms.items()}
    apart = replace(one.workloads[0], case=case, parts=parts)
    with pytest.raises(UserError, match=r"\[scale_up\] most is missing: it costs nothing"):
        best_machine(replace(one, prices=replace(one.prices, goods=free), limits=limits, workloads=(apart,)))
    nothing = {name: replace(good, dollars=0.0, watts=0.0) for name, good in design.prices.goods.items()}
    with pytest.raises(UserError, match="nothing that is for sale costs anything"):
        best_machine(replace(design, prices=replace(design.prices, goods=nothing), limits=limits))


@pytest.mark.parametrize("changes", [
    {"overlap": "none", "phase": "prefill", "batch": None}, {"overlap": "per-operation", "context": "1000"},
    {"sets": ("scale_up_latency=20e-6",)},
])  # fmt: skip
def test_where_the_closed_form_is_a_guide_what_it_finds_is_solved_for(changes) -> None:
    """Beside all layouts of four chips, and a few batches."""
    prices, batches = replace(MARKET, domain=4), (16, 64, 256)
    found = machine_for("mixtral-8x7b", prices, 3e5, "cost", batches, **{"batch": "64", **changes})
    columns = layouts(load_transformer("mixtral-8x7b"), [4])
    costs = []
    for row, batch in product(range(len(columns["tp"])), batches):
        layout = layout_of(columns, row)
        if layout.replicas * layout.dp * layout.pp <= batch:
            one = machine_for("mixtral-8x7b", prices, 3e5, "cost", **{**changes, "layout": layout, "batch": batch})
            costs.append(one.cost)
    assert found.cost <= min(costs) * 1.001


def test_a_figure_of_a_training_step_changes_its_tokens_too() -> None:
    asked = {"phase": "train", "batch": "64", "layout": "tp=8", "zero": 1}
    found = machine_for("llama-3.1-8b", MARKET, 5e5, "cost", sequence="4096", **asked)
    worth = found.sensitivities()["sequence"].found
    costs = [
        np.log(machine_for("llama-3.1-8b", MARKET, 5e5, "cost", sequence=n, **asked).cost) for n in (4055, 4137)
    ]
    assert (costs[1] - costs[0]) / np.log(4137 / 4055) == pytest.approx(worth, abs=2e-3)


@pytest.mark.parametrize("least", [{"stack": 20.0}, {"scale_out": 1e10}, {}])
@pytest.mark.parametrize("weights", ["fp8", "bf16"])
def test_the_printed_formula_holds_under_bounds_formats_and_efficiencies(least, weights) -> None:
    goods = {name: replace(good, least=least.get(name)) for name, good in MARKET.goods.items()}
    found = machine_for("llama-3.1-70b", replace(MARKET, goods=goods), 6e5, batch="512", layout="tp=8", weights=weights,
                        sets=("memory_efficiency=0.8", "compute_efficiency=0.5"))  # fmt: skip
    case = found.design.workloads[0].case
    board = case.phase.blackboard
    work = {
        q.step_flops: 8 * case.number(board.compute.work), q.step_memory_bytes: 8 * case.number(board.memory.work),
        q.step_link_bytes: 8 * case.number(board.scale_up.work), q.capacity_needed: 8 * found.design.workloads[0].held,
    }  # fmt: skip
    there = Scenario({**case.scenario.values, **found.design.numbers, **work})
    assert there.evaluate(found.closed.formula) == pytest.approx(found.step_time(0), rel=1e-4)


def test_whole_stacks_keep_to_the_bounds() -> None:
    goods = {**MARKET.goods, "stack": replace(MARKET.goods["stack"], least=2.5)}
    found = machine_for("deepseek-v3", replace(MARKET, goods=goods), 1.5e6, phase="prefill", batch="72", prompt="1024",
                        layout="dp=72,ep=72")  # fmt: skip
    assert with_whole_stacks(found).amounts["stack"] / 72 >= 3


def test_a_range_that_moves_what_is_left_out_of_a_closed_form_is_not_called_exact() -> None:
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", context="1000")
    ranges = {q.memory_efficiency: (0.4, 0.9), q.peak_flops: (5e14, 1e15)}
    found = crossover_spread(case, ranges, ("memory", "compute"), q.memory_bandwidth, lambda share: None)
    interval = found.intervals["memory_bandwidth"]
    assert interval.low <= interval.median <= interval.high
    corners = [
        find_crossover(case.changed({q.memory_efficiency: e, q.peak_flops: f}), "memory", "compute",
                       q.memory_bandwidth).value
        for e in (0.4, 0.9) for f in (5e14, 1e15)
    ]  # fmt: skip
    assert min(corners) * (1 - 1e-9) <= interval.low and interval.high <= max(corners) * (1 + 1e-9)


def test_what_a_step_yields_counts_in_a_range() -> None:
    found = machine_for("llama-3.1-8b", MARKET, 5e5, "cost", batch="512", layout="tp=8")
    interval = machine_spread(found, {q.batch: (64.0, 2048.0)}, lambda share: None).intervals["cost"]
    assert not interval.exact and interval.low <= interval.median <= interval.high


def test_the_smallest_batch_is_found_far_below_the_start() -> None:
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", efficiency="ideal", sets=("peak_flops=1e13",))
    found, meets = solve_batch(case).solution, find_crossover(case, "memory", "compute", q.batch)
    assert found.value == pytest.approx(meets.value, rel=1e-6)


@pytest.mark.parametrize("text", ["weights=fp32", "kv=foo", "phase=train recompute=foo", "schedule=foo", "attention=x"])
def test_a_choice_that_does_not_exist_is_refused(text) -> None:
    with pytest.raises(UserError, match=r"`workload` .*: unknown "):
        workload(text)
