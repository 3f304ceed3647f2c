"""Machines to be designed: what is free, shares of workloads, ties of batches, digits of a printed formula."""

from dataclasses import replace

import numpy as np
import pytest
from machine_instances import designed
from questions import MARKET as PRICES
from questions import machine_for, workload

from steptime.model import symbols as q
from steptime.model.catalog.models import load_model
from steptime.model.catalog.prices import read_prices
from steptime.model.choices import MachineGoal
from steptime.model.errors import UserError
from steptime.model.solver.machine import layout_choice
from steptime.model.solver.machine.balanced import Limit, fastest, formula, one_after_another
from steptime.model.solver.machine.best import best_machine
from steptime.model.solver.machine.layout_choice import Market, promising
from steptime.model.solver.machine.workloads import solve_machine
from steptime.model.step.build import prepare
from steptime.model.step.inputs import Question

MARKET = read_prices(PRICES)


@pytest.mark.parametrize("minimise", ["step-time", "cost"])
def test_only_the_ratio_of_weights_counts(minimise: str) -> None:
    """7 to 3 is 0.7 to 0.3: the weighted mean of step times, and what a token costs, do not grow with the sum."""
    found = []
    for first, second in (("0.7", "0.3"), ("7", "3"), ("140", "60")):
        asked = [workload(f"weight={first} batch=512 layout=tp=8"),
                 workload(f"weight={second} phase=prefill batch=8 prompt=4k layout=tp=8")]  # fmt: skip
        found.append(solve_machine(load_model("llama-3.1-70b"), MARKET, asked, 6e5, minimise=MachineGoal(minimise)))
    for other in found[1:]:
        assert other.cost == pytest.approx(found[0].cost, rel=1e-6)
        assert other.mean_step_time == pytest.approx(found[0].mean_step_time, rel=1e-6)
        for name, amount in found[0].amounts.items():
            assert other.amounts[name] == pytest.approx(amount, rel=1e-4)
    times = sorted(found[0].step_time(number) for number in (0, 1))
    assert times[0] <= found[0].mean_step_time <= times[1], "a mean lies between"


def test_a_heavier_workload_gets_more_of_what_it_needs() -> None:
    """With nearly all of the weight on the workload that holds most, the machine is that of this workload alone; with
    the weight on the other one, that one is faster."""
    texts = ("batch=512 layout=tp=8", "phase=prefill batch=8 prompt=4k layout=tp=8")
    model, small = load_model("llama-3.1-70b"), 1e-7
    first, second = (
        solve_machine(model, MARKET, [workload(f"weight={w} {t}") for w, t in zip(ws, texts, strict=True)], 6e5)
        for ws in ((1.0, small), (small, 1.0))
    )
    alone = solve_machine(model, MARKET, [workload(texts[0])], 6e5)
    assert first.step_time(0) == pytest.approx(alone.step_time(0), rel=1e-3)
    assert first.step_time(0) < second.step_time(0) and second.step_time(1) < first.step_time(1)


@pytest.mark.parametrize("free", ["compute", "stack", "scale_up"])
@pytest.mark.parametrize("most", [None, 2.0])
def test_a_price_of_nothing(free: str, most: float | None, tmp_path) -> None:
    """What is free is taken until it no longer sets the pace, or up to its bound; without a bound all of the money goes
    to the rest."""
    design = designed(tmp_path, kv_bytes=1e4, batch=64, chips=8)
    usual, goods = best_machine(design), dict(design.prices.goods)
    bound = None if most is None else most * usual.amounts[free] / design.chips
    goods[free] = replace(goods[free], dollars=0.0, most=bound)
    cheaper = replace(design, prices=replace(design.prices, goods=goods))
    found = best_machine(cheaper)
    assert found.optimum.residuals.worst < 1e-6
    assert found.spent["budget"][free] == 0
    if most is None:
        assert sum(found.spent["budget"].values()) == pytest.approx(design.limits["budget"])
    assert found.step_time(0) < usual.step_time(0)
    assert found.step_time(0) == pytest.approx(found.closed.step_time, rel=1e-6)
    assert found.amounts[free] <= (1 + 1e-6) * max(found.needed[free], cheaper.floor(free)), "no more than is busy"


@pytest.mark.parametrize("free", ["compute", "scale_up"])
def test_free_without_a_bound_and_without_overlap_is_refused(free: str) -> None:
    """Terms that add up get shorter for ever; with a bound the bound is taken."""
    goods = {**MARKET.goods, free: replace(MARKET.goods[free], dollars=0.0)}
    asked = {"layout": "tp=8", "overlap": "none", "batch": "64"}
    with pytest.raises(UserError, match=rf"\[{free}\] most is missing: it costs nothing"):
        machine_for("llama-3.1-70b", replace(MARKET, goods=goods), 6e5, **asked)
    bound = 3 * MARKET.goods[free].amount
    goods[free] = replace(goods[free], most=bound)
    found = machine_for("llama-3.1-70b", replace(MARKET, goods=goods), 6e5, **asked)
    assert found.amounts[free] == pytest.approx(8 * bound, rel=1e-6)


def test_free_under_one_limit_and_priced_under_the_other(tmp_path) -> None:
    """Watts bound what dollars give away."""
    design = designed(tmp_path, kv_bytes=1e4, batch=64, chips=8)
    goods = {**design.prices.goods, "compute": replace(design.prices.goods["compute"], dollars=0.0)}
    alone = best_machine(replace(design, prices=replace(design.prices, goods=goods)))
    watts = sum(alone.spent["power"].values()) * 0.8
    limits = {**design.limits, "power": watts}
    both = best_machine(replace(design, prices=replace(design.prices, goods=goods), limits=limits))
    assert sum(both.spent["power"].values()) == pytest.approx(watts, rel=1e-6)
    assert both.step_time(0) > alone.step_time(0)


def test_a_list_that_gives_everything_away_is_refused(tmp_path) -> None:
    design = designed(tmp_path, kv_bytes=1e4, batch=64, chips=8)
    goods = {name: replace(good, dollars=0.0) for name, good in design.prices.goods.items()}
    with pytest.raises(UserError, match="nothing that is for sale costs anything under budget"):
        best_machine(replace(design, prices=replace(design.prices, goods=goods)))
    goods["compute"] = design.prices.goods["compute"]
    assert best_machine(replace(design, prices=replace(design.prices, goods=goods))).spent["budget"]["compute"] > 0


def asked_of(context: str = "4096", **options):
    _, inputs = workload(context=context, **options)
    prices = replace(MARKET, domain=8)
    return prepare(Question(load_model("llama-3.1-8b"), prices.machine(), inputs)), prices


@pytest.mark.parametrize("batches", [(2048, 2049), (2048, 2048 * 8), (8, 9, 10)])
def test_of_batches_the_cheapest_is_taken_however_little_it_saves(batches: tuple[int, ...]) -> None:
    """Weights are spread over one sequence more: less a token, by parts in a thousand or in a million."""
    asked, prices = asked_of()
    market = Market(prices, {"budget": 1e6}, MachineGoal.COST, 8)
    (_, best), *_ = promising(asked, market, batches)
    costs = {n: min(cost for _, cost in every(asked, market, n)) for n in batches}
    assert best == min(costs, key=lambda n: costs[n])
    ordered = sorted(costs.values())
    assert ordered[1] / ordered[0] - 1 > 1e-10, "which differ by more than rounding"


def every(asked, market: Market, batch: int) -> list[tuple[object, float]]:
    """Layouts of one batch and what a token costs on the best machine for each, stated and solved for."""
    found = []
    for layout, _ in promising(asked, market, (batch,)):
        one = machine_for("llama-3.1-8b", market.prices, 1e6, "cost", layout=layout, batch=batch)
        found.append((layout, one.cost))
    return found


@pytest.mark.parametrize("most", [None, 1e9])
def test_free_stacks_and_no_base(most: float | None, tmp_path) -> None:
    """What a token costs is the FLOP/s that it takes for the time that it takes: at any size of the machine the same.
    The largest is taken, up to the budget, whether or not free stacks have a bound that is never reached."""
    file = tmp_path / "toy.toml"
    file.write_text("parameters = 1e9\nkv_bytes = 1\n")
    goods = {**MARKET.goods, "stack": replace(MARKET.goods["stack"], dollars=0.0, most=most)}
    prices = replace(MARKET, goods=goods, base=replace(MARKET.base, dollars=0.0))
    found = machine_for(str(file), prices, 1e6, "cost", layout="tp=1", batch="8", context="1")
    compute = MARKET.goods["compute"]
    peak = compute.amount * prices.peaks["bf16"]
    assert found.cost == pytest.approx(2e9 / peak * compute.dollars / MARKET.life, rel=1e-6)
    assert sum(found.spent["budget"].values()) == pytest.approx(1e6, rel=1e-6)
    assert found.step_time(0) == pytest.approx(8 * 2e9 / (1e6 / compute.dollars * peak), rel=1e-6)


def test_a_printed_formula_shows_six_digits() -> None:
    """A bound is a number in it: enough of it to calculate with, and no more than was meant."""
    printed = formula("budget", ("compute",), {"compute": 0.0, "stack": 3.14159265358979}, bytes_bind=False)
    assert str(printed) == "flops_price*step_flops/(-base_cost + budget - 3.14159*stack_price)"
    fixed = formula("power", ("compute",), {"compute": 0.0}, fixed=2.718281828459045)
    assert str(fixed) == "flops_energy*step_flops/(-base_power + power_limit - 2.71828)"


def test_a_floor_of_nothing_is_not_printed() -> None:
    printed = formula("budget", ("compute",), {"compute": 0.0, "stack": 0.0, "scale_up": 5.0}, bytes_bind=False)
    assert str(printed) == "flops_price*step_flops/(-base_cost + budget - 5.0*link_price)"


def test_the_fastest_machine_by_hand() -> None:
    """Prices 1 and 2, work 6 and 2: (6 + 4)/10 of a second where both are free; with three stacks bought anyway and 10
    dollars, 4 are left for the 6: 1.5 s, at which 2/1.5 stacks would have done."""
    limit = Limit("budget", 10.0, {"compute": 1.0, "stack": 2.0})
    work = {"compute": 6.0, "stack": 2.0}
    assert float(fastest(work, {}, {}, [limit]).time) == pytest.approx(1.0)
    assert float(fastest(work, {"stack": 3.0}, {}, [limit]).time) == pytest.approx(1.5)
    bound = fastest(work, {"stack": 3.0}, {"compute": 3.0}, [limit])
    assert (float(bound.time), str(bound.bound)) == (pytest.approx(2.0), "compute")
    assert float(fastest(work, {"stack": 5.0}, {}, [limit]).time) == np.inf, "the floors take all of it"
    tighter = Limit("power", 2.0, {"compute": 1.0, "stack": 0.0})
    both = fastest(work, {}, {}, [limit, tighter])
    assert (float(both.time), str(both.bound)) == (pytest.approx(3.0), "power")


def test_one_after_another_by_hand() -> None:
    """Work 4 and 1 at prices 1 and 1 under 9: amounts 6 and 3 as the roots 2 and 1; no other split is faster. Under two
    limits the lesser of what each allows; a floor is kept."""
    limit = Limit("budget", 9.0, {"compute": 1.0, "stack": 1.0})
    work = {"compute": 4.0, "stack": 1.0}
    found = one_after_another(work, {}, [limit])
    time = 4 / float(found["compute"]) + 1 / float(found["stack"])
    assert time == pytest.approx((2 + 1) ** 2 / 9)
    assert all(time <= 4 / x + 1 / (9 - x) for x in np.linspace(0.1, 8.9, 200))
    other = Limit("power", 4.5, {"compute": 1.0, "stack": 1.0})
    both = one_after_another(work, {"stack": 2.0}, [limit, other])
    assert (float(both["compute"]), float(both["stack"])) == (pytest.approx(3.0), pytest.approx(2.0))


def test_an_unequal_price_moves_the_split() -> None:
    """x ∝ sqrt(work/price): 4 at price 4 and 1 at price 1 get as much of each, and four fifths of the money go to the
    first."""
    limit = Limit("budget", 10.0, {"compute": 4.0, "stack": 1.0})
    found = one_after_another({"compute": 4.0, "stack": 1.0}, {}, [limit])
    assert (float(found["compute"]), float(found["stack"])) == (pytest.approx(2.0), pytest.approx(2.0))


def test_figures_that_only_one_workload_has_are_worth_its_share() -> None:
    """The sequence of a training step in a mix with decode steps: nothing in the rows of the others and of the limits,
    and as much as a second solve says."""
    model = load_model("llama-3.1-8b")

    def mix(sequence: int):
        asked = [workload("weight=1 batch=512 layout=tp=8"),
                 workload(f"weight=1 phase=train batch=64 sequence={sequence} layout=tp=8")]  # fmt: skip
        return solve_machine(model, MARKET, asked, 6e5)

    found, less, more = mix(4096), mix(4055), mix(4137)
    for row in found.rows:
        if row.workload != 1:
            assert found._case_slope(row, q.sequence) == 0.0
    slope = np.log(more.cost / less.cost) / np.log(4137 / 4055)
    assert found.sensitivities()["sequence"].found == pytest.approx(slope, abs=2e-3)


def test_ties_are_rounding_and_no_more(monkeypatch) -> None:
    """Of batches whose costs differ by rounding the smallest is taken; one in ten thousand million is no rounding."""
    asked, prices = asked_of()
    market = Market(prices, {"budget": 1e6}, MachineGoal.COST, 8)
    usual = layout_choice._costs

    def with_costs(*relative: float):
        def costs(*given):
            found, *others = usual(*given)
            one = np.where(np.isfinite(found[:, :1]), 1.0, np.inf)
            return one * np.array(relative), *others

        monkeypatch.setattr(layout_choice, "_costs", costs)
        return promising(asked, market, (8, 64, 512))[0][1]

    assert with_costs(1.0, 1.0, 1.0) == 8
    assert with_costs(1.0 + 1e-15, 1.0, 1.0) == 8
    assert with_costs(1.0 + 1e-10, 1.0, 1.0 + 1e-9) == 64
    assert with_costs(1.0 + 1e-9, 1.0 + 1e-10, 1.0) == 512
