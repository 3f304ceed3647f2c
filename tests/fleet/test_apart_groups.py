"""Attention and experts apart: times, room and links of groups of two parts."""


import numpy as np
import pytest
from apart_demands import stated
from sympy import Integer

import steptime as st
from steptime.model.api.fleet_demand import demand_of
from steptime.model.network.copies import distinct_places
from steptime.model.solver.fleet.apart import MICRO_BATCHES, Combined, at
from steptime.model.solver.fleet.chosen import _every
from steptime.model.solver.fleet.families import families
from steptime.model.solver.fleet.parts import attention_part, divides, expert_part
from steptime.model.solver.fleet.tables import BATCHES


@pytest.fixture(scope="module")
def demand():
    return demand_of(stated())


@pytest.fixture(scope="module")
def family(demand):
    return next(iter(families(demand, lambda share: None)))


@pytest.fixture(scope="module")
def every(demand, family):
    """All groups of both machines."""
    return Combined.joined([_every(demand, family.parts, a, e, m)
                            for a in range(2) for e in range(2) for m in MICRO_BATCHES])  # fmt: skip


# --- two parts of one model -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["mixtral-8x22b", "deepseek-v3", "gpt-oss-120b", "qwen3-235b-a22b"])
def test_both_parts_are_the_whole(name):
    from steptime.model.api.named import model_of

    model = model_of(name)
    parts = attention_part(model), expert_part(model)
    assert divides(model)
    for count in ("parameters", "active_parameters"):
        assert sum(getattr(part, count) for part in parts) == getattr(model, count)


@pytest.mark.parametrize("name", ["llama-3.3-70b", "qwen3-8b"])
def test_without_experts_there_are_no_parts(name):
    from steptime.model.api.named import model_of

    assert not divides(model_of(name))


def ledger(machine, batch, chips):
    """Seconds at the bound of each side of a whole step on as many chips, every expert on one of them."""
    one = demand_of(stated()).classes[0]
    step = st.step("mixtral-8x22b", machine, batch=batch, context=one.context, layout=st.Layout(dp=chips, ep=chips))
    quantities = step.to_dict()["quantities"]
    sides = {True: [0.0, 0.0], False: [0.0, 0.0]}
    for line in step.to_dict()["operations"]:
        side = sides[line["name"] in ("routed experts", "shared experts")]
        side[0] += line["flops"] / quantities["peak_flops"]
        side[1] += line["memory_bytes"] / quantities["memory_bandwidth"]
    return max(sides[False]), max(sides[True])


@pytest.mark.parametrize("batch", [8, 128, 2048])
def test_times_are_those_of_the_ledger_of_the_whole(family, batch):
    """Mixtral has experts in every layer, and no sums across chips where attention is data parallel."""
    parts, place = family.parts, int(np.flatnonzero(batch == BATCHES)[0])
    for option, machine in enumerate(("h20", "h100-sxm")):
        attention, experts = ledger(machine, batch, 8)
        row = int(np.flatnonzero((parts.columns["chips"] == 8) & (parts.columns["tp"] == 1))[0])
        other = int(np.flatnonzero(parts.expert_columns["chips"] == 8)[0])
        assert parts.attention.bound[option, 0, row, place] == pytest.approx(attention, rel=1e-9)
        assert parts.experts.bound[option, 0, other, place] == pytest.approx(experts, rel=1e-9)


def test_caches_are_with_attention_and_experts_with_experts(demand, family):
    parts = family.parts
    weights = 2 * expert_part(parts.model).parameters
    for option, machine in enumerate(demand.options):
        rows = parts.expert_columns["chips"]
        least = weights / rows / machine.hardware.figures["memory_capacity"].value
        assert (parts.experts.filled[option, 0, :, 0] > least).all()
        assert parts.experts.filled[option, 0, :, 0] == pytest.approx(parts.experts.filled[option, 0, :, 8], rel=0.01)
    cache = np.diff(parts.attention.filled[0, 0, 0, [20, 24]]) * (96e9 * 0.9)
    per_token = 56 * 2 * 8 * 128 * 2
    context = demand.classes[0].context
    assert cache[0] == pytest.approx(per_token * context * (BATCHES[24] - BATCHES[20]), rel=0.15)


# --- a decode step ----------------------------------------------------------------------------------------------------
def worked_through(micro, layers, attention, experts, there, back):
    """When the last micro-batch is back: both sides and both links take one at a time, in the same order."""
    here = other = up = down = 0.0
    returned = [0.0] * micro
    for _ in range(layers):
        arrived = []
        for one in range(micro):
            here = max(here, returned[one]) + attention
            up = max(up, here) + there
            arrived.append(up)
        for one in range(micro):
            other = max(other, arrived[one]) + experts
            down = max(down, other) + back
            returned[one] = down
    return max(returned)


@pytest.mark.parametrize("in_practice", [False, True], ids=["bound", "practice"])
def test_a_step_is_what_working_it_through_takes(family, every, in_practice):
    """For some groups of all, at every fifth batch; links need not take as long in both directions."""
    parts, rng = family.parts, np.random.default_rng(7)
    groups = every.some(rng.choice(len(every), 25, replace=False))
    steps = parts.step(0, groups, in_practice)
    for place in range(3, len(BATCHES), 5):
        micro = np.minimum(groups.micro_batches, BATCHES[place])
        each = np.broadcast_to((BATCHES[place] / micro)[:, None], (len(groups), 1))
        attention, experts = (at(times.seconds(in_practice)[option, 0, row], each)[:, 0] / parts.layers
                              for times, option, row in (
            (parts.attention, groups.attention, groups.row), (parts.experts, groups.experts, groups.expert_row)))
        there, back = parts.passing(groups, each, in_practice)
        for one in range(len(groups)):
            expected = worked_through(int(micro[one]), parts.layers, attention[one], experts[one], there[one, 0],
                                      back[one, 0])  # fmt: skip
            assert steps[one, place] == pytest.approx(expected, rel=1e-9)


def test_practice_is_never_below_the_bound_and_neither_below_one_side(family, every):
    parts = family.parts
    bound, practice = (parts.step(0, every, in_practice) for in_practice in (False, True))
    assert (practice >= bound * (1 - 1e-12)).all()
    for times, whole in ((parts.attention.bound[every.attention, 0, every.row], bound),
                         (parts.experts.bound[every.experts, 0, every.expert_row], bound)):  # fmt: skip
        micro = np.minimum(every.micro_batches[:, None], BATCHES[None, :])
        assert (whole >= micro * at(times, BATCHES[None, :] / micro) * (1 - 1e-9)).all()


def one_group(parts, **words):
    """A group by its chips: attention on so many of one option, experts on others."""
    row = np.flatnonzero((parts.columns["chips"] == words["chips"]) & (parts.columns["tp"] == words.get("tp", 1)))
    other = np.flatnonzero(parts.expert_columns["chips"] == words["experts"])
    return Combined(*(np.array([int(value)]) for value in (words["on"], row[0], words["beside"], other[0], 2)))


def test_what_crosses_a_link_by_hand(family):
    """Mixtral: 6,144 features in two bytes; two of eight experts on eight chips of another kind lie on 1.875."""
    parts = family.parts
    group = one_group(parts, on=0, chips=4, beside=1, experts=8)
    copies = float(distinct_places(Integer(8), 2, None))
    assert copies == pytest.approx(1.875)
    there, back = parts.passing(group, np.array([[512.0]]), True)
    reached, start = parts.links.reached[0], parts.links.start[0]
    bytes_sent = 512 * copies * 6144 * 2
    assert there[0, 0] == pytest.approx(start + bytes_sent / (4 * 50e9 * reached))  # the four chips are the slower end
    assert back[0, 0] == pytest.approx(there[0, 0])
    ideal, _ = parts.passing(group, np.array([[512.0]]), False)
    assert ideal[0, 0] == pytest.approx(512 * 6144 * 2 / (4 * 50e9))  # one copy for the domain of all eight


def test_one_domain_uses_its_own_links(family):
    """Four and four chips of one machine of eight; with tensor parallelism results are gathered too."""
    parts = family.parts
    inside = one_group(parts, on=1, chips=4, beside=1, experts=4)
    outside = one_group(parts, on=1, chips=8, beside=1, experts=4)
    assert parts.joined(inside)[0] and not parts.joined(outside)[0]
    each = np.array([[512.0]])
    copies = 4 * (1 - 0.75**2)
    assert parts.passing(inside, each, False)[0][0, 0] == pytest.approx(512 * copies * 6144 * 2 / (4 * 450e9))
    split = one_group(parts, on=1, chips=4, tp=4, beside=1, experts=4)
    more = parts.passing(split, each, False)[1][0, 0] - parts.passing(inside, each, False)[1][0, 0]
    assert more == pytest.approx(512 * 6144 * 2 * 3 / 4 / 450e9)
    assert parts.taken(inside, True) == 0 and parts.taken(outside, True) > 0


def test_a_stated_link_is_what_the_two_have(demand):
    slow = demand_of(stated(link=[{"between": ["h20", "h100-sxm"], "bandwidth": "5 GB/s"}]))
    parts = next(iter(families(slow, lambda share: None))).parts
    there, _ = parts.passing(one_group(parts, on=0, chips=4, beside=1, experts=8), np.array([[512.0]]), False)
    assert there[0, 0] == pytest.approx(512 * 6144 * 2 / (4 * 5e9))
