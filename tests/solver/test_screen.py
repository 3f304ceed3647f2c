"""What a search leaves unlooked at had no chance: the answer is that of every point, and no point passes a bound."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from questions import search_of

from steptime.model.choices import Minimise
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import layouts
from steptime.model.phases.accounts import accounts_of
from steptime.model.solver.layouts import screen, stream
from steptime.model.solver.layouts.boxes import LEVELS, Boxes, Boxing, Left, envelopes
from steptime.model.solver.layouts.kept import Kept
from steptime.model.solver.layouts.points import Answer, Search
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.solver.layouts.variants import variants_on
from steptime.model.solver.layouts.work import Work

ANY = frozenset({"weights", "kv", "activations"})
TWO = ("h100-sxm", "gb200-nvl72")
SEARCHES = {
    "experts, every format": search_of("qwen3-30b-a3b", TWO, (4, 8, 12), free=ANY, whole=True),
    "two domains": search_of("deepseek-v3", ("h200-sxm", "mi300x"), (16, 24), free=frozenset({"kv"}), whole=True),
    "latency": search_of("mixtral-8x7b", TWO, (2, 6), minimise="latency", free=ANY, whole=True),
    "batches that are named": search_of("gpt-oss-20b", TWO, (3, 8), tuple(range(1, 400, 7)), free=ANY),
    "no overlap": search_of("gpt-oss-20b", "h100-sxm", (4, 6), overlap="none", whole=True),
    "by operation": search_of("gemma-2-27b", "tpuv6e", (4, 8), overlap="per-operation", minimise="chip-seconds",
                              whole=True),
    "prefill": search_of("deepseek-v2-lite", TWO, (4, 6), phase="prefill", prompt="1001", cached="200", whole=True,
                         minimise="energy", free=ANY),
    "prefills of others": search_of("llama-3.1-8b", TWO, (2, 4), scope="serving", prompt="3000", answer="200",
                                    whole=True, free=ANY),
    "limits": search_of("llama-3.1-8b", TWO, (3, 4), context="3000", whole=True,
                        limits=("batch<=333", "micro_batch>=5", "memory_per_chip<=60e9")),
    "long contexts": search_of("llama-3.1-70b", TWO, (4, 8), context="100000", whole=True, free=ANY),
}  # fmt: skip


def counted(found: Answer) -> tuple[object, ...]:
    return found.points, found.feasible, dict(found.infeasible), found.ties, found.least


def every_point(search: Search, monkeypatch: pytest.MonkeyPatch) -> Answer:
    with monkeypatch.context() as patched:
        patched.setattr(Work, "screened", False)
        patched.setattr(stream.Part, "_possible", stream.Part._timed)
        return search_layouts(search)


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_leaving_out_changes_nothing(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts by limit, the best of all and on each machine, ties, the next, and the front: as of every point."""
    whole, some = every_point(search, monkeypatch), search_layouts(search)
    assert counted(some) == counted(whole)
    assert (some.best, some.runner_up, some.best_of) == (whole.best, whole.runner_up, whole.best_of)
    assert some.candidates == whole.candidates and some.pareto == whole.pareto


def test_most_layouts_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list[int]()
    keep = Kept.keep
    monkeypatch.setattr(Kept, "keep", lambda self, variant, some, points: (
        rows.append(len(some)), keep(self, variant, some, points)))  # fmt: skip
    found = search_layouts(search_of("deepseek-v3", "gb200-nvl72", (36, 72), free=ANY, whole=True))
    assert 0 < sum(rows) < 0.2 * found.layouts * len(found.questions)


def test_a_front_and_ties_survive_few_looked_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is looked at first, and however often what has no chance is dropped."""
    search = SEARCHES["experts, every format"]
    found = search_layouts(search)
    monkeypatch.setattr(screen, "PROMISING", 1)
    monkeypatch.setattr(screen, "SPARE", 0)
    again = search_layouts(search)
    assert counted(again) == counted(found)
    assert (again.candidates, again.pareto, again.best_of) == (found.candidates, found.pareto, found.best_of)


def boxed(
    search: Search, minimise: Minimise, in_practice: bool, close: bool
) -> tuple[Work, Boxing, Boxes, list[tuple[int, np.ndarray, np.ndarray]]]:
    """Every layout with its boxes, of the first level or of the next, none dropped; by variant the layouts and their
    last batches."""
    accounts = accounts_of(search.model)
    variants = [one for machine in search.hardware for one in variants_on(search, accounts, machine)]
    work = Work(search, accounts, layouts(accounts.model, search.chips, search.held), variants, minimise)
    wide, closer, boxes, found = Boxing(work), Boxing(work, LEVELS[1]), [], []
    for number in range(work.pieces):
        piece = work.piece(number)
        last = np.full((len(search.hardware), len(piece.rows)), -1)
        for variant, points in work.points(piece) if len(piece.rows) else ():
            own = np.count_nonzero(points.fits, axis=1) - 1
            found.append((variant, piece.rows, own))
            last[work.machine[variant]] = np.maximum(last[work.machine[variant]], own)
        some = wide.boxes(number, piece, last)[in_practice] if len(piece.rows) else Boxes.none()
        if not close:
            boxes.append(some)
        for place in np.unique(some.envelope) if close else ():
            own = some.envelope == place
            left, numbers = Left(int(place), some.row[own], some.last[own]), wide.envelopes[place].numbers
            boxes.append(closer.closer(number, piece, left, numbers, in_practice))
    return work, closer if close else wide, Boxes.joined(boxes), found


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["deepseek-v2-lite", "qwen3-30b-a3b", "gpt-oss-20b", "llama-3.1-8b", "gemma-2-27b"]),
    st.sampled_from(["h100-sxm", "tpuv6e", "gb200-nvl72"]), st.sampled_from([2, 3, 4, 6, 8]),
    st.integers(100, 30_000), st.sampled_from(["full", "per-operation", "none"]),
    st.sampled_from([{}, {"phase": "prefill"}, {"scope": "serving", "answer": "77"}]),
    st.sampled_from(["latency", "chip-seconds"]), st.booleans(), st.booleans(), st.integers(0, 10_000),
)  # fmt: skip
def test_no_point_lies_outside_its_box(
    model: str, machine: str, chips: int, length: int, overlap: str, asked: dict[str, str], minimise: str,
    in_practice: bool, close: bool, seed: int,
) -> None:  # fmt: skip
    """Any whole batch that fits, in any format, is no faster, no better used and no cheaper than its box says, at the
    bound and in practice, in wide boxes and in close ones."""
    word = "prompt" if asked else "context"
    search = search_of(model, machine, (chips,), minimise=minimise, free=ANY, whole=True, overlap=overlap,
                       **{word: str(length)}, **asked)  # fmt: skip
    try:
        work, boxing, every, fitting = boxed(search, Minimise(minimise), in_practice, close)
    except UserError:
        return
    source = np.random.default_rng(seed)
    for variant, rows, last in fitting:
        mine = np.array([variant in boxing.envelopes[one].numbers for one in every.envelope], bool)
        place = {row: at for at, row in zip(np.flatnonzero(mine), every.row[mine], strict=True)}
        ladder, columns = work.batches[0], work.columns
        high = np.where(last >= 0, ladder[np.minimum(last + 1, len(ladder) - 1)], 0)
        ranks = columns["replicas"][rows] * columns["dp"][rows] * columns["pp"][rows]
        reach = np.log(np.maximum(high / ranks, 1))[:, None]
        batches = np.floor(ranks[:, None] * np.exp(source.random((len(rows), 9)) * reach))
        points = work.whole(np.full(len(rows), variant), rows, in_practice).at(np.arange(len(rows)), batches)
        for row, fine in zip(*np.nonzero(points.possible), strict=True):
            at = place[rows[row]]
            speed, share = points.per_sequence[row, fine], points.per_chip[row, fine]
            inside = (speed <= every.speed[at] * (1 + 1e-9)) & (share <= every.share[at] * (1 + 1e-9))
            assert inside.any() or every.bound[at] == 0, (variant, rows[row], batches[row, fine])  # 0: it stays
            assert points.cost[row, fine] >= every.bound[at] * (1 - 1e-9)


def test_machines_that_differ_in_more_than_formats_have_boxes_of_their_own() -> None:
    search = search_of("llama-3.1-8b", TWO, (2,), free=ANY, whole=True)
    accounts = accounts_of(search.model)
    variants = [one for machine in search.hardware for one in variants_on(search, accounts, machine)]
    work = Work(search, accounts, layouts(accounts.model, (2,), {}), variants, Minimise.COST)
    numbered = list(enumerate(variants))
    wide, made = envelopes(work, numbered, apart=False), envelopes(work, numbered, apart=True)
    for several in (wide, made):
        assert sorted(number for one in several for number in one.numbers) == list(range(len(variants)))
        assert all(len({work.machine[number] for number in one.numbers}) == 1 for one in several)
    assert len(wide) < len(made) < len(variants)
    assert all(any(set(one.numbers) <= set(other.numbers) for other in wide) for one in made)
    odd = replace(variants[0], values={**variants[0].values, next(iter(variants[0].values)): 1.2345})
    assert all(len(one.numbers) == 1 for one in envelopes(_with(work, odd), [(0, odd), (1, variants[1])], apart=False))


def _with(work: Work, odd: object) -> Work:
    work.variants = [odd, *work.variants[1:]]  # type: ignore[list-item]
    return work
