"""A search on several processes: the same answer to the last bit, whatever their number, and whatever they die of."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from questions import TRAINED, search_of

import steptime as st
from steptime.model.errors import UserError
from steptime.model.solver.layouts import kept, stream, work
from steptime.model.solver.layouts.points import Answer, Search
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.solver.layouts.stream import processes_for
from steptime.model.solver.layouts.work import work_of
from steptime.model.solver.processes import Processes, cores

ANY = frozenset({"weights", "kv"})
TWO = ("h100-sxm", "gb200-nvl72")
SEARCHES = {
    "screened": search_of("qwen3-30b-a3b", TWO, (4, 8, 12), free=ANY, whole=True),
    "every point timed": search_of("deepseek-v2-lite", TWO, (4, 8), free=ANY, whole=True, max_step_time=0.02,
                                   max_ttft=1.0),
    "prefills of others": search_of("llama-3.1-8b", TWO, (2, 4), scope="serving", prompt="3000", answer="200",
                                    whole=True, free=ANY),
    "training": search_of("gpt2", "h100-sxm", (6, 8), (48,), "latency", free=TRAINED, phase="train", sequence="1024"),
}  # fmt: skip


def told(found: Answer) -> Answer:
    """All of an answer but how long it took."""
    return replace(found, seconds=0.0)


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_the_answer_is_the_same_on_any_number_of_processes(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BLOCK", "TIMED"):
        monkeypatch.setattr(work, name, 3000)
    alone = told(search_layouts(search, workers=1))
    monkeypatch.undo()  # the processes' pieces are as large as ever
    for number in (2, 3):
        assert told(search_layouts(search, workers=number)) == alone


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_pieces_may_be_worked_out_by_anyone(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    """As processes do: three workers that know of different pieces, the last of which is new for every piece; with so
    few layouts a round that what is known of others decides which are estimated at all."""
    for name in ("BLOCK", "TIMED"):
        monkeypatch.setattr(work, name, 3000 if search.whole else 100)
    for name in ("ROUND", "FEW"):
        monkeypatch.setattr(kept, name, 4)
    made = work_of(search)

    class Several:
        def __init__(self) -> None:
            self.parts = [stream.Part(made), stream.Part(work_of(search))]

        def results(self, tasks: list[stream.Task]) -> list[stream.Seen]:
            new = (*self.parts, None)
            return [(new[task.number % 3] or stream.Part(made))(task) for task in tasks]

    one, other = made.nothing_kept(), made.nothing_kept()
    assert list(stream.streamed(made, one, stream.Here(made))) == list(stream.streamed(made, other, Several()))
    for mine, theirs in zip(one, other, strict=True):
        assert (mine.points, mine.feasible, mine.infeasible) == (theirs.points, theirs.feasible, theirs.infeasible)
        assert (mine.front.labels == theirs.front.labels).all() and (mine.least == theirs.least).all()
        first, second = mine.rivals(), theirs.rivals()
        assert all((getattr(first, name) == getattr(second, name)).all() for name in vars(first))


def test_processes_are_for_much_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in points: small searches stay in this process, a number that is asked for is taken."""
    made = work_of(SEARCHES["screened"])
    assert processes_for(made, None) == 1 and processes_for(made, 3) == 3
    monkeypatch.setattr(stream, "SCREENED", made.size - 1)
    assert processes_for(made, None) == cores()


def test_a_number_of_processes_that_cannot_be() -> None:
    with pytest.raises(UserError, match="`workers` 0: from 1 to 1,024"):
        st.search("llama-3.1-8b", "h100-sxm", 1, workers=0)


def test_on_the_command_line(run_json) -> None:
    words = ("solve", "layout", "llama-3.1-8b", "h100-sxm", "--chips", "1,2", "--max-step-time", "20ms")
    one, two = run_json(*words), run_json(*words, "--workers", "2")
    assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_a_script_is_not_run_again(tmp_path: Path) -> None:
    """A script without a guard, as people write it."""
    script = tmp_path / "script.py"
    script.write_text("import steptime as st\nprint('once')\n"
                      "print(st.search('llama-3.1-8b', 'h100-sxm', [1, 2], workers=2).points)\n")  # fmt: skip
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "once" and len(done.stdout.split()) == 2, done.stdout


class Dying:
    """A worker that dies at one task, once."""

    def __init__(self, marker: Path, always: bool = False) -> None:
        self.marker, self.always = marker, always

    def __call__(self) -> "Dying":
        return self

    def task(self, number: int) -> int:
        if number == 5 and (self.always or not self.marker.exists()):
            self.marker.touch()
            os._exit(9)
        return number * number


def dying(marker: Path, always: bool) -> object:
    return Dying(marker, always).task


@pytest.mark.parametrize("always", [False, True])
def test_a_process_that_dies_is_replaced(tmp_path: Path, always: bool) -> None:
    from functools import partial

    with Processes(2, partial(dying, tmp_path / "died", always)) as started:
        results = started.results(range(12))
        if always:
            with pytest.raises(UserError, match="keep dying"):
                list(results)
        else:
            assert list(results) == [number * number for number in range(12)]
