"""The machine that a budget buys: equal to its closed form, beaten by no other, priced rightly, honest about limits."""

from dataclasses import replace

import numpy as np
import pytest
from machine_instances import designed, random_mix, random_one, shares_of_steps, step_times
from questions import MARKET, machine_for

from steptime.model import symbols as q
from steptime.model.catalog.prices import read_prices
from steptime.model.errors import UserError
from steptime.model.scenario import Scenario
from steptime.model.solver.machine.best import best_machine
from steptime.model.solver.machine.whole_stacks import with_whole_stacks


@pytest.mark.parametrize("seed", range(20))
def test_one_workload_equals_its_closed_form(seed, tmp_path) -> None:
    """Row 7.1: all that is bought above its floor takes the whole step; nothing idles."""
    found = best_machine(random_one(seed, tmp_path))
    assert found.closed is not None
    assert found.step_time(0) == pytest.approx(found.closed.step_time, rel=1e-6)
    for name, amount in found.closed.amounts.items():
        if found.closed.amounts[name] > found.design.floor(name) * (1 + 1e-6):
            assert found.amounts[name] == pytest.approx(amount, rel=1e-5), name


@pytest.mark.parametrize("seed", range(6))
def test_the_closed_form_is_its_formula(seed, tmp_path) -> None:
    """What is printed, with the numbers put in, is the step time."""
    found = best_machine(random_one(seed, tmp_path))
    if found.closed.formula is None:  # a bound of one resource decides
        assert found.amounts[found.closed.bound_by] == pytest.approx(found.design.most(found.closed.bound_by))
        return
    case, chips = found.design.workloads[0].case, found.design.chips
    board, efficiency = case.phase.blackboard, case.scenario.value
    peak = found.design.prices.peaks[found.design.format_of(found.design.workloads[0])]
    work = {
        q.step_flops: chips * case.number(board.compute.work) / efficiency(q.compute_efficiency) / peak,
        q.step_memory_bytes: chips * case.number(board.memory.work) / efficiency(q.memory_efficiency),
        q.step_link_bytes: chips * case.number(board.scale_up.work) / efficiency(q.interconnect_efficiency),
        q.step_scale_out_bytes: chips * case.number(board.scale_out.work) / efficiency(q.interconnect_efficiency),
        q.capacity_needed: chips * found.design.workloads[0].capacity,
    }
    value = Scenario({**found.design.numbers, **work}).evaluate(found.closed.formula)
    assert value == pytest.approx(found.step_time(0), rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", [random_one, random_mix])
def test_no_machine_of_a_hundred_thousand_beats_it(seed, kind, tmp_path) -> None:
    """Every way to spend the money, drawn at random from all of them and from near the best."""
    design = kind(seed, tmp_path)
    found = best_machine(design)
    drawn = np.random.default_rng(seed)
    names = design.for_sale
    shares = np.concatenate([
        drawn.dirichlet(np.ones(len(names)), 50_000),
        np.abs(near := drawn.normal(1, 0.05, (50_000, len(names)))) * spent_shares(found) / near.sum(1, keepdims=True),
    ])  # fmt: skip
    shares /= shares.sum(1, keepdims=True)
    amounts = {name: money(design, shares[:, place], name) for place, name in enumerate(names)}
    allowed = np.all([amounts[name] >= design.floor(name) for name in names], axis=0)
    allowed &= np.all([amounts[n] <= (design.most(n) or np.inf) for n in names], axis=0)
    assert allowed.sum() > 300
    mean = sum(share * t for share, t in zip(shares_of_steps(design), step_times(design, amounts), strict=True))
    assert mean[allowed].min() >= found.mean_step_time * (1 - 1e-9)
    assert mean[allowed].min() < found.mean_step_time * 1.5


def money(design, share, name):
    """What a share of the money that is left after the base buys."""
    from steptime.model.solver.machine.balanced import UNIT

    numbers = design.numbers
    return share * (design.limits["budget"] - numbers[UNIT["budget"]["base"]]) / numbers[UNIT["budget"][name]]


def spent_shares(found):
    spent = np.array([found.spent["budget"][name] for name in found.design.for_sale])
    return spent / spent.sum()


@pytest.mark.parametrize("seed", range(20))
def test_a_mix_equals_an_independent_solve(seed, tmp_path) -> None:
    """The same program by trust-constr, written out anew: amounts and times in logarithms, numbers for all else."""
    from machine_instances import independent

    design = random_mix(seed, tmp_path)
    found = best_machine(design)
    assert found.mean_step_time == pytest.approx(independent(design), rel=1e-4)
    assert found.optimum.residuals.worst < 1e-6


@pytest.mark.parametrize("minimise", ["step-time", "cost", "energy"])
@pytest.mark.parametrize("seed", range(3))
def test_sensitivities_equal_finite_differences(seed, minimise, tmp_path) -> None:
    """Solve again with each price and limit a little more and a little less."""
    design = replace(random_mix(seed, tmp_path), minimise=minimise)
    worth = best_machine(design).sensitivities()
    step = 1e-5

    def changed(by: float, **what: str) -> float:
        (key, target), = what.items()
        if key == "limit":
            return best_machine(replace(design, limits={target: design.limits[target] * (1 + by)})).cost
        goods, base = dict(design.prices.goods), design.prices.base
        if target == "base":
            base = replace(base, dollars=base.dollars * (1 + by))
        else:
            goods[target] = replace(goods[target], dollars=goods[target].dollars * (1 + by))
        return best_machine(replace(design, prices=replace(design.prices, goods=goods, base=base))).cost

    names = {"budget": {"limit": "budget"}, "flops_price": {"good": "compute"}, "stack_price": {"good": "stack"},
             "link_price": {"good": "scale_up"}, "base_cost": {"good": "base"}}  # fmt: skip
    for name, what in names.items():
        slope = (np.log(changed(step, **what)) - np.log(changed(-step, **what))) / (2 * step)
        expected = worth[name].found if name in worth else 0.0
        assert slope == pytest.approx(expected, abs=2e-4), name


def test_the_price_of_a_term_is_its_share_of_what_can_be_chosen(tmp_path) -> None:
    """Row 7.1: where the bottleneck is, there the money goes. Stacks bought for bandwidth, base left aside."""
    found = machine_for("deepseek-v3", budget=3.1e6, batch="4096", layout="dp=72,ep=72")
    spent = found.spent["budget"]
    chosen = sum(spent.values()) - spent["base"]
    for term, good in {"compute": "compute", "memory": "stack", "scale_up": "scale_up"}.items():
        assert found.price(term) == pytest.approx(spent[good] / chosen, rel=1e-6)
    assert sum(found.price(term) for term in ("compute", "memory", "scale_up")) == pytest.approx(1, abs=1e-6)
    assert found.ties(0) == ["compute", "memory", "scale_up"]


def test_the_fastest_machine_is_also_the_cheapest_and_the_most_frugal(tmp_path) -> None:
    """One workload: a token's cost is the base's times the step time and the priced work, which does not change."""
    design = random_one(3, tmp_path)
    fastest = best_machine(design)
    for minimise in ("cost", "energy"):
        other = best_machine(replace(design, minimise=minimise))
        assert other.step_time(0) == pytest.approx(fastest.step_time(0), rel=1e-6)


def test_where_bytes_and_bandwidth_ask_for_the_same_stacks_prices_are_an_interval(tmp_path) -> None:
    """At the drain time of what is held: a little more work asks for bandwidth, a little more to hold for bytes."""
    design = designed(tmp_path, parameters=1e9, kv_bytes=1e3, batch=8, context=1000, chips=1)
    held = design.workloads[0].capacity
    stack = held / best_machine(design).amounts["stack"]
    tied = replace(design, prices=replace(design.prices, stack_capacity=stack))
    found = best_machine(tied)
    assert not found.optimum.prices.unique
    assert found.price_ends("memory_capacity")[0] == pytest.approx(0, abs=1e-6)
    assert found.price_ends("memory_capacity")[1] > 0.05
    worth = found.sensitivities()["stack_capacity"]
    assert worth.most == pytest.approx(0, abs=1e-6)
    assert worth.least < -0.05
    step, there = 1e-5, np.log(found.cost)
    for by, end in ((step, worth.most), (-step, worth.least)):
        other = replace(design, prices=replace(design.prices, stack_capacity=stack * (1 + by)))
        assert (np.log(best_machine(other).cost) - there) / by == pytest.approx(end, rel=1e-3, abs=1e-3)


def test_whole_stacks_are_the_best_of_all_whole_numbers(tmp_path) -> None:
    design = random_mix(5, tmp_path)
    whole = with_whole_stacks(best_machine(design))
    chips, stack = design.chips, design.prices.goods["stack"]
    costs = {}
    for number in range(1, 40):
        goods = {**design.prices.goods, "stack": replace(stack, least=float(number), most=float(number))}
        try:
            costs[number] = best_machine(replace(design, prices=replace(design.prices, goods=goods))).cost
        except UserError:
            continue
    assert len(costs) > 5
    assert whole.amounts["stack"] / chips == pytest.approx(min(costs, key=lambda number: costs[number]))


def test_the_default_layout_is_the_fastest_of_all() -> None:
    """Beside every layout of eight chips, solved one at a time."""
    from steptime.model.catalog.transformers import load_transformer
    from steptime.model.layout.enumeration import layout_of, layouts

    prices = replace(read_prices(MARKET), domain=4)
    chosen = machine_for("mixtral-8x7b", prices, 5e5, batch="64", sets=("chips=8",))
    columns = layouts(load_transformer("mixtral-8x7b"), [8])
    times = []
    for row in range(0, len(columns["tp"]), 5):
        layout = layout_of(columns, row)
        if layout.replicas * layout.dp * layout.pp <= 64:
            times.append(machine_for("mixtral-8x7b", prices, 5e5, batch="64", layout=layout).step_time(0))
    assert len(times) >= 20
    assert min(times) >= chosen.step_time(0) * (1 - 1e-9)


def test_the_batch_of_least_cost_is_the_best_of_all_tried() -> None:
    """Beside each batch solved alone; at the best stacks are about full, and a step is about their drain (row 1.9)."""
    prices, batches = read_prices(MARKET), (256, 1024, 4096, 16384, 65536, 131072)
    chosen = machine_for("deepseek-v3", prices, 3.1e6, "cost", batches, context="4096")
    costs = {}
    for batch in batches:
        try:
            costs[batch] = machine_for("deepseek-v3", prices, 3.1e6, "cost", context="4096", batch=batch).cost
        except UserError as error:
            assert "infeasible" in str(error) and batch > 65536
    assert chosen.cost == pytest.approx(min(costs.values()), rel=1e-9)
    taken = chosen.design.workloads[0].case.scenario.values[q.batch]
    assert taken == min(costs, key=lambda batch: costs[batch]) == 65536
    drain = prices.stack_capacity / prices.stack_bandwidth
    assert 0.5 * drain < chosen.step_time(0) <= drain


def test_with_a_stated_layout_or_a_toy_each_batch_is_solved(tmp_path) -> None:
    prices, batches = read_prices(MARKET), (64, 512, 4096)
    for model, options in (("llama-3.1-70b", {"layout": "tp=8"}), (str(toy(tmp_path)), {"weights": "fp8"})):
        chosen = machine_for(model, prices, 4e6, "cost", batches, **options)
        each = [machine_for(model, prices, 4e6, "cost", batch=batch, **options).cost for batch in batches]
        assert chosen.cost == pytest.approx(min(each), rel=1e-9)


def toy(folder):
    from machine_instances import TOY

    file = folder / "toy.toml"
    file.write_text(TOY.format(parameters=30e9, active=30e9, kv_bytes=1e5, attention=1e6, links=1e5))
    return file


def test_what_is_printed_is_what_is_derived() -> None:
    """The closed forms of the two ways to buy stacks are the derivations' results."""
    from steptime.derivations.library import find
    from steptime.model.solver.machine.balanced import formula

    goods = ("compute", "stack", "scale_up", "scale_out")
    floor = dict.fromkeys(goods, 0.0)
    assert formula("budget", goods, floor).equals(find("stacks-for-bandwidth").result.rhs)
    others = tuple(good for good in goods if good != "stack")
    assert formula("budget", others, floor).equals(find("stacks-for-bytes").result.rhs)
