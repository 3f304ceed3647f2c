"""Who earns: what each resource of a real chip is worth, beside a second solve with a little more and a little less."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import case_of

from steptime.model import symbols as q
from steptime.model.catalog.prices import read_prices
from steptime.model.errors import UserError
from steptime.model.solver.batch import solve_batch
from steptime.model.solver.machine.earns import RESOURCES, who_earns

MARKET = read_prices(Path(__file__).parents[2] / "examples" / "prices-market.toml")
CASES = {
    "memory is full": ("deepseek-v3", "h100-sxm", {"layout": "dp=32,ep=32", "context": "4096"}),
    "scale-out binds": ("deepseek-v3", "h100-sxm", {"layout": "dp=32,ep=32", "context": "1000"}),
    "compute binds": ("deepseek-v3", "gb200-nvl72", {"layout": "dp=72,ep=72", "context": "1000"}),
    "nothing overlaps": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8", "overlap": "none"}),
    "prefill": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8", "phase": "prefill", "prompt": "8192"}),
}


def chip_seconds(case, batch_adjusts: bool) -> float:
    if batch_adjusts:
        return solve_batch(case, "chip-seconds", in_practice=False).solution.cost
    return case.scenario.evaluate(q.step_time)


@pytest.mark.parametrize("batch_adjusts", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_elasticities_equal_a_second_solve(name, batch_adjusts) -> None:
    model, hardware, options = CASES[name]
    case = case_of(model, hardware, **options)
    found = who_earns(case, None, batch_adjusts)
    assert found.worths
    for worth in found.worths:
        for by, end in ((1e-5, worth.earns[0]), (-1e-5, worth.earns[1])):
            more = {symbol: case.scenario.value(symbol) * (1 + by) for symbol in RESOURCES[worth.name]}
            other = replace(case, scenario=case.scenario | more)
            gain = np.log(chip_seconds(case, batch_adjusts) / chip_seconds(other, batch_adjusts)) / np.log1p(by)
            assert gain == pytest.approx(end, abs=2e-4), worth.name


def test_at_a_tie_a_little_more_is_worth_nothing_and_a_little_less_costs_all() -> None:
    """Row 7.2: at a crossover the one-sided interval."""
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", batch="512", context="1000")
    meets = case.scenario.value(q.peak_flops) * case.times["compute"] / case.times["memory"]
    found = who_earns(replace(case, scenario=case.scenario | {q.peak_flops: meets}), None, batch_adjusts=False)
    worths = {worth.name: worth for worth in found.worths}
    for name in ("peak_flops", "memory_bandwidth"):
        assert worths[name].earns == pytest.approx((0, 1), abs=1e-6)
        assert not worths[name].unique
    assert worths["memory_capacity"].earns == (0, 0)


def test_dollars_a_unit_are_the_elasticity_times_the_chip_over_the_amount() -> None:
    case = case_of("deepseek-v3", "h100-sxm", layout="dp=32,ep=32")
    found = who_earns(case, MARKET, batch_adjusts=True)
    stacks = max(3.35e12 / 1e12, 85.9e9 / 24.84e9)
    parts = {"peak_flops": 1.979e15 * 13778 / 5e15, "memory_stacks": stacks * 818,
             "scale_up_bandwidth": 450e9 * 7922 / 900e9, "scale_out_bandwidth": 10653, "base": 14811}  # fmt: skip
    assert found.chip == pytest.approx(sum(parts.values()), rel=1e-3)
    for name, share in found.spend_share.items():
        assert share == pytest.approx(parts[name] / found.chip, rel=1e-3), name
    for worth in found.worths:
        ends = [end * found.chip / worth.amount for end in worth.earns]
        assert worth.value == pytest.approx(ends)
    assert found.worths[0].name == "memory_stacks"
    earns = {worth.name: worth.earns[1] for worth in found.worths}
    assert earns["memory_stacks"] == pytest.approx(earns["memory_bandwidth"] + earns["memory_capacity"], abs=1e-6)


def test_longer_context_hands_the_earnings_to_memory() -> None:
    first = {}
    for context in ("1000", "32000"):
        case = case_of("deepseek-v3", "gb200-nvl72", layout="dp=72,ep=72", context=context)
        first[context] = who_earns(case, None, batch_adjusts=True).worths[0].name
    assert first == {"1000": "peak_flops", "32000": "memory_stacks"}


def test_the_command(run, run_json) -> None:
    data = run_json("solve", "machine", "deepseek-v3", "--from", "h100-sxm", "--layout", "dp=32,ep=32", "--json")
    assert data["who_earns"][0]["resource"] == "memory_stacks"
    assert data["batch_adjusts"] is True and data["chip_dollars"] > 0
    code, out, _ = run("solve", "machine", "deepseek-v3", "--from", "vr200-nvl72", "--layout", "dp=72,ep=72",
                       "--batch", "512")  # fmt: skip
    assert code == 0 and "[vr200-nvl72] chip_price is missing" in out and "512 (held)" in out


def test_a_chip_without_a_figure_is_refused_by_name(run) -> None:
    code, _, err = run("solve", "machine", "llama-3.1-405b", "--from", "tpuv6e", "--layout", "tp=128,pp=4")
    assert code == 2 and "[tpuv6e] scale_out_bandwidth" in err
    with pytest.raises(UserError, match="peaks has no int8"):
        who_earns(case_of("llama-3.1-8b", "h100-sxm", layout="tp=1", weights="int8"), MARKET, batch_adjusts=True)
