"""A mix of workloads: a weight is a share of the tokens, whatever is minimised, and the same by hand."""

import numpy as np
import pytest
from machine_instances import TOY
from questions import MARKET, workload

from steptime.model import symbols as q
from steptime.model.catalog.models import load_model
from steptime.model.catalog.prices import read_prices
from steptime.model.choices import MachineGoal
from steptime.model.solver.machine.best import best_machine
from steptime.model.solver.machine.workloads import solve_machine
from steptime.model.solver.ranges.machine_spread import machine_spread, with_values

PARAMETERS, KV, ATTENTION, LINKS = 30e9, 1e5, 1e6, 1e5
BATCH, CONTEXT, PROMPTS, PROMPT = 64, 8000, 8, 4000
CHIPS, BUDGET = 8, 2e6


@pytest.fixture
def toy(tmp_path) -> str:
    file = tmp_path / "toy.toml"
    file.write_text(TOY.format(parameters=PARAMETERS, active=PARAMETERS, kv_bytes=KV, attention=ATTENTION, links=LINKS))
    return str(file)


def texts(first: float, second: float) -> list[str]:
    """A decode and a prefill, with their shares of the tokens in any unit."""
    return [f"weight={first!r} batch={BATCH} context={CONTEXT} layout=tp=8 weights=fp8",
            f"weight={second!r} phase=prefill batch={PROMPTS} prompt={PROMPT} layout=tp=8 weights=fp8"]  # fmt: skip


def by_hand(rates: dict[str, float]) -> tuple[float, float]:
    """Seconds of both steps on a chip with such rates: the largest of their terms, written out."""
    decode = max(BATCH * (2 * PARAMETERS + ATTENTION * CONTEXT) / CHIPS / rates["peak_flops"],
                 (PARAMETERS + BATCH * KV * (CONTEXT + 1)) / CHIPS / rates["memory_bandwidth"],
                 BATCH * LINKS / rates["scale_up_bandwidth"])  # fmt: skip
    flops = 2 * PARAMETERS * PROMPT + ATTENTION * PROMPT * (PROMPT - 1) / 2
    prefill = max(PROMPTS * flops / CHIPS / rates["peak_flops"],
                  (PARAMETERS + PROMPTS * KV * PROMPT) / CHIPS / rates["memory_bandwidth"],
                  PROMPTS * PROMPT * LINKS / rates["scale_up_bandwidth"])  # fmt: skip
    return decode, prefill


@pytest.mark.parametrize("goal", ["cost", "step-time"])
@pytest.mark.parametrize("weights", [(0.7, 0.3), (7.0, 3.0)], ids=["of one", "of ten"])
def test_seven_tokens_of_decode_for_three_of_prefill_by_hand(run_json, toy, goal, weights) -> None:
    """Dollars per token Σ w·p·t/(b·T); steps in proportion to w/(b·T), time to w·t/(b·T): written out for two."""
    first, second = texts(*weights)
    data = run_json("solve", "machine", toy, "--prices", str(MARKET), "--budget", str(BUDGET), "--minimise", goal,
                    "--set", "chips=8", "--workload", first, "--workload", second, "--json")  # fmt: skip
    decode, prefill = by_hand(data["resources"])
    per_token = 0.7 * decode / BATCH + 0.3 * prefill / (PROMPTS * PROMPT)
    steps = np.array([0.7 / BATCH, 0.3 / (PROMPTS * PROMPT)])
    mean = float(steps @ [decode, prefill] / steps.sum())
    life = read_prices(MARKET).life
    expected = BUDGET / life * per_token if goal == "cost" else mean
    assert sum(data["spend"].values()) == pytest.approx(BUDGET)
    assert data["cost"] == pytest.approx(expected, rel=1e-6)
    assert data["step_time"] == pytest.approx(mean, rel=1e-6)
    shown = [[one[key] for one in data["workloads"]] for key in ("weight", "step_share", "time_share")]
    assert shown[0] == pytest.approx([0.7, 0.3])
    assert shown[1] == pytest.approx(steps / steps.sum())
    assert shown[2] == pytest.approx([0.7 * decode / BATCH / per_token, 1 - 0.7 * decode / BATCH / per_token])


def test_the_fastest_machine_of_a_mix_is_the_cheapest(toy) -> None:
    """The mean step time over the mean tokens of a step is the time of a token, so that both goals buy one machine."""
    asked = [workload(text) for text in texts(0.7, 0.3)]
    fast, cheap = (
        solve_machine(load_model(toy), read_prices(MARKET), asked, BUDGET, minimise=MachineGoal(goal))
        for goal in ("step-time", "cost")
    )
    assert fast.amounts == pytest.approx(cheap.amounts, rel=1e-5)
    assert fast.mean_step_time == pytest.approx(cheap.mean_step_time, rel=1e-8)


def test_a_mix_of_one_workload_twice_is_that_workload(toy) -> None:
    first, _ = texts(1.0, 1.0)
    once, twice = (
        solve_machine(load_model(toy), read_prices(MARKET), [workload(text) for text in some], BUDGET,
                      minimise=MachineGoal.COST)
        for some in ([first], [first, first.replace("weight=1.0", "weight=3")])
    )  # fmt: skip
    assert twice.cost == pytest.approx(once.cost, rel=1e-8)
    assert [one.weight for one in twice.design.workloads] == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize("goal", ["step-time", "cost"])
def test_what_a_longer_prompt_is_worth_is_what_a_second_solve_says(toy, goal) -> None:
    """A prefill that reads more tokens runs less often for its share of them: an effect beside that on its time."""
    asked = [workload(text) for text in texts(0.7, 0.3)]
    found = solve_machine(load_model(toy), read_prices(MARKET), asked, BUDGET, minimise=MachineGoal(goal))
    up, down = (
        np.log(best_machine(with_values(found.design, {q.prompt: PROMPT * (1 + by)})).cost) for by in (1e-5, -1e-5)
    )
    rows = found.optimum.prices.found @ np.array([found._case_slope(row, q.prompt) for row in found.rows])
    assert found._tokens_slope(q.prompt) + rows == pytest.approx((up - down) / 2e-5, abs=3e-4)
    assert abs(found._tokens_slope(q.prompt)) > 0.1


def test_the_mean_step_over_a_range_of_lengths_is_sampled(toy) -> None:
    """A longer prompt makes its steps slower and fewer: which way the mean goes is not proved."""
    asked = [workload(text) for text in texts(0.7, 0.3)]
    found = solve_machine(load_model(toy), read_prices(MARKET), asked, BUDGET)
    interval = machine_spread(found, {q.prompt: (2000.0, 8000.0)}, lambda share: None).intervals["step_time"]
    assert not interval.exact and interval.low < found.mean_step_time < interval.high
