"""Ways to train by their numbers: each of a loop's, in its order, however many there are and however few at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from questions import TRAINED, search_of

from steptime.model import symbols as q
from steptime.model.catalog.transformers import load_transformer
from steptime.model.errors import UserError
from steptime.model.layout import enumeration
from steptime.model.layout.enumeration import gathered, layouts, numbered
from steptime.model.solver.layouts import stream, work
from steptime.model.solver.layouts.executions import executions
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.search import search_layouts

MODEL = load_transformer("gpt2")


def divisors(number: int) -> list[int]:
    return [n for n in range(1, number + 1) if number % n == 0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 24), min_size=1, max_size=3, unique=True), st.sampled_from([1, 6, 12, 48, 90]),
    st.sets(st.sampled_from(["microbatch", "interleave"])), st.integers(1, 3), st.integers(1, 3),
)  # fmt: skip
def test_an_execution_follows_from_its_number(
    chips: list[int], batch: int, free: set[str], size: int, chunks: int
) -> None:
    search = search_of("gpt2", "h100-sxm", tuple(chips), (batch,), free=frozenset(free), phase="train",
                       microbatch=str(size), interleave=str(chunks))  # fmt: skip
    columns, layers, expected = layouts(MODEL, chips), len(MODEL.layers), []
    for row, (dp, replicas, pp) in enumerate(zip(columns["dp"], columns["replicas"], columns["pp"], strict=True)):
        for micro in divisors(batch // int(dp * replicas)) if batch % (dp * replicas) == 0 else []:
            for cut in [1, *(v for v in divisors(layers)[1:] if pp > 1 and layers % (pp * v) == 0)]:
                if ("microbatch" in free or micro == size) and ("interleave" in free or cut == chunks):
                    expected.append((row, micro, cut))
    if not expected:
        return
    found = executions(columns, search, layers)
    every = gathered(found, np.arange(len(found["tp"])))
    names = ("layout_row", "microbatch", "interleave")
    assert [tuple(map(int, one)) for one in zip(*(every[name] for name in names), strict=True)] == expected
    rows = np.array([one[0] for one in expected])
    assert all(np.array_equal(every[name], columns[name][rows]) for name in columns)
    last = len(expected) - 1
    assert found["microbatch"][last] == expected[last][1] and found["tp"][last] == columns["tp"][rows[last]]
    assert q.microbatch.name in found


SMALL = search_of("gpt2", "h100-sxm", (6, 8), (48,), "latency", free=TRAINED, phase="train", sequence="1024")


@pytest.mark.parametrize("search", [SMALL], ids=["gpt2 on 6 and 8 chips"])
def test_pieces_of_any_size_give_the_same_answer(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    """With columns that are never written down whole, and whatever share of a piece is possible."""
    whole = search_layouts(search)
    for most, at_once, block in ((0.0, 2**20, 2**20), (1.0, 17, 2**20), (0.5, 64, 5)):
        monkeypatch.setattr(stream, "MOST", most)
        monkeypatch.setattr(work, "AT_ONCE", at_once)
        monkeypatch.setattr(work, "TIMED", block)
        found = search_layouts(search)
        assert (found.points, found.feasible, found.infeasible) == (whole.points, whole.feasible, whole.infeasible)
        assert (found.best, found.ties, found.least, found.runner_up) == (
            whole.best, whole.ties, whole.least, whole.runner_up)  # fmt: skip
        assert (found.candidates, found.pareto) == (whole.candidates, whole.pareto)


@pytest.mark.parametrize("held", [{}, {"ep": 4}, {"dp": 2, "ffn": "all"}, {"tp": 2, "cp": 1}])
def test_a_layout_follows_from_its_number(held: dict[str, int | str]) -> None:
    """None is written down: any rows in any order, and single columns, are those of all."""
    model = load_transformer("deepseek-v3")
    whole, some = layouts(model, (6, 8, 32), held), numbered(model, (6, 8, 32), held)
    rows = np.random.default_rng(3).permutation(len(some))
    assert len(some) == len(whole["tp"]) == len(some.columns()["tp"])
    columns = some.at(rows)
    assert list(columns) == list(whole) and all(np.array_equal(columns[name], whole[name][rows]) for name in whole)
    assert some.columns()["ep"][5] == whole["ep"][5] and set(some.at(rows, ["dp"])) == {"dp"}
    every = np.stack([whole[name] for name in whole])
    assert len(np.unique(every, axis=1).T) == len(some)


def test_layouts_that_take_too_much_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enumeration, "MOST_BYTES", 2**20)
    model = load_transformer("deepseek-v3")
    with pytest.raises(UserError, match="more than 1 MiB of memory"):
        layouts(model, (720,))
    assert len(numbered(model, (720,))) * 8 * 8 > 2**20  # which, written down, are more
    with pytest.raises(UserError, match="more than 1 MiB of memory"):
        numbered(model, range(1, 720))
