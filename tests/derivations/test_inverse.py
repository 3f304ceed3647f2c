"""`solve for`: every formula in reverse, intervals, and honest refusals."""

import random

import pytest
import sympy

from steptime.derivations.batch.symbols import ridge
from steptime.derivations.checks.draws import draw
from steptime.derivations.inverse import ASSUMED, formulas, solve_for
from steptime.derivations.library import derivations
from steptime.derivations.region import broken, region
from steptime.model import symbols as q
from steptime.model.scenario import evaluate

FORMULAS = {name: line for name, line in formulas().items() if isinstance(line.lhs, sympy.Symbol)}
THEOREMS = {one.name: one for one in derivations()}


@pytest.mark.filterwarnings("error::RuntimeWarning")  # those of NumPy would reach a terminal
@pytest.mark.parametrize("name", FORMULAS)
def test_every_formula_comes_back_for_each_of_its_symbols(name: str) -> None:
    """Draw all inputs, compute the left side, forget one input, and find it again among the answers."""
    line = FORMULAS[name]
    values, whole = draw_inside(name)
    for wanted in [symbol for symbol in values if symbol in line.rhs.free_symbols and symbol not in ASSUMED]:
        known = {**{s: v for s, v in values.items() if s != wanted}, line.lhs: whole}
        slope = abs(evaluate(line.rhs, {**values, wanted: values[wanted] * 1.001}) - whole)
        if slope > 1e-9 * whole:  # else this input does not matter here, as in a maximum
            found = solve_for(name, wanted, known, {})
            assert any(answer == pytest.approx(values[wanted], rel=1e-6) for answer in found.solutions), (wanted, found)


def draw_inside(name: str) -> tuple[dict[sympy.Symbol, float], float]:
    """Inputs inside the region at which the formula is positive, and its value."""
    source, line = random.Random(name), FORMULAS[name]
    where = tuple(part for part in region(line, THEOREMS.get(name)) if line.lhs not in part.free_symbols)
    names = line.rhs.free_symbols.union(*(part.free_symbols for part in where))
    for _ in range(200):
        drawn = draw(names, where, source)
        values = {s: float(ASSUMED.get(s, 0) or drawn[s]) for s in sorted(names, key=str)}
        whole = float(evaluate(line.rhs, values))
        if whole > 0 and not broken(region(line, THEOREMS.get(name)), {**values, line.lhs: whole}):
            return values, whole
    raise AssertionError(f"{name}: nothing satisfies its region")


@pytest.mark.parametrize(("arguments", "named"), [
    pytest.param(["network_time", "--in", "two-racks", "--set", "scale_up_domain=72", "--set", "stage_chips=8",
                  "--set", "copy_bytes=1e6", "--set", "scale_up_bandwidth=9e11", "--set", "scale_out_bandwidth=1e11"],
                 "72", id="two racks of 72 chips for 8: not ten microseconds"),
    pytest.param(["untouched_share", "--in", "experts-touched", "--set", "experts_per_token=300",
                  "--set", "experts_routed=256", "--set", "micro_batch=4", "--set", "pass_tokens=1"],
                 "experts_per_token <= experts_routed", id="300 of 256 experts"),
    pytest.param(["exchange_slowdown", "--in", "two-racks-slowdown", "--set", "scale_up_domain=8",
                  "--set", "stage_chips=9", "--set", "scale_up_bandwidth=1e11", "--set", "scale_out_bandwidth=5e10"],
                 "is not so", id="nine chips on domains of eight: scale-up is the slower, not 0.222"),
    pytest.param(["acceptance", "--in", "tokens-per-pass", "--set", "drafts=3", "--set", "tokens_per_pass=5"],
                 "acceptance", id="five tokens of three drafts: a chance of 1.151"),
    pytest.param(["optimal_batch", "--in", "optimal-batch-kv", "--set", "context=5000", "--set", "kv_bytes=70272",
                  "--set", "active_parameters=37e9", "--set", "parameters=671e9", "--set", "bytes_per_weight=1",
                  "--set", "memory_bandwidth=3.35e12", "--set", "peak_flops=1979e12"],
                 "is not so", id="no optimal batch beyond the balanced context: not -2950.6"),
])  # fmt: skip
def test_outside_its_region_a_formula_is_not_solved(run, arguments: list[str], named: str) -> None:
    code, out, err = run("solve", "for", *arguments)
    assert (code, out) == (2, "") and err.count("\n") == 1 and named in err, err


def test_ridge_in_reverse(run_json) -> None:
    data = run_json("solve", "for", "memory_bandwidth", "--in", "ridge", "--set", "ridge=300",
                    "--set", "bytes_per_weight=1", "--set", "peak_flops=1979TFLOP/s")  # fmt: skip
    assert data["solutions"] == [pytest.approx(1979e12 / 600)]
    assert data["unit"] == "B/s" and data["closed_form"].startswith("memory_bandwidth = ")


def test_an_exact_interval() -> None:
    found = solve_for(
        "ridge", ridge, {q.bytes_per_weight: 1.0, q.peak_flops: 1e15}, {q.memory_bandwidth: (1e12, 2e12)}
    )
    assert found.interval == pytest.approx((250.0, 500.0)) and "exact" in found.how


@pytest.mark.parametrize(("arguments", "named"), [
    (["kv_bytes", "--in", "ridge"], "does not occur"),
    (["ridge", "--in", "rigde"], "did you mean ridge"),
    (["ridge", "--in", "ridge", "--set", "peak_flops=1e15"], "--set bytes_per_weight"),
    (["ridge", "--in", "ridge", "--set", "batch=3"], "--set batch does not occur in ridge; did you mean"),
    (["ridge", "--in", "ridge", "--range", "peak_flops=3"], "lo..hi"),
    (["ridge", "--in", "ridge", "--range", "peak_flops=2e15..1e15"], "not above"),
    (["ridge", "--in", "ridge", "--set", "ridge=3"], "cannot be set as well"),
    (["rigde", "--in", "ridge"], "did you mean ridge"),
])  # fmt: skip
def test_refusals(run, arguments: list[str], named: str) -> None:
    code, out, err = run("solve", "for", *arguments)
    assert (code, out) == (2, "") and err.count("\n") == 1 and named in err, err


@pytest.mark.parametrize(("quantity", "formula", "sets", "value"), [
    pytest.param("kv_bytes", "kv-bytes-by-price-step",
                 ("context=200k", "active_parameters=100e9", "ridge=300", "bytes_per_weight=1"), 5000 / 3,
                 id="lecture 5.1: a price step at 200k tokens is 1667 B of KV cache per token"),
    pytest.param("weights_share", "weights-share-by-price", ("speed_price=6", "speed_up=2.5"), 5 / 14,
                 id="lecture 1.12: 6x the price for 2.5x the speed is a share of 0.357"),
])  # fmt: skip
def test_prices_become_architecture(run_json, quantity: str, formula: str, sets: tuple[str, ...], value: float) -> None:
    settings = [part for entry in sets for part in ("--set", entry)]
    assert run_json("solve", "for", quantity, "--in", formula, *settings)["solutions"] == [pytest.approx(value)]


def test_over_training_of_a_model_served_for_two_months() -> None:
    """Lecture 4.3: 100e9 active weights at 50e6 tokens/s: 131 with as many tokens as served, 146 at equal compute."""
    found = {one.name: one.evaluate() for one in derivations() if one.name.startswith("over-training")}
    assert found["over-training-equal-tokens"] == pytest.approx(131.5, abs=0.1)
    assert found["over-training"] == pytest.approx(146.2, abs=0.1)
