"""Where no point of a search satisfies every limit: the nearest one, which limit it breaks, and by how much."""

import numpy as np
import pytest
from questions import TRAINED, search_of

import steptime as st
from steptime.model.choices import Minimise
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import layouts
from steptime.model.phases.accounts import accounts_of
from steptime.model.solver.layouts import work
from steptime.model.solver.layouts.executions import executions
from steptime.model.solver.layouts.kept import Kept
from steptime.model.solver.layouts.nearest import oversteps
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.stream import Here, streamed
from steptime.model.solver.layouts.variants import variants_on
from steptime.model.solver.layouts.work import Work

ASKED = {
    "a step time in practice": ("llama-3.1-70b", 8, {"max_step_time": "8ms"}, "in practice infeas", "max_step_time"),
    "room": ("llama-3.1-70b", 1, {}, "infeasible", "memory_capacity"),
    "a rate": ("llama-3.1-8b", [1, 2], {"limits": ["tokens_per_second>=1e6"]}, "infeasible", "tokens_per_second"),
    "dollars": ("llama-3.1-8b", 2, {"limits": ["dollars_per_million_tokens<=0.05"]}, "infeasible", "dollars_per"),
    "a first token": ("llama-3.1-8b", 2, {"context": 30_000, "max_ttft": "100ms"}, "infeasible", "max_ttft"),
}  # fmt: skip


@pytest.mark.parametrize("which", ASKED)
def test_the_nearest_point_and_how_far_it_is_are_said(which: str) -> None:
    model, chips, words, begins, limit = ASKED[which]
    nearest = "nearest: h100-sxm, [a-z0-9= ]+, batch [0-9,]+, which breaks"
    with pytest.raises(UserError, match=f"{begins}.*{nearest} {limit}"):
        st.search(model, "h100-sxm", chips, **words)


def test_a_step_of_it_says_the_same() -> None:
    """The point that is named, as a step of its own: by as much longer than the limit as was said; and no layout of as
    many chips has a shorter step."""
    with pytest.raises(UserError) as refused:
        st.search("llama-3.1-70b", "h100-sxm", 8, max_step_time="8ms")
    words = str(refused.value).partition("nearest: h100-sxm, ")[2]
    layout, batch = words.split(", batch ")[0].replace(" ", ","), int(words.split("batch ")[1].split(",")[0])
    step = st.step("llama-3.1-70b", "h100-sxm", layout=layout, batch=batch)
    assert f"breaks max_step_time by {step.estimate.step_time / 0.008 - 1:.1%}" in words
    others = [st.step("llama-3.1-70b", "h100-sxm", layout=one, batch=1) for one in ("tp=4,pp=2", "tp=4,cp=2", "tp=8")]
    assert min(one.estimate.step_time for one in others if one.fits) == step.estimate.step_time


def works(search: Search) -> Work:
    accounts = accounts_of(search.model)
    variants = [one for machine in search.hardware for one in variants_on(search, accounts, machine)]
    columns = layouts(accounts.model, search.chips, search.held)
    if search.inputs.phase == "train":
        columns = executions(columns, search, accounts.layers)
    return Work(search, accounts, columns, variants, search.minimise or Minimise.COST)


@pytest.mark.parametrize("search", [
    search_of("llama-3.1-8b", ("h100-sxm", "mi300x"), (1, 4), max_step_time=0.01, max_ttft=0.3, context="9000",
              limits=("batch<=100", "micro_batch>=5", "memory_per_chip<=40e9", "tokens_per_second>=2000",
                      "tokens_per_second_per_sequence>=80", "joules_per_token<=0.5",
                      "dollars_per_million_tokens<=0.3")),
    search_of("gpt2", "a100-sxm-40gb", (4,), (16,), max_step_time=1.0, phase="train", sequence="8192", free=TRAINED),
], ids=["serving", "training"])  # fmt: skip
def test_a_limit_is_overstepped_exactly_where_it_is_broken(search: Search) -> None:
    """At the bound and in practice, for every limit: more than one time where the search calls it broken."""
    work, seen = works(search), set()
    for piece in map(work.piece, range(work.pieces)):
        for number, points in work.points(piece) if len(piece.rows) else ():
            for one in (points, work.estimated(points, np.full(len(piece.rows), number), piece.rows)):
                broken = {**one.below, **one.above}
                for name, times in oversteps(one).items():
                    over = np.broadcast_to(times, one.batches.shape)
                    sure = np.abs(over - 1) > 1e-9
                    assert ((over > 1) == broken[name])[sure].all(), name
                    seen |= {(name, bool(flag)) for flag in np.unique(broken[name])}
    named = {"max_step_time", *(one.quantity.name for one in search.limits)}
    assert {name for name, flag in seen if flag} >= named


NEVER_POSSIBLE = {
    "room, screened": search_of("llama-3.1-70b", ("h100-sxm", "mi300x"), (1, 2), context="9000000", whole=True,
                                free=frozenset({"kv"})),
    "time, at the bound": search_of("llama-3.1-8b", ("h100-sxm", "mi300x"), (1, 2, 4), max_step_time=1e-5, whole=True),
    "several limits": search_of("llama-3.1-8b", ("mi300x", "h100-sxm"), (2, 3), whole=True, limits=(
        "tokens_per_second_per_sequence>=9000", "dollars_per_million_tokens<=0.01", "batch<=5")),
    "training": search_of("gpt3-175b", "a100-sxm-80gb", (8, 12), (24,), phase="train", sequence="2048", free=TRAINED),
}  # fmt: skip


@pytest.mark.parametrize("which", NEVER_POSSIBLE)
def test_the_nearest_is_that_of_all_points(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the points are cut in pieces: the least of what each point oversteps its worst limit by, the first of
    equals."""
    search = NEVER_POSSIBLE[which]
    made, least, where = works(search), np.inf, (0, 0, 0)
    for piece in map(made.piece, range(made.pieces)):
        for number, points in made.points(piece) if len(piece.rows) else ():
            ratios = [np.broadcast_to(one, points.batches.shape) for one in oversteps(points).values()]
            ranks = np.prod([made.columns[name][piece.rows] for name in ("replicas", "dp", "pp")], axis=0)[:, None]
            asked = ~points.below["missing_link"] & ((points.batches >= ranks) | ("microbatch" in made.columns))
            worst = np.where(asked, np.stack(ratios).max(axis=0), np.inf)
            if worst.min() < least:
                row, column = np.unravel_index(int(worst.argmin()), worst.shape)
                least, where = float(worst.min()), (number, int(piece.rows[row]), int(points.batches[row, column]))
    for name in ("BLOCK", "TIMED"):
        monkeypatch.setattr(work, name, 2**9)
    kept = [Kept(search, made.machine), Kept(search, made.machine, in_practice=True)][: 1 + made.in_practice]
    for _ in streamed(made, kept, Here(made)):
        pass
    near = kept[0].near
    assert near is not None and kept[0].feasible == 0
    assert (near.variant, near.row, near.batch) == where and near.times == pytest.approx(least, rel=1e-12) and least > 1
