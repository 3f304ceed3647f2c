"""A grid that is larger than a block is worked out in pieces, which fit together."""

import numpy as np
import pytest
from conftest import case_of

from steptime.model import symbols as q
from steptime.model.solver import grid
from steptime.model.solver.grid import blocks, on_grid


@pytest.mark.parametrize("size", [1, 5, 24, 60, 10**6])
def test_pieces_are_the_whole(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every size of a block, with axes that some parts do not depend on, the values of one point at a time."""
    case = case_of("mixtral-8x7b", "h100-sxm", layout="tp=8")
    axes = {q.batch: np.array([1.0, 8.0, 64.0, 512.0]), q.context: np.array([100.0, 4000.0, 9000.0]),
            q.peak_flops: np.array([1e13, 3e14, 1e15, 2e15, 4e15])}  # fmt: skip
    monkeypatch.setattr(grid, "BLOCK", size)
    found = on_grid(case.scenario, case.scenario.expand(q.step_time), axes)
    assert found.shape == (4, 3, 5)
    for place in np.ndindex(found.shape):
        point = {symbol: float(values[at]) for (symbol, values), at in zip(axes.items(), place, strict=True)}
        assert found[place] == pytest.approx((case.scenario | point).evaluate(q.step_time), rel=1e-12)


@pytest.mark.parametrize(("shape", "size"), [((7,), 3), ((4, 6), 6), ((4, 6), 13), ((3, 2, 5), 4), ((2, 3), 100)])
def test_every_point_lies_in_one_block(shape: tuple[int, ...], size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "BLOCK", size)
    counted = np.zeros(shape, int)
    for block in blocks(shape):
        assert 0 < counted[block].size <= size
        counted[block] += 1
    assert (counted == 1).all()
