"""Branches end the search for mixes, not the clock; and a machine alone that costs less is the answer."""

from dataclasses import replace

import pytest

import steptime as st
from steptime.model.solver.fleet import solve as solving
from steptime.model.solver.fleet import solved as programs
from steptime.model.solver.fleet.checked import must_hold
from steptime.model.solver.fleet.demand import Demand

DEMAND = {
    "class": [{"model": "llama-3.1-8b", "rates": ["20 /s", "60 /s", "41 /s"], "prompt": 1000, "output": 200,
               "max_tpot": "30 ms", "cached": "30%"}],
    "hardware": [{"name": "h100-sxm", "price": "2 $/h", "sizes": [1, 2], "rented": True, "rent": "3 $/h"},
                 {"name": "l4", "price": "0.7 $/h"}],
    "limits": {"spare": 1},
}  # fmt: skip


def found(**words):
    return st.fleet({**DEMAND, **words})


def test_branches_and_not_the_clock_end_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[dict[str, float]]()
    real = programs.milp

    def heard(*arguments, **words):
        asked.append(dict(words["options"]))  # they are taken out as they are read
        return real(*arguments, **words)

    monkeypatch.setattr(programs, "milp", heard)
    found(nodes=600)
    assert {one["node_limit"] for one in asked} == {600 // 4, 600 // 30}
    assert {one["time_limit"] for one in asked} == {Demand.seconds / 4, Demand.seconds / 30} and Demand.seconds >= 600
    asked.clear()
    found(nodes=1, seconds=40.0)
    assert {one["node_limit"] for one in asked} == {1} and max(one["time_limit"] for one in asked) == 10


def test_a_machine_alone_is_the_answer_where_no_mix_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, real = found(), solving.solved
    monkeypatch.setattr(solving, "solved", lambda *arguments, **words: None)
    alone = found()
    for level, best in ((alone.practice, usual.practice), (alone.bound, usual.bound)):
        must_hold(level.program, level.fleet)
        number, cost = level.best_single
        assert level.fleet.cost == cost == best.best_single[1] >= best.fleet.cost * (1 - 1e-9)
        assert {group.column.option for group in level.groups} == {number}
        assert sum(one.rate for one in level.served) == pytest.approx(sum([20, 60, 41]) / 3)
    monkeypatch.setattr(solving, "solved", real)
    assert found().to_dict()["dollars_per_hour"] == usual.to_dict()["dollars_per_hour"]


def test_a_mix_that_costs_more_gives_way_and_says_how_far_the_best_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    real, usual = solving.solved, found()

    def dear(*arguments, **words):
        mixed = real(*arguments, **words)
        return replace(mixed, cost=2 * usual.practice.best_single[1])

    monkeypatch.setattr(solving, "solved", dear)
    level = found().practice
    assert level.fleet.cost == level.best_single[1] and level.fleet.bound == pytest.approx(usual.practice.fleet.bound)
    must_hold(level.program, level.fleet)


def test_spare_groups_may_be_rented_and_are_there_when_there_is_something_to_lose() -> None:
    """Nobody asks in the first hour: nothing is there; in the second every used kind has a group more than it needs."""
    one = {**DEMAND["class"][0], "rates": [0, "20 /s"]}
    hardware = [{"name": "h100-sxm", "price": "9 $/h", "sizes": [1], "rented": True, "rent": "10 $/h"}]
    level = found(**{"class": [one], "hardware": hardware}).practice
    must_hold(level.program, level.fleet)
    used = level.fleet.used
    assert used and all(level.fleet.groups(place, 0) == 0 for place in used)
    assert level.fleet.cost == pytest.approx(sum(10 * level.fleet.groups(place, 1) for place in used) / 2)
    for place in used:
        taken = 20 * level.fleet.values["flow", place, 0, 1] * level.program.columns[place].busy(0)
        assert level.fleet.groups(place, 1) >= taken + 1 - 1e-6


def test_tokens_are_said_to_be_of_prompts_and_answers(run, tmp_path) -> None:
    file = tmp_path / "demand.toml"
    file.write_text('''
[[class]]
model = "llama-3.1-8b"
rate = "20 /s"
prompt = 1000
output = 200
cached = "30%"
[[hardware]]
name = "h100-sxm"
price = "2 $/h"
sizes = [1]
''')
    code, out, _ = run("solve", "fleet", str(file))
    assert code == 0 and f"{20 * 1200:,} tokens/s in and out" in out
    assert "in: tokens of prompts, cached parts too; out: tokens of answers" in out
    file.write_text(file.read_text().replace('cached = "30%"\n', ""))
    assert "in: tokens of prompts; out: tokens of answers" in run("solve", "fleet", str(file))[1]
