"""What fleets are made of: times as steps have them, groups as full as limits let them be, no better ones lost."""

import demands
import numpy as np
import pytest

import steptime as st
from steptime.model.layout.enumeration import layout_of
from steptime.model.solver.fleet.candidates import Filling, Places
from steptime.model.solver.fleet.columns import ANSWERS, LINK, PROMPTS, Column, undominated
from steptime.model.solver.fleet.demand import Role
from steptime.model.solver.fleet.families import families
from steptime.model.solver.fleet.limits import limited
from steptime.model.solver.fleet.needed import needed
from steptime.model.solver.fleet.program import Program
from steptime.model.solver.fleet.solved import relaxed, solved
from steptime.model.solver.fleet.tables import BATCHES
from steptime.model.waiting.waits import waits

WHOLE = (Role.TOGETHER, Role.PREFILL, Role.DECODE)
"""Roles of groups that have a whole model on each layout: the models here have no experts."""


@pytest.fixture(scope="module")
def demand():
    return demands.demand()


@pytest.fixture(scope="module")
def family(demand):
    return next(iter(families(demand, lambda share: None)))


@pytest.fixture(scope="module", params=[False, True], ids=["bound", "practice"])
def filling(request, demand, family):
    return Filling(demand, family, request.param)


def some_steps(family, decode):
    rng = np.random.default_rng(5)
    shape = (family.decode if decode else family.prefill).bound.shape
    return [tuple(int(rng.integers(n)) for n in shape) for _ in range(12)]


def test_decode_steps_are_those_of_step(demand, family):
    compared = 0
    for option, length, row, place in some_steps(family, decode=True):
        if family.decode.filled[option, length, row, place] > 1:
            continue
        one, machine = demand.classes[family.numbers[length]], demand.options[option].name
        step = st.step(one.model, machine, batch=int(BATCHES[place]), context=one.context,
                       layout=layout_of(family.columns, row))
        assert family.decode.bound[option, length, row, place] == pytest.approx(step.time, rel=1e-12)
        assert family.decode.estimate[option, length, row, place] == pytest.approx(step.estimate.step_time, rel=1e-12)
        assert step.fits
        compared += 1
    assert compared >= 5


def test_prefills_are_those_of_step(demand, family):
    whole = {place: one for one, place in family.prompts.items()}
    for option, length, row, _ in some_steps(family, decode=False):
        prompt, cached = whole[length]
        words = {"cached": cached} if cached else {}
        step = st.step("llama-3.1-8b", demand.options[option].name, phase="prefill", prompt=prompt,
                       batch=int(family.units[row]), layout=layout_of(family.columns, row), **words)
        assert family.prefill.bound[option, length, row, 0] == pytest.approx(step.time, rel=1e-12)
        assert family.prefill.estimate[option, length, row, 0] == pytest.approx(step.estimate.step_time, rel=1e-12)


def test_room_is_the_largest_batch_that_fits(demand, family):
    for option, length, row, _ in some_steps(family, decode=True):
        room = int(family.cap[option, length, row])
        if not 1 <= room < BATCHES[-1]:
            continue
        one, units = demand.classes[family.numbers[length]], int(family.units[row])
        words = {"context": one.context, "layout": layout_of(family.columns, row)}
        machine = demand.options[option].name
        assert st.step(one.model, machine, batch=room, **words).fits
        assert not st.step(one.model, machine, batch=room + 2 * units, **words).fits


@pytest.mark.parametrize("role", WHOLE)
@pytest.mark.parametrize("number", [0, 1])
def test_no_layout_takes_more_than_the_best_of_its_size(filling, role, number):
    best, rates = filling.best(number, role, filling.possible(number, role))
    chips = filling.family.columns["chips"]
    every = Places(*map(np.concatenate, zip(*[
        (np.full(len(chips), option), np.arange(len(chips))) for option in range(len(filling.demand.options))
    ], strict=True)))
    place = filling.family.numbers.index(number)
    room = filling.cap[every.option, place, every.row] >= 1
    fits = (filling.family.prefill.filled[every.option, :, every.row, 0] <= 1).all(axis=1)
    every = every.some(room & fits)
    all_rates = filling.rate(number, number, role, every)
    for option, size in {(int(o), float(chips[r])) for o, r in zip(every.option, every.row, strict=True)}:
        mine = (every.option == option) & (chips[every.row] == size)
        kept = [rate / chips[row] for o, row, rate in zip(best.option, best.row, rates, strict=True)
                if o == option and chips[row] <= size]
        assert max(kept, default=0.0) >= all_rates[mine].max() / size * (1 - 1e-4) * (1 if len(kept) else 0)
        assert kept or all_rates[mine].max() == 0


def test_a_full_group_keeps_its_percentile_and_a_fuller_one_does_not(filling):
    for role in (Role.TOGETHER, Role.DECODE):
        for number in (0, 1):
            one = filling.demand.classes[number]
            places, rates = filling.best(number, role, filling.possible(number, role))
            groups = filling.groups(number, number, role, places)
            ttft = one.max_ttft - filling.behind(number, role, places)
            tpot = one.max_tpot - filling.late(number, role, places)
            late = []
            for factor in (0.999, 1.005):
                found = waits(groups, np.minimum(rates * factor, groups.most * (1 - 1e-6)))
                first = found.late_first(ttft) if role == Role.TOGETHER else np.zeros(len(rates))
                late.append(np.maximum(first, found.late_tokens(tpot)))
            assert (late[0] <= 1 - one.percentile + 1e-9).all()
            full = rates * 1.005 > groups.most * (1 - 1e-5)
            assert (full | (late[1] > 1 - one.percentile)).all()


def test_a_class_alone_takes_no_more_than_it_could(filling):
    """Where a class shares a group that is filled for another, alone it reaches at most its own largest rate."""
    shared = [one for one in filling.columns() if len(one.serves) == 2 and one.role != Role.PREFILL]
    assert shared
    for column in shared:
        other = next(iter(column.serves - {column.for_class}))
        alone = 1 / max(work[other] for resource, work in column.work.items() if resource != LINK)
        place = Places(np.array([column.option]), np.array([column.place]))
        assert alone <= filling.rate(column.for_class, other, column.role, place)[0] * (1 + 1e-6)


def test_longer_contexts_do_not_share_groups_of_shorter_ones(filling):
    assert all(1 not in column.serves for column in filling.columns() if column.for_class == 0)


def test_prompts_and_answers_have_their_own_resources(filling):
    resources = {role: set() for role in WHOLE}
    for column in filling.columns():
        resources[column.role].add(frozenset(column.work))
    assert resources == {Role.TOGETHER: {frozenset({PROMPTS, ANSWERS})}, Role.PREFILL: {frozenset({PROMPTS, LINK})},
                         Role.DECODE: {frozenset({ANSWERS, LINK})}}


def test_leaving_out_what_others_replace_costs_nothing():
    """Random columns with and without those that are dominated, with spare groups too: the same least cost."""
    from test_program import drawn

    fewer = 0
    for seed in range(1000, 1100):
        demand, columns = drawn(seed)
        rng = np.random.default_rng(seed)
        worse = []
        for one in columns:
            times = int(rng.integers(1, 3))
            layout = one.layout if times == 1 else type(one.layout)(tp=one.layout.tp * times)
            work = {resource: {k: taken / times * float(rng.uniform(1, 1.5)) for k, taken in each.items()}
                    for resource, each in one.work.items()}
            worse.append(Column(one.option, one.role, layout, one.for_class, work))
        every = [*columns, *worse]
        left = needed(demand, undominated(every)) if seed % 2 else undominated(every)
        fewer += len(left) < len(every)
        costs = []
        for some in (every, left):
            program = limited(Program(demand, some, {0: 1.0, 1: 1.0}))
            fleet, parts = solved(program), None if demand.caps.spare else relaxed(program)
            costs.append([None if one is None else round(one.cost, 6) for one in (fleet, parts)])
        assert costs[0] == costs[1], seed
    assert fewer >= 80


def test_classes_that_share_a_full_group_keep_their_percentiles_in_any_proportion(filling):
    """On the edge of what a group takes, in five proportions: hardly more requests are late than may be."""
    shared = [one for one in filling.columns() if len(one.serves) == 2]
    assert shared
    for column in shared[:12]:
        place = Places(np.array([column.option]), np.array([column.place]))
        main, other = column.for_class, next(iter(column.serves - {column.for_class}))
        for share in (0.1, 0.3, 0.5, 0.7, 0.9):
            mix = {main: share, other: 1 - share}
            taken = max(sum(part * work[k] for k, part in mix.items())
                        for resource, work in column.work.items() if resource != LINK)
            rate = np.array([(1 - 1e-4) / taken])
            for number in (main, other):
                one = filling.demand.classes[number]
                found = filling.meets(number, main, mix, column.role, place, rate)
                first, token = filling.limits(number, column.role, place)
                allowed = 1.1 * (1 - one.percentile) + 1e-3
                assert np.isinf(first[0]) or found.late_first(first)[0] <= allowed
                assert np.isinf(token[0]) or found.late_tokens(token)[0] <= allowed


def test_what_options_replace_of_each_other_costs_nothing_to_leave_out():
    """Random columns of two machines, with stocks, caps and spare groups: the same least cost, or none in both."""
    from test_program import drawn

    fewer = 0
    for seed in range(2000, 2150):
        demand, columns = drawn(seed)
        left = needed(demand, columns)
        fewer += len(left) < len(columns)
        fleets = [solved(limited(Program(demand, some, {0: 1.0, 1: 1.0}))) for some in (columns, left)]
        assert (fleets[0] is None) == (fleets[1] is None), seed
        assert fleets[0] is None or fleets[0].cost == pytest.approx(fleets[1].cost, rel=1e-6), seed
    assert fewer >= 15
