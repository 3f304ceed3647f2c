"""What is kept of points is what a look at all of them at once finds, however they are cut, and merged."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steptime.model.solver.sweep.block import states_of
from steptime.model.solver.sweep.fronts import on_front

from stream import points_of, spec_with  # isort: skip

KEEPS: dict[str, dict[str, Any]] = {
    "best": {"best": "step_time", "count": 3},
    "best by machine": {"best": "step_time", "count": 2, "by": ["hardware"]},
    "best by axis": {"best": "step_time", "count": 1, "by": ["context"]},
    "best by axes and machine": {"best": "tokens_per_second", "count": 3, "by": ["hardware", "context"]},
    "front": {"front": ["step_time", "tokens_per_second"]},
    "front of three": {"front": ["least step_time", "most tokens_per_second", "least joules_per_token"]},
    "front by machine": {"front": ["step_time", "joules_per_token"], "by": ["hardware"]},
    "quantiles": {"quantiles": "step_time", "at": [0.1, 0.5, 1.0], "error": 0.02, "by": ["hardware"]},
    "histogram": {"histogram": "step_time", "edges": [0.5, 1.0, 3.0]},
    "slopes": {"slopes": "step_time", "by": ["hardware"]},
}  # fmt: skip
MACHINES, BATCHES, CONTEXTS = 2, 5, 4
SIZE = MACHINES * BATCHES * CONTEXTS
NAMES = ("step_time", "tokens_per_second", "joules_per_token")

few = st.sampled_from([0.25, 0.5, 1.0, 1.0 + 2**-40, 2.0, 3.0, 1e9, float("nan")])  # equals are frequent
columns = st.lists(few, min_size=SIZE, max_size=SIZE)
flags = st.lists(st.booleans(), min_size=SIZE, max_size=SIZE)


def streamed(keep: dict[str, Any], values: dict[str, np.ndarray], fine: np.ndarray, rows: int, blocks: int) -> Any:
    """The state after all points, in pieces of so many batches, merged from so many blocks."""
    spec = spec_with([keep], BATCHES, CONTEXTS, MACHINES)
    points = points_of(spec, values, fine, rows)
    whole = states_of(spec)[0]
    for part in np.array_split(np.arange(len(points)), blocks):
        state, carried = states_of(spec)[0], states_of(spec)[0]
        for place in part:
            state.add(points[place])
        carried.load(state.arrays())
        whole.merge(carried)
    return whole


def numbers_of(state: Any) -> list[tuple[dict[str, object], list[int]]]:
    return [(by, sorted(numbers)) for by, numbers in state.found()]


def expected(name: str, values: dict[str, np.ndarray], fine: np.ndarray) -> Any:
    """The same by looking at all points at once."""
    keep = KEEPS[name]
    number = np.arange(SIZE)
    machine, context = number // (BATCHES * CONTEXTS), number % CONTEXTS
    machines, contexts = ["h100-sxm", "h200-sxm"], [1.0, 2.0, 3.0, 4.0]
    groups: dict[Any, list[int]] = {}
    for place in number:
        by = {"hardware": machines[machine[place]], "context": contexts[context[place]]}
        groups.setdefault(tuple((word, by[word]) for word in keep.get("by", ())), []).append(int(place))
    found = []
    for by, places in groups.items():
        good = [place for place in places if fine[place]]
        if "best" in keep:
            sign = -1 if keep["best"] == "tokens_per_second" else 1
            ordered = sorted((sign * values[keep["best"]][p], p) for p in good if values[keep["best"]][p] < 1e300)
            chosen = [place for _, place in ordered[: keep["count"]]]
        else:
            signs = {"step_time": -1, "tokens_per_second": 1, "joules_per_token": -1}
            names = [text.split()[-1] for text in keep["front"]]
            rated = {p: [signs[one] * values[one][p] for one in names] for p in good
                     if all(np.isfinite(values[one][p]) for one in names)}  # fmt: skip
            chosen = [p for p, mine in rated.items()
                      if not any(all(a >= b for a, b in zip(other, mine, strict=True)) and (other != mine or q < p)
                                 for q, other in rated.items() if q != p)]  # fmt: skip
        if chosen:
            found.append((dict(by), sorted(chosen)))
    return sorted(found, key=str)


@pytest.mark.parametrize("name", [name for name in KEEPS if "best" in name or "front" in name])
@given(data=st.tuples(columns, columns, columns), flags=flags, rows=st.integers(1, 5), blocks=st.integers(1, 6))
def test_points_that_are_kept(name: str, data: Any, flags: list[bool], rows: int, blocks: int) -> None:
    values, fine = dict(zip(NAMES, map(np.array, data), strict=True)), np.array(flags)
    state = streamed(KEEPS[name], values, fine, rows, blocks)
    assert sorted(numbers_of(state), key=str) == expected(name, values, fine)


@given(data=columns, flags=flags, rows=st.integers(1, 5), blocks=st.integers(1, 6))
def test_histogram_counts_every_point(data: list[float], flags: list[bool], rows: int, blocks: int) -> None:
    values, fine = {"step_time": np.array(data)}, np.array(flags)
    state = streamed(KEEPS["histogram"], values, fine, rows, blocks)
    known = values["step_time"][fine & ~np.isnan(values["step_time"])]
    edges = [-np.inf, 0.5, 1.0, 3.0, np.inf]
    counts = [int(((known >= low) & (known < high)).sum()) for low, high in pairwise(edges)]
    assert state.counts[0].tolist() == counts


positive = st.lists(st.floats(1e-9, 1e9), min_size=SIZE, max_size=SIZE)


@given(data=positive, flags=flags, rows=st.integers(1, 5), blocks=st.integers(1, 6))
def test_quantiles_lie_within_their_error(data: list[float], flags: list[bool], rows: int, blocks: int) -> None:
    values, fine = {"step_time": np.array(data)}, np.array(flags)
    state = streamed(KEEPS["quantiles"], values, fine, rows, blocks)
    for group, cut in enumerate((slice(0, SIZE // 2), slice(SIZE // 2, SIZE))):
        known = np.sort(values["step_time"][cut][fine[cut]])
        for share in KEEPS["quantiles"]["at"]:
            found = state.at(group, share)
            if not len(known):
                assert found is None
                continue
            exact = np.quantile(known, share, method="inverted_cdf")
            assert abs(found / exact - 1) <= KEEPS["quantiles"]["error"]


@given(rows=st.integers(1, 5), blocks=st.integers(1, 6), power=st.floats(-2, 2))
def test_slopes_of_a_power_law(rows: int, blocks: int, power: float) -> None:
    number = np.arange(SIZE)
    batch, context = 1.0 + number // CONTEXTS % BATCHES, 1.0 + number % CONTEXTS
    values = {"step_time": 3.0 * batch**power / context, "batch": batch, "context": context}
    state = streamed(KEEPS["slopes"], values, np.ones(SIZE, bool), rows, blocks)
    for group in range(MACHINES):
        slopes, explained = state.at(group)
        assert slopes == pytest.approx({"batch": power, "context": -1.0}, abs=1e-9)
        assert explained == pytest.approx(1.0)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_front_of_many_points(dimensions: int) -> None:
    """The coarse table turns nothing away that belongs to the front: against a front of all points at once."""
    source = np.random.default_rng(dimensions)
    keep = KEEPS["front" if dimensions == 2 else "front of three"]
    spec = spec_with([keep], 40, 500)
    state = states_of(spec)[0]
    size = 40 * 500
    values = {name: np.exp(source.normal(size=size)) for name in NAMES}
    values["tokens_per_second"] = (1 + source.random(size) / 4) * values["step_time"]
    fine = source.random(size) < 0.9
    for points in points_of(spec, values, fine):
        state.add(points)
    signs = (-1, 1, -1)[:dimensions]
    rated = [sign * values[name][fine] for sign, name in zip(signs, NAMES, strict=False)]
    exact = np.flatnonzero(fine)[on_front(rated, np.arange(int(fine.sum())))]
    assert sorted(state.found()[0][1]) == exact.tolist()
    assert len(exact) > 20
