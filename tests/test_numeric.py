"""Numbers by two routes: walking an expression, compiling it, and doing so in blocks."""

import numpy as np
import pytest
import sympy
from conftest import case_of
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model import symbols as q
from steptime.model.errors import Unbound
from steptime.model.numeric import BLOCK, compiled, in_blocks
from steptime.model.scenario import Scenario, evaluate
from steptime.model.step.case import RESOURCES

EXPRESSIONS = [
    q.batch * q.context / q.replicas + 3,
    sympy.Max(q.batch, q.context, 7) - sympy.Min(q.batch, q.replicas),
    sympy.floor(q.batch / q.replicas) + sympy.ceiling(q.context / q.replicas),
    5 - sympy.Rational(31, 32) ** q.batch,
    sympy.sqrt(q.batch) * q.context ** sympy.Rational(-1, 3),
    sympy.exp(-q.batch / q.context) + sympy.log(q.context),
    sympy.atan(q.batch / q.context) * q.replicas,
]


@settings(max_examples=30, deadline=None)
@given(values=st.tuples(*[st.floats(1e-3, 1e6)] * 3), expr=st.sampled_from(EXPRESSIONS))
def test_walking_and_compiling_agree(values, expr) -> None:
    over = (q.batch, q.context, q.replicas)
    numbers = dict(zip(over, values, strict=True))
    assert evaluate(expr, numbers) == pytest.approx(float(compiled(expr, over)(*values)), rel=1e-12)


def test_every_term_of_a_real_case_agrees_on_both_routes() -> None:
    case = case_of("deepseek-v3", "h100-sxm", layout="tp=2,dp=8,ep=16")
    for expr in (*RESOURCES.values(), *case.bounds.values()):
        expanded = case.scenario.expand(expr)
        over = tuple(expanded.free_symbols)
        both = compiled(expanded, over)(*(case.scenario.value(symbol) for symbol in over))
        assert case.scenario.evaluate(expr) == pytest.approx(float(both), rel=1e-12)


def test_arrays_go_through_either_route_and_through_blocks() -> None:
    batches = np.linspace(1, 100, 3 * BLOCK + 5)
    expr = sympy.Max(q.batch, 50) ** 2 / q.replicas
    expected = np.maximum(batches, 50) ** 2 / 2
    assert np.allclose(evaluate(expr, {q.batch: batches, q.replicas: 2.0}), expected)
    (blocked,) = in_blocks(compiled((expr,), (q.batch, q.replicas)), (batches, np.full_like(batches, 2.0)))
    assert np.allclose(blocked, expected)


def test_a_root_of_a_negative_number_is_no_number() -> None:
    assert np.isnan(evaluate(sympy.sqrt(q.batch - q.context), {q.batch: 1.0, q.context: 2.0}))


def test_a_value_wins_over_a_definition_and_what_is_missing_is_named() -> None:
    scenario = Scenario({q.batch: 6.0}, {q.micro_batch: q.batch / q.replicas, q.step_time: q.micro_batch / q.power})
    with pytest.raises(Unbound) as error:
        scenario.evaluate(q.step_time)
    assert error.value.names == {"replicas", "power"}
    assert (scenario | {q.micro_batch: 2.0, q.power: 4.0}).evaluate(q.step_time) == 0.5
    assert scenario.depends(q.step_time, q.batch)
    assert not (scenario | {q.micro_batch: 2.0}).depends(q.step_time, q.batch)
    assert scenario.expand(q.step_time) == q.batch / q.replicas / q.power
    assert scenario.expand(q.step_time + q.micro_batch, keep=q.power) == q.micro_batch / q.power + q.micro_batch
