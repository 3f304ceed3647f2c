"""Machines that do not exist: what a price list says they have and cost, by hand, and the step on them."""

from pathlib import Path

import pytest

import steptime as st
from steptime.model.api.sweep_spec import spec_of
from steptime.model.catalog.prices import read_prices
from steptime.model.solver.sweep.block import Worker

PRICES = Path(__file__).parents[2] / "examples" / "prices-market.toml"
BASE = {"model": "deepseek-v3", "machine_link_bandwidth": "64.8TB/s", "machine_scale_out_bandwidth": "3.6TB/s"}
SPEC = {
    "prices": str(PRICES), "base": BASE, "rows": "all",
    "outputs": ["budget", "step_time", "dollars_per_million_tokens", "memory_bandwidth", "memory_capacity",
                "peak_flops", "scale_up_bandwidth", "scale_out_bandwidth", "workspace", "broken"],
    "over": {"stacks": {"values": [144, 576]}, "machine_flops": {"values": ["90 PFLOP/s", "360 PFLOP/s"]},
             "batch": {"values": [64, 9000]}},
    "layouts": {"list": ["tp=1,dp=72,ep=72"]},
}  # fmt: skip


def test_a_bought_machine_is_the_sum_of_its_parts() -> None:
    """prices-market.toml: 13,778 $ for 5 PFLOP/s of fp8, 818 $ a stack, 7,922 $ for 900 GB/s, 10,653 $ for 50 GB/s,
    14,811 $ beside them, written off over 43,800 h."""
    rows = Worker(spec_of(SPEC)).block(0).rows
    machine = read_prices(PRICES).machine()
    for row in range(8):
        stacks, flops = float(rows["stacks"][row]), float(rows["machine_flops"][row])
        parts = (72 * 14811, 13778 * flops / 5e15, 818 * stacks, 7922 * 72, 10653 * 72)
        assert rows["budget"][row] == pytest.approx(sum(parts), rel=1e-12)
        figures = {"memory_bandwidth": 1e12 * stacks / 72, "memory_capacity": 24.84e9 * stacks / 72,
                   "peak_flops": flops / 72, "scale_up_bandwidth": 900e9, "scale_out_bandwidth": 50e9}  # fmt: skip
        assert {name: float(rows[name][row]) for name in figures} == pytest.approx(figures, rel=1e-12)
        step = st.step("deepseek-v3", machine, layout="dp=72,ep=72", batch=float(rows["batch"][row]), **figures,
                       chip_hour_price=sum(parts) / 43800 / 72)  # fmt: skip
        assert rows["step_time"][row] == pytest.approx(step.time, rel=1e-12)
        cost = step.to_dict()["dollars_per_million_tokens"]
        assert rows["dollars_per_million_tokens"][row] == pytest.approx(cost, rel=1e-12)
        workspace = step.to_dict()["memory_per_chip"]["workspace"]
        assert rows["workspace"][row] == pytest.approx(workspace, rel=1e-12)
        assert ("memory_capacity" in rows["broken"][row]) == (step.case.fits is False)
    assert {str(text) for text in rows["broken"]} == {"", "memory_capacity"}


def test_what_is_sold_and_not_stated_is_named() -> None:
    spec = {**SPEC, "base": {name: value for name, value in BASE.items() if name != "machine_link_bandwidth"}}
    with pytest.raises(st.UserError, match=r"`machine_link_bandwidth`: .*sells it"):
        st.sweep({**spec, "rows": "all", "keep": [{"best": "budget"}]})


def test_a_map_has_solve_machines_answer_on_it() -> None:
    """No machine of the map that costs as much, or less, steps faster than the one that `solve machine` designs."""
    batch = 2048
    found = st.machine("deepseek-v3", str(PRICES), budget=3.0e6, chips=72, minimise="step-time", batch=batch,
                       layout="dp=72,ep=72").to_dict()  # fmt: skip
    swept = st.sweep({
        "prices": str(PRICES), "outputs": ["step_time", "budget"], "limits": ["budget<=3.0M$"],
        "base": {"model": "deepseek-v3", "batch": batch},
        "over": {"stacks": {"grid": [100, 1500, 57]}, "machine_flops": {"grid": ["50PFLOP/s", "700PFLOP/s", 66]},
                 "machine_link_bandwidth": {"grid": ["2TB/s", "90TB/s", 45]},
                 "machine_scale_out_bandwidth": {"values": ["1 GB/s", "10GB/s"]}},
        "layouts": {"list": ["dp=72,ep=72"]},
        "keep": [{"best": "step_time"}],
    })  # fmt: skip
    best = swept.kept("best step_time")[0]["rows"][0]
    assert best["step_time"] >= found["step_time"] * (1 - 1e-9)
    assert best["step_time"] <= found["step_time"] * 1.1
