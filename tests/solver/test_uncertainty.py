"""Inputs within limits: ends that are proved are the ends of a dense grid, sampled ones lie inside, shares add up."""

from itertools import pairwise, product

import numpy as np
import pytest
import sympy
from conftest import case_of
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.solver.monotone import direction
from steptime.model.solver.ranges.uncertainty import OUTPUTS, spread

EFFICIENCIES = {q.memory_efficiency: (0.5, 0.9), q.compute_efficiency: (0.3, 0.9)}
CASES = {
    "dense": ("llama-3.1-70b", {"layout": "tp=8", "batch": "512"}, {**EFFICIENCIES, q.context: (100.0, 9000.0)}),
    "experts": ("deepseek-v2-lite", {"layout": "dp=8,ep=8"}, {**EFFICIENCIES, q.scale_up_bandwidth: (1e11, 9e11)}),
    "operations": ("gemma-3-27b", {"layout": "tp=4", "overlap": "per-operation"}, {q.memory_bandwidth: (1e12, 8e12)}),
    "prefill": ("llama-3.1-8b", {"phase": "prefill", "layout": "tp=2"}, {**EFFICIENCIES, q.peak_flops: (1e14, 1e15)}),
    "price": ("gpt2", {"layout": "tp=1"}, {q.chip_hour_price: (1.0, 4.0), q.memory_bandwidth: (1e12, 2e12)}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_proved_ends_are_those_of_a_grid(name: str) -> None:
    model, options, ranges = CASES[name]
    case = case_of(model, "h100-sxm", **options)
    found = spread(case, ranges)
    grid = np.array(list(product(*(np.geomspace(low, high, 21) for low, high in ranges.values()))))
    numbers = {symbol: grid[:, place] for place, symbol in enumerate(ranges)}
    for output in OUTPUTS:
        interval = found.intervals[output.name]
        values = np.broadcast_to((case.scenario | numbers).evaluate(output), len(grid))
        assert interval.exact
        assert (interval.low, interval.high) == pytest.approx((values.min(), values.max()), rel=1e-9)
        assert interval.low <= interval.median <= interval.high
    assert sum(found.binds.values()) == pytest.approx(1)


def test_what_is_not_proved_is_sampled_and_says_so() -> None:
    """Throughput is batch over step time, and both grow: no proof, so that the interval is the sample's."""
    case = case_of("deepseek-v2-lite", "h100-sxm", layout="dp=8,ep=8")
    found = spread(case, {q.batch: (8.0, 4096.0)}).intervals
    every = (case.scenario | {q.batch: np.arange(8.0, 4097.0)}).evaluate(q.tokens_per_second)
    rate = found["tokens_per_second"]
    assert found["step_time"].exact and not rate.exact and every.min() <= rate.low <= rate.high <= every.max()
    assert (rate.low, rate.high) == pytest.approx((every.min(), every.max()), rel=0.02)


def test_the_input_that_moves_an_output_most() -> None:
    case = case_of("llama-3.1-8b", "h100-sxm", layout="tp=1", batch="1")
    found = spread(case, {q.memory_efficiency: (0.5, 1.0), q.compute_efficiency: (0.1, 1.0)})
    step = found.intervals["step_time"]
    assert step.dominant == "memory_efficiency" and step.swings["memory_efficiency"] == pytest.approx(2)
    assert found.binds["memory"] == 1


variable, other = sympy.symbols("x y", positive=True)
leaves = st.sampled_from([variable, other, sympy.Integer(2), sympy.Rational(1, 3), sympy.Integer(-1)])
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
        st.tuples(inner, inner).map(lambda pair: sympy.Max(*pair)),
        st.tuples(inner, inner).map(lambda pair: sympy.Min(*pair)),
        inner.map(lambda one: 1 / (one**2 + 1)),
    ),
    max_leaves=8,
)


@settings(max_examples=150)
@given(trees)
def test_a_direction_that_is_claimed_is_true(expr: sympy.Expr) -> None:
    found = direction(expr, {variable: 1})
    if found is None:
        return
    for y in (sympy.Rational(1, 2), sympy.Integer(3)):
        values = [expr.xreplace({variable: sympy.Rational(n, 4), other: y}) for n in range(1, 40)]
        steps = [after - before for before, after in pairwise(values)]
        assert all(step * found >= 0 if found else step == 0 for step in steps)


@pytest.mark.parametrize(("ranges", "message"), [
    ({q.tensor_parallel: (1.0, 8.0)}, "not an input"),
    ({q.step_time: (1.0, 8.0)}, "not an input"),
    ({q.prompt: (1.0, 8.0)}, "not an input"),
])  # fmt: skip
def test_what_is_no_input_is_refused(ranges, message: str) -> None:
    with pytest.raises(UserError, match=message):
        spread(case_of("gpt2", "h100-sxm"), ranges)


def test_ranges_on_the_command_line(run, run_json) -> None:
    arguments = (
        "step",
        "llama-3.1-8b",
        "h100-sxm",
        "--range",
        "memory_efficiency=0.6..0.9",
        "--range",
        "context=1k..8k",
    )
    data = run_json(*arguments)["ranges"]
    assert data["inputs"] == {"memory_efficiency": [0.6, 0.9], "context": [1000, 8000]}
    assert data["outputs"]["step_time"]["how"] == "exact" and sum(data["binds"].values()) == pytest.approx(1)
    code, out, err = run(*arguments)
    assert (code, err) == (0, "") and "moved most by" in out and "binds in 4,096 samples" in out
    assert run("step", "gpt2", "h100-sxm", "--range", "context=9..1")[0] == 2
