"""What is proved of unequal stages, against micro-batches that pass them one by one, and against the model's search."""

import pytest
from hypothesis import assume, given, strategies

from steptime.derivations.pipelines import unequal
from steptime.model.estimate.symbols import fullest_stage, unembedding_layers
from steptime.model.estimate.training_demands import fullest_over_mean_stage
from steptime.model.scenario import Scenario
from steptime.model.symbols import layers, micro_batches, pipeline_parallel


def at(one, values) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


@given(strategies.lists(strategies.floats(0.1, 10), min_size=2, max_size=12), strategies.integers(1, 40))
def test_a_step_through_unequal_stages(times: list[float], number: int) -> None:
    mean = sum(times) / len(times)
    values = {micro_batches: float(number), pipeline_parallel: float(len(times)), fullest_stage: max(times) / mean}
    ratio = unequal.flow(times, number) / unequal.flow([mean] * len(times), number)
    assert ratio == pytest.approx(at(unequal.passed, values))


@given(strategies.integers(2, 128), strategies.floats(0.0, 20.0), strategies.integers(2, 16))
def test_the_head_on_the_last_stage(depth: int, extra: float, ways: int) -> None:
    values = {layers: float(depth), unembedding_layers: extra, pipeline_parallel: float(ways)}
    found = at(unequal.head, values)
    if depth % ways == 0:
        fullest = Scenario(values).evaluate(fullest_over_mean_stage(depth))
        assert found == pytest.approx(float(fullest))  # the model's own, where layers divide
    assert 1 - 1e-12 <= found <= ways * (1 + 1e-12)


@given(strategies.integers(8, 128), strategies.floats(0.1, 5.0), strategies.integers(2, 8))
def test_fewer_layers_beside_the_head_make_all_equal(depth: int, extra: float, ways: int) -> None:
    values = {layers: float(depth), unembedding_layers: extra, pipeline_parallel: float(ways)}
    last = at(unequal.fewer, values)
    assume(last >= 0)
    assert last + extra == pytest.approx((depth - last) / (ways - 1))
    most = at(unequal.most_stages, values)
    assert at(unequal.fewer, {**values, pipeline_parallel: most}) == pytest.approx(0, abs=1e-9 * depth)


@given(strategies.integers(2, 200), strategies.integers(1, 64))
def test_whole_layers_cost_no_more(depth: int, ways: int) -> None:
    most = at(unequal.rounded, {layers: float(depth), pipeline_parallel: float(ways)})
    assert -(-depth // ways) * ways / depth <= most * (1 + 1e-12)


def test_llama_3_405b_by_hand() -> None:
    """(126 - 15 · 0.66) / 16 = 7.26 layers: one less than the others' 7.92."""
    assert unequal.fewer.evaluate() == pytest.approx(7.25625)
    assert at(unequal.paced, unequal.stages()) == pytest.approx((126 + 16 * 0.66) / 126.66)
