"""The search over layouts: equal to a loop over cases one by one, its front exact, its memory and counts right."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from conftest import case_of
from every_layout import cheapest, decided, every_layout, undominated
from hypothesis import given, settings
from hypothesis import strategies as st
from questions import search_of

from steptime.model import symbols as q
from steptime.model.catalog.transformers import load_transformer
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import layout_of, layouts
from steptime.model.layout.layout import impossible
from steptime.model.solver.layouts import finalists, kept
from steptime.model.solver.layouts.front import Front
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.search import search_layouts

FP8, IDEAL = {"weights": "fp8", "kv": "bf16"}, {"efficiency": "ideal"}
GRIDS = {
    "two machines": search_of("mixtral-8x7b", ("h100-sxm", "mi300x"), (4,), (1, 24, 512), "cost", **FP8),
    "all formats": search_of("llama-3.1-8b", "h100-sxm", (1, 2), (8, 96), "latency", context="9000"),
    "two domains": search_of("qwen3-30b-a3b", "h200-sxm", (12,), (16, 2048), "cost", 0.01, layout="cp=1,pp=1", **FP8),
    "prefill": search_of("deepseek-v2-lite", "h100-sxm", (4,), (1, 16), "energy", phase="prefill", prompt="1000",
                         cached="200", chunk="300", **FP8),
    "no overlap": search_of("gpt-oss-20b", "h100-sxm", (2,), (4, 64), "chip-seconds", overlap="none"),
    "operations": search_of("gemma-2-27b", "tpuv6e", (4, 6), (8, 64), "chip-seconds", overlap="per-operation", **FP8),
}  # fmt: skip
GRIDS = {name: replace(search, inputs=replace(search.inputs, efficiency="ideal")) for name, search in GRIDS.items()}


WHOLE = {
    "capacity": search_of("llama-3.1-8b", "h100-sxm", (1, 2, 3), context="7000", whole=True),
    "a step time": search_of("mixtral-8x7b", "h100-sxm", (6,), max_step_time=0.0071, context="900", whole=True,
                               ),
    "floor of a prefill": search_of("llama-3.1-8b", "h100-sxm", (2, 5), minimise="energy", phase="prefill",
                                    prompt="100", whole=True),
    "latency with a least rate": search_of("qwen3-30b-a3b", "h200-sxm", (5, 6), minimise="latency", context="9000",
                                           limits=("tokens_per_second>=9000",), whole=True),
    "limits from both sides": search_of("llama-3.1-8b", "h100-sxm", (3, 4), context="3000", whole=True,
                                        limits=("batch<=333", "micro_batch>=5", "memory_per_chip<=60e9")),
    "two machines, two formats": search_of("gpt-oss-20b", ("h100-sxm", "mi300x"), (3,), minimise="chip-seconds",
                                           context="60000", free=frozenset({"kv"}), whole=True),
    "a first token": search_of("llama-3.1-8b", "h100-sxm", (4,), context="16000", max_ttft=0.13, whole=True),
    "a speed and joules": search_of("llama-3.1-8b", "h100-sxm", (4,), minimise="cost", context="16000", whole=True,
                                    limits=("tokens_per_second_per_sequence>=70", "joules_per_token<=0.9")),
}  # fmt: skip
WHOLE = {name: replace(search, inputs=replace(search.inputs, efficiency="ideal")) for name, search in WHOLE.items()}


@pytest.mark.parametrize("search", GRIDS.values(), ids=GRIDS)
def test_the_best_is_that_of_a_loop_over_every_case(search: Search) -> None:
    """Every layout built as a case of its own: same feasible points, same best, ties counted, same front."""
    found = search_layouts(search)
    every = list(every_layout(search, found.questions, np.array(search.batches, float)))
    points = [point for one in every for point in one]
    best, ties, least = decided([cheapest(one) for one in every if one])
    assert found.feasible == len(points)
    assert (found.ties, found.least) == (ties, pytest.approx(least, rel=1e-12))
    assert (found.best.layout, found.best.batch) == (replace(best.layout, copies=None), best.batch)
    front = {(f"{point.per_sequence:.9g}", f"{point.per_chip:.9g}") for point in found.pareto}
    assert found.best in found.pareto and len(front) == len(found.pareto)
    of_best = {(f"{found.best.per_sequence:.9g}", f"{found.best.per_chip:.9g}")}
    assert front - of_best <= undominated(points)


@pytest.mark.parametrize("search", WHOLE.values(), ids=WHOLE)
def test_the_best_whole_batch_is_that_of_a_loop_over_every_batch(search: Search) -> None:
    """Every whole batch up to 5,000 of every layout, each a case of its own."""
    found = search_layouts(search)
    every = list(every_layout(search, found.questions, np.arange(1.0, 5001.0)))
    of_each = [cheapest(one) for one in every if one]
    best, ties, least = decided(of_each)
    assert (found.ties, found.least) == (ties, pytest.approx(least, rel=1e-12))
    assert (found.best.layout, found.best.batch) == (replace(best.layout, copies=None), best.batch)
    assert found.best.batch not in (1, 5000)
    for machine, point in found.best_of.items():
        own, _, _ = decided([one for one in of_each if one.machine == machine])
        assert (point.layout, point.batch) == (replace(own.layout, copies=None), own.batch)
    rung = {point for one in every for point in one if point.batch in search.batches}
    front = {(f"{point.per_sequence:.9g}", f"{point.per_chip:.9g}") for point in found.pareto}
    expected = undominated([*rung, *of_each])
    near = {(f"{point.per_sequence:.9g}", f"{point.per_chip:.9g}") for point in (found.best,)}
    assert front - near <= expected and near <= front
    # What is missing stood within one per cent of the best point in both rates, and lost the tie.
    for speed, share in expected - front:
        assert found.best.per_sequence <= float(speed) * (1 + 1e-8) <= found.best.per_sequence * 1.0101
        assert found.best.per_chip <= float(share) * (1 + 1e-8) <= found.best.per_chip * 1.0101


MANY = search_of("deepseek-v3", "gb200-nvl72", (8,), context="8000", whole=True, weights="fp8", kv="fp8")
"""Its front has the largest batches of layouts that cost a tenth more than the best."""


@pytest.mark.parametrize("search", [*WHOLE.values(), MANY], ids=[*WHOLE, "a front of many layouts"])
def test_what_is_dropped_had_no_chance(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no layout kept for its rank alone, the bounds alone keep all that the answer and its front need."""
    whole = search_layouts(search)
    monkeypatch.setattr(kept, "FEW", 1)
    monkeypatch.setattr(kept, "SPARE", 0)
    monkeypatch.setattr(finalists, "FEW", 1)
    few = search_layouts(search)
    assert (few.best, few.ties, few.least) == (whole.best, whole.ties, whole.least)
    rates = [[(point.batch, point.per_sequence, point.per_chip) for point in one.pareto] for one in (few, whole)]
    assert rates[0] == rates[1] and few.best_of == whole.best_of  # of layouts that are equal in both, either may stand
    assert few.runner_up is not None and whole.runner_up is not None
    assert few.runner_up.cost == whole.runner_up.cost


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
