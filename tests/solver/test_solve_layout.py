"""The search over layouts: equal to a loop over cases one by one, its front exact, its memory and counts right."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from conftest import case_of
from hypothesis import given, settings
from hypothesis import strategies as st
from questions import search_of

from steptime.model import symbols as q
from steptime.model.catalog.transformers import load_transformer
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import layout_of, layouts
from steptime.model.layout.layout import impossible
from steptime.model.solver.layouts.front import Front, dominant
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.step.build import build_case

FP8 = {"weights": "fp8", "kv": "bf16"}
GRIDS = {
    "two machines": search_of("mixtral-8x7b", ("h100-sxm", "mi300x"), (4,), (1, 24, 512), "cost", **FP8),
    "all formats": search_of("llama-3.1-8b", "h100-sxm", (1, 2), (8, 96), "latency", context="9000"),
    "two domains": search_of("qwen3-30b-a3b", "h200-sxm", (12,), (16, 2048), "cost", 0.01, layout="cp=1,pp=1", **FP8),
    "prefill": search_of("deepseek-v2-lite", "h100-sxm", (4,), (1, 16), "energy", phase="prefill", prompt="1000",
                         cached="200", chunk="300", **FP8),
    "no overlap": search_of("gpt-oss-20b", "h100-sxm", (2,), (4, 64), "chip-seconds", overlap="none"),
    "operations": search_of("gemma-2-27b", "tpuv6e", (4, 6), (8, 64), "chip-seconds", overlap="per-operation", **FP8),
}  # fmt: skip


@pytest.mark.parametrize("search", GRIDS.values(), ids=GRIDS)
def test_the_best_is_that_of_a_loop_over_every_case(search: Search) -> None:
    """Every point built as a case of its own: same feasible points, same best, same front."""
    found = search_layouts(search)
    columns = layouts(search.model, search.chips, search.held)
    feasible, rates = [], []
    for question, row, batch in product(found.questions, range(len(columns["tp"])), search.batches):
        layout = layout_of(columns, row)
        case = build_case(question.but({q.batch: float(batch)}, layout=layout))
        step_time = case.scenario.evaluate(q.step_time)
        if batch < layout.replicas * layout.dp * layout.pp or not case.fits:
            continue
        if search.max_step_time is not None and step_time > search.max_step_time:
            continue
        cost = {
            "cost": q.dollars_per_million_tokens / 1e6, "latency": q.step_time, "energy": q.joules_per_token,
            "chip-seconds": q.chips / q.tokens_per_second,
        }[search.minimise or "cost"]  # fmt: skip
        feasible.append((case.scenario.evaluate(cost), batch, layout.chips))
        per_chip = case.scenario.evaluate(q.tokens_per_second) / layout.chips
        rates.append((case.scenario.evaluate(q.tokens_per_second_per_sequence), per_chip))
    least = min(cost for cost, *_ in feasible)
    cost, batch, chips = min((f"{cost:.11g}", batch, chips) for cost, batch, chips in feasible if cost < least * 1.001)
    assert found.feasible == len(feasible)
    assert found.best.cost == pytest.approx(least, rel=1e-12)
    assert (f"{found.best.cost:.11g}", found.best.batch, found.best.layout.chips) == (cost, batch, chips)
    front = np.array(rates)[dominant(*np.array(rates).T)]
    assert [point.per_sequence for point in found.pareto] == pytest.approx(list(front[:, 0]), rel=1e-12)
    assert [point.per_chip for point in found.pareto] == pytest.approx(list(front[:, 1]), rel=1e-12)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40), st.integers(1, 9))
def test_the_front_is_exact_however_it_is_fed(points: list[tuple[int, int]], size: int) -> None:
    front = Front()
    for start in range(0, len(points), size):
        block = np.array(points[start : start + size], float)
        new = ~front.beaten(block[:, 0], block[:, 1])
        front.add(block[new, 0], block[new, 1], block[new])
    expected = {p for p in points if not any(o != p and o[0] >= p[0] and o[1] >= p[1] for o in points)}
    assert set(zip(front.first, front.second, strict=True)) == expected
    assert len(front.first) == len(expected) and list(front.first) == sorted(front.first)


def test_layouts_are_all_possible_ones_and_no_others() -> None:
    model = load_transformer("mixtral-8x7b")
    columns = layouts(model, [8])
    found = [layout_of(columns, row) for row in range(len(columns["tp"]))]
    assert len(set(found)) == len(found)
    assert all(layout.chips == 8 and impossible(layout, model) is None for layout in found)
    degrees = [d for d in product((1, 2, 4, 8), repeat=6) if d[0] * d[1] * d[2] * d[4] * d[5] == 8]
    # Mixtral has no dense blocks to split otherwise; its 32 layers and 8 experts allow any of these degrees.
    assert len(found) == sum((tp * cp * dp) % ep == 0 for tp, cp, dp, ep, _, _ in degrees)


def test_what_is_broken_is_named_where_nothing_fits() -> None:
    search = search_of("llama-3.1-405b", "h100-sxm", (1, 2), (1, 8))
    with pytest.raises(UserError, match=r"none of [\d,]+ points satisfies every limit; broken: .*memory_capacity by"):
        search_layouts(search)


def test_degrees_that_are_stated_are_held() -> None:
    search = search_of("mixtral-8x7b", "h100-sxm", (8,), (8,), layout="tp=2,ep=4")
    found = search_layouts(search)
    assert all((p.layout.tp, p.layout.ep) == (2, 4) for p in [found.best, *found.pareto])
    with pytest.raises(UserError, match="no layout on so many chips with tp=3"):
        search_layouts(replace(search, held={"tp": 3}))


def test_equal_layouts_spelled_differently_cost_the_same() -> None:
    """Two replicas of four chips are eight chips with half the batch each."""
    two = case_of("llama-3.1-8b", "h100-sxm", layout="tp=4,replicas=2", batch="64")
    one = case_of("llama-3.1-8b", "h100-sxm", layout="tp=4", batch="32")
    assert two.scenario.evaluate(q.step_time) == one.scenario.evaluate(q.step_time)
    assert two.number(two.fullest_stage.total) == one.number(one.fullest_stage.total)
