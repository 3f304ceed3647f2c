"""Fronts of machines by chips, batch and time: those of single steps, one by one, and of no fewer and no more."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from questions import search_of

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import layout_of, layouts
from steptime.model.phases.accounts import accounts_of
from steptime.model.solver.layouts import frontier
from steptime.model.solver.layouts.frontier import Frontier, Fronts, fronts
from steptime.model.solver.layouts.in_turn import InTurn
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.quadrants import on_front, quadrant
from steptime.model.solver.layouts.work import work_of
from steptime.model.step.build import build_case
from steptime.model.step.estimate import estimated
from steptime.model.step.inputs import Question

FEW = (1, 16, 200)
CASES = {
    "dense": (search_of("llama-3.1-8b", ("h100-sxm", "mi300x", "tpuv6e"), (4, 1, 2), FEW), q.context),
    "experts on two domains": (search_of("deepseek-v2-lite", ("h100-sxm", "gb200-nvl72"), (16, 12), FEW,
                                         layout="tp=1,cp=1,replicas=1"), q.context),
    "prefill": (search_of("llama-3.1-8b", ("h100-sxm", "h200-sxm"), (1, 2), (1, 3), phase="prefill"), q.prompt),
    "prefills of others": (search_of("llama-3.1-8b", ("h100-sxm", "h200-sxm"), (1, 2), FEW, scope="serving",
                                     prompt="2000", answer="300"), q.context),
    "formats": (search_of("llama-3.1-8b", ("h100-sxm",), (1, 2), FEW, free=frozenset({"weights"})), q.context),
    "the ideal alone": (search_of("llama-3.1-8b", ("h100-sxm",), (1, 2), FEW, efficiency="ideal"), q.context),
}  # fmt: skip
LENGTHS = (900.0, 20_000.0)
Plain = set[tuple[float, float, float]]


def one_by_one(search: Search, question: Question) -> list[tuple[float, float, float, float]]:
    """Chips, batch, bound and estimate of every step that fits."""
    columns, found = layouts(accounts_of(search.model).model, search.chips, search.held), []
    for row, batch in product(range(len(columns["tp"])), search.batches):
        layout = layout_of(columns, row)
        if batch >= layout.replicas * layout.dp * layout.pp:
            case = build_case(question.but({q.batch: float(batch)}, layout=layout))
            if case.fits:
                estimate = estimated(case)
                seconds = estimate.step_time if estimate else np.nan
                found.append((layout.chips, batch, case.number(q.step_time), seconds))
    return found


def best(points: list[tuple[float, float, float]]) -> Plain:
    """Those that no other equals or beats, to twelve digits."""
    some = {(chips, batch, float(f"{time:.11e}")) for chips, batch, time in points}
    return {p for p in some if not any(o != p and o[0] <= p[0] and o[1] >= p[1] and o[2] <= p[2] for o in some)}


def plain(found: Frontier, times: np.ndarray) -> Plain:
    rows = zip(found.chips.tolist(), found.batch.tolist(), times.tolist(), strict=True)
    return {(chips, batch, float(f"{time:.11e}")) for chips, batch, time in rows}


@pytest.mark.parametrize("name", CASES)
def test_fronts_are_those_of_single_steps(name: str) -> None:
    search, length = CASES[name]
    found = fronts(search, [{length: value} for value in LENGTHS])
    assert [(one.hardware, *one.given.values()) for one in found] == [
        (machine, value) for value in LENGTHS for machine in search.hardware]  # fmt: skip
    for one in found:
        questions = {asked.inputs.weights: asked for asked in [*one.by_bound.questions, *(
            one.by_estimate.questions if one.by_estimate else ())]}  # fmt: skip
        if "weights" not in search.free:
            questions = {None: Question(search.model, one.hardware, search.inputs.with_given(one.given))}
        every = [point for asked in questions.values() for point in one_by_one(search, asked)]
        assert plain(one.by_bound, one.by_bound.bound) == best([point[:3] for point in every])
        if one.by_estimate is None:
            assert "ideal" in name and np.isnan(one.by_bound.estimate).all()
        else:
            mine = plain(one.by_estimate, one.by_estimate.estimate)
            assert mine == best([(*point[:2], point[3]) for point in every])


def test_a_point_is_a_step() -> None:
    (one,) = fronts(replace(CASES["experts on two domains"][0], hardware=CASES["dense"][0].hardware[:1]))
    for front in (one.by_bound, one.by_estimate):
        assert front is not None and len(front) > 2
        for place in range(len(front)):
            case = build_case(front.question(place))
            estimate = estimated(case)
            assert case.layout.chips == front.chips[place] and case.fits and estimate is not None
            assert case.number(q.step_time) == pytest.approx(front.bound[place], rel=1e-12)
            assert estimate.step_time == pytest.approx(front.estimate[place], rel=1e-12)


def told(found: list[Fronts]) -> list[object]:
    return [(one.hardware, dict(one.given), [[(name, column.tolist()) for name, column in front.columns.items()]
             + [front.batch.tolist(), front.bound.tolist(), front.estimate.tolist()] for front in
             (one.by_bound, one.by_estimate) if front]) for one in found]  # fmt: skip


def test_processes_and_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    search, length = CASES["dense"]
    asked = [{length: value} for value in (900.0, 3000.0, 20_000.0)]
    found = told(fronts(search, asked))
    assert told(fronts(search, asked, workers=2)) == found
    monkeypatch.setattr(frontier, "POINTS", 10)
    assert told(fronts(search, asked)) == found


def test_what_has_no_front_is_refused() -> None:
    with pytest.raises(UserError, match="of serving"):
        fronts(search_of("llama-3.1-8b", "h100-sxm", (8,), (64,), phase="train"))
    (nothing,) = fronts(search_of("llama-3.1-405b", "h100-sxm", (1,), (1,)))
    assert len(nothing.by_bound) == 0


@given(st.lists(st.lists(st.integers(0, 6), min_size=3, max_size=3), min_size=1, max_size=4))
def test_a_front_on_a_grid(rows: list[list[int]]) -> None:
    least = np.array(rows, float)
    least[least == 6] = np.inf
    for (chips, batch), value in np.ndenumerate(least):
        others = least[: chips + 1, batch:]
        assert quadrant(least)[chips, batch] == others.min()
        beaten = np.count_nonzero(others <= value) > 1 or not np.isfinite(value)
        assert on_front(least)[chips, batch] == (not beaten)


@pytest.mark.parametrize("scale_up", ["1GB/s", "100GB/s"])
def test_estimates_in_turn_are_those_of_single_machines(scale_up: str) -> None:
    """Whichever way to copy tokens is the faster, and whatever the machine before had in common."""
    made = work_of(search_of("deepseek-v2-lite", ("h100-sxm", "h200-sxm", "gb200-nvl72"), (16, 24), (16, 200, 4000),
                             layout="tp=1,cp=1,replicas=1", scale_up_bandwidth=scale_up,
                             free=frozenset({"weights", "kv"})))  # fmt: skip
    assert made.estimates is not None
    slower, compared = 0, 0
    for number in range(made.pieces):
        piece, in_turn = made.piece(number), InTurn(made.estimates)
        for variant, points in made.points(piece) if len(piece.rows) else ():
            expected = made.estimated(points, np.full(len(piece.rows), variant), piece.rows).step_time
            fine, found = points.possible, in_turn.step_time(points, variant, piece.rows)
            np.testing.assert_allclose(found[fine], expected[fine], rtol=1e-13)
            slower += np.count_nonzero(np.broadcast_to(points.faster, fine.shape)[fine])
            compared += np.count_nonzero(fine)
    assert compared > 300 and slower > 0
