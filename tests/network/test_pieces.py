"""A message in pieces through stages: the recurrence followed in turn, and the best number found by search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steptime.model.network.pieces import best_pieces, in_best_pieces, in_one_piece, pipelined
from steptime.model.scenario import Scenario
from steptime.model.symbols import further_stages, moving_time, piece_start

TIMES = st.floats(1e-9, 1e2)


@given(stages=st.integers(1, 40), start=TIMES, moving=TIMES)
def test_no_other_number_of_pieces_is_faster(stages, start, moving) -> None:
    """(N + d)(a + T/N) over a thousand N from one on, and over the derived best."""
    values = Scenario({further_stages: stages, piece_start: start, moving_time: moving})
    best = max(1.0, float(values.evaluate(best_pieces)))
    found = float(values.evaluate(pipelined(further_stages, piece_start, moving_time)))
    pieces = np.append(best * np.geomspace(1 / min(best, 1e3), 1e3, 1000), best)
    times = (pieces + stages) * (start + moving / pieces)
    assert found == pytest.approx(times.min(), rel=1e-9)
    assert found == pytest.approx((best + stages) * (start + moving / best), rel=1e-9)
    assert found == pytest.approx(float(values.evaluate(in_best_pieces if best > 1 else in_one_piece)), rel=1e-9)


@given(pieces=st.integers(1, 60), stages=st.integers(0, 20), start=TIMES, moving=TIMES)
def test_pieces_through_stages_one_by_one(pieces, stages, start, moving) -> None:
    """A stage starts a piece once it has finished the one before, and the stage before this one: followed in turn."""
    each, done = start + moving / pieces, [0.0] * (stages + 1)
    for _ in range(pieces):
        before = 0.0
        for stage, last in enumerate(done):
            before = done[stage] = max(before, last) + each
    assert done[-1] == pytest.approx((pieces + stages) * each)
