"""The best whole batch of a layout where time rises in steps: whole sequences on every rank, whole tokens on every chip
that splits them. Against a look at every batch."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from steptime.model.solver.layouts.kept import Rivals
from steptime.model.solver.layouts.points import BATCHES
from steptime.model.solver.layouts.refine import Whole, largest, smallest

LADDER = np.array(BATCHES[:16], float)  # up to 256


class InSteps(Whole):
    """Layouts whose step takes the largest of three terms: weights and the cache of the fullest rank, the FLOP of its
    tokens, and what grows with the mean; up to a batch of ``most``, from one of ``least`` on."""

    terms: tuple[int, ...]
    most: int
    least: int

    def at(self, places: np.ndarray, batches: np.ndarray) -> Any:
        weights, cache, flops, mean = self.terms
        ranks = self.ranks()[places][:, None]
        cells = ranks * self.columns["cp"][self.rows[places]][:, None]
        held, tokens = np.ceil(batches / ranks), np.ceil(batches / cells)
        time = np.maximum(np.maximum(weights + cache * held, flops * tokens), mean * batches)
        fits = np.broadcast_to(batches <= self.most, np.shape(batches))
        possible = fits & (batches >= np.maximum(ranks, self.least))
        return SimpleNamespace(cost=time * batches**self.formulas.exponent, fits=fits, possible=possible)


def in_steps(ranks: int, cp: int, terms: tuple[int, ...], most: int, least: int, exponent: float) -> InSteps:
    columns = {name: np.array([1.0]) for name in ("replicas", "pp")} | {"dp": np.array([float(ranks)])}
    whole = InSteps(SimpleNamespace(exponent=exponent), {}, {**columns, "cp": np.array([float(cp)])}, np.array([0]))  # type: ignore[arg-type]
    for name, value in {"terms": terms, "most": most, "least": least}.items():
        object.__setattr__(whole, name, value)
    return whole


@settings(max_examples=400)
@given(st.integers(1, 12), st.integers(1, 6), st.tuples(*[st.integers(0, 40)] * 2, *[st.integers(1, 40)] * 2),
       st.integers(1, 255), st.integers(1, 60), st.sampled_from([-1.0, 0.0]))  # fmt: skip
@example(8, 1, (5, 7, 1, 1), 47, 1, -1.0)  # 47 leaves a rank with less than its share: 40 costs less a token
@example(3, 4, (0, 0, 30, 1), 47, 1, -1.0)  # 36 fills every chip that splits a sequence
@example(1, 1, (9, 0, 4, 4), 200, 1, -1.0)  # the floor is reached at a batch of 3
def test_no_batch_is_better(
    ranks: int, cp: int, terms: tuple[int, ...], most: int, least: int, exponent: float
) -> None:
    whole = in_steps(ranks, cp, terms, most, least, exponent)
    every = np.arange(1.0, 257.0)
    seen = whole.at(np.array([0]), every[None, :])
    costs = np.where(seen.possible, seen.cost, np.inf)[0]
    last = int(np.count_nonzero(most >= LADDER)) - 1
    rungs = np.isin(every, LADDER) & (every <= LADDER[last])
    tried = np.where(rungs, costs, np.inf)
    cheapest = float(every[np.argmin(tried)])
    rivals = Rivals(np.array([0]), np.array([0]), np.array([cheapest]), np.array([tried.min()]), np.array([last]))
    batch, cost = whole.best(rivals, LADDER)
    assert cost[0] == pytest.approx(costs.min(), rel=1e-14)
    if np.isfinite(costs.min()):
        assert batch[0] == every[np.argmax(costs <= costs.min() * (1 + 1e-12))]


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=9))
def test_whole_numbers_are_found_by_few_looks(rows: list[tuple[int, int, int]]) -> None:
    """Thresholds up to a million, in a handful of looks."""
    low, more, inside = (np.array(column, float) for column in zip(*rows, strict=True))
    high, threshold, looks = low + more, low + np.minimum(inside, more), [0]

    def below(places: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        looks[0] += 1
        return np.asarray(numbers <= threshold[places, None])

    def above(places: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        looks[0] += 1
        return np.asarray(numbers >= threshold[places, None])

    assert np.array_equal(largest(below, low, high), threshold)
    assert np.array_equal(smallest(above, low - 1, high, np.ones(len(low)))[0], threshold)
    assert looks[0] <= 12
