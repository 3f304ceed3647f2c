"""Attention and experts apart as groups of a fleet: what they take and cost, and what becomes of a fleet with them."""

from dataclasses import replace

import pytest
from apart_demands import CHAT, HARDWARE, stated

import steptime as st
from steptime.model.api.fleet_demand import demand_of
from steptime.model.solver.fleet.apart import MICRO_BATCHES
from steptime.model.solver.fleet.candidates import Filling
from steptime.model.solver.fleet.chosen import with_apart
from steptime.model.solver.fleet.columns import Column, Experts, undominated
from steptime.model.solver.fleet.demand import Role
from steptime.model.solver.fleet.families import families

EVERY_ROLE = ["together", "prefill", "decode"]


@pytest.fixture(scope="module")
def found():
    return st.fleet(stated())


def test_columns_hold_their_percentile_and_take_chips_of_both():
    demand = demand_of(stated())
    wider = with_apart(demand, next(iter(families(demand, lambda share: None))), True)
    filling = Filling(demand, wider, True)
    columns = [column for column in filling.columns() if column.role == Role.APART]
    assert columns
    for column in columns:
        assert column.on == {0: column.layout.chips, 1: column.experts.layout.chips}
        assert column.chips == sum(column.on.values())
        row = column.place
        assert wider.decode.estimate[0, 0, row, -1] >= wider.decode.bound[0, 0, row, -1]
        assert (wider.decode.filled[1, :, row] > 1).all()  # it stands on one option
        assert column.batch <= wider.cap[0, 0, row]


def test_it_is_used_where_it_pays_and_costs_more_without_it(found):
    apart = [group for group in found.practice.groups if group.column.role == Role.APART]
    assert apart and {group.column.option for group in apart} == {0}
    without = st.fleet(stated(hardware=[dict(one, roles=EVERY_ROLE) for one in HARDWARE]))
    assert all(group.column.role != Role.APART for group in without.practice.groups)
    assert without.practice.relaxed.cost > 1.01 * found.practice.relaxed.cost
    assert without.practice.fleet.cost > found.practice.fleet.bound


def test_its_dollars_watts_and_chips_add_up(found):
    level, options = found.practice, found.answer.demand.options
    apart = next(group for group in level.groups if group.column.role == Role.APART)
    hourly = apart.column.layout.chips * 1.2 + apart.column.experts.layout.chips * 2.2
    assert apart.dollars == pytest.approx(apart.owned * hourly)
    held = [sum(group.owned * group.column.on.get(option, 0) for group in level.groups) for option in range(2)]
    assert level.chips == sum(held)
    assert level.watts == pytest.approx(sum(n * one.power for n, one in zip(held, options, strict=True)))
    limit = found.answer.demand.classes[0].max_tpot
    assert level.served[0].token[1] <= limit * 1.001


def test_stocks_of_either_machine_and_spare_groups_limit_it(found):
    apart = next(group for group in found.practice.groups if group.column.role == Role.APART)
    for option in range(2):
        stock = int(apart.column.on[option] * 2)
        hardware = [dict(one, **({"stock": stock} if place == option else {})) for place, one in enumerate(HARDWARE)]
        level = st.fleet(stated(hardware=hardware, **{"class": [dict(CHAT, rate="150 /s")]})).practice
        assert sum(group.owned * group.column.on.get(option, 0) for group in level.groups) <= stock
    spare = st.fleet(stated(limits={"spare": 1}, gap=0.05)).practice
    assert all(group.owned >= 2 for group in spare.groups)


def test_machines_that_may_not_talk_have_no_such_groups():
    demand = demand_of(stated(link=[]))
    family = next(iter(families(demand, lambda share: None)))
    columns = Filling(demand, with_apart(demand, family, True), True).columns()
    assert all(len(column.on) == 1 for column in columns)


def test_the_answer_says_both_machines(found):
    one = next(one for one in found.to_dict()["replicas"] if "experts" in one)
    assert one["role"] == "attention and experts apart" and one["hardware"] == "h20"
    assert one["experts"]["hardware"] == "h100-sxm" and one["micro_batches"] in MICRO_BATCHES
    assert one["chips_of"] == {"h20": one["chips"] - one["experts"]["chips"], "h100-sxm": one["experts"]["chips"]}
    assert "h100-sxm" in found.csv() and "experts_chips" in found.csv().splitlines()[0]


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_says_so_too(run, tmp_path, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    path = tmp_path / "demand.toml"
    rows = "\n".join(f"[[hardware]]\nname = \"{one['name']}\"\nprice = \"{one['price']}\"\nsizes = {one['sizes']}"
                     for one in HARDWARE)  # fmt: skip
    words = "\n".join(f"{key} = {value!r}" for key, value in CHAT.items())
    path.write_text(f"[[class]]\n{words}\n{rows}\n")
    code, out, _ = run("solve", "fleet", str(path))
    assert code == 0 and " h20 + " in out and "apart: attention on the first chips" in out
    assert max(map(len, out.splitlines())) <= width


def test_one_with_no_more_chips_of_either_replaces_another():
    tp, experts = (st.Layout(tp=4), st.Layout(dp=4, ep=4))
    small = Column(0, Role.APART, tp, 0, {"answers": {0: 0.5}, "link": {0: 0.1}}, experts=Experts(1, experts, 2))
    large = replace(small, experts=Experts(1, st.Layout(dp=8, ep=8), 2))
    other = replace(small, experts=Experts(2, experts, 2))
    assert undominated([large, small]) == [small]
    assert undominated([small, replace(large, work={"answers": {0: 0.4}, "link": {0: 0.1}})]) != [small]
    assert len(undominated([small, other])) == 2
