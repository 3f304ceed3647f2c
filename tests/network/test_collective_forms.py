"""Algorithms on one tier: bytes and start-ups by hand, by message-passing simulation, and against each other."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer

from steptime.derivations.collectives.symbols import group_bytes, group_chips
from steptime.model.network import algorithms as forms
from steptime.model.network.algorithms import Form
from steptime.model.quantity import byte, count, second
from steptime.model.symbols import scale_up_bandwidth, scale_up_latency
from steptime.model.units import unit_of

GROUPS = {
    name: getattr(forms, name)
    for name in (
        "ring_all_gather", "ring_reduce_scatter", "ring_all_reduce", "direct_all_gather", "direct_reduce_scatter",
        "two_shot_all_reduce", "one_shot_all_reduce", "tree_all_reduce", "in_switch_all_reduce",
        "multimem_all_reduce", "in_switch_all_gather", "in_switch_reduce_scatter", "all_to_all",
    )
}  # fmt: skip
ALL_REDUCES = {name: form for name, form in GROUPS.items() if name.endswith("all_reduce")}
V = Integer(840)


@pytest.mark.parametrize(("name", "chips", "carried", "starts"), [
    pytest.param("ring_all_gather", 8, 735, 7, id="ring all-gather of 8: 840 x 7/8, 7 steps"),
    pytest.param("ring_all_reduce", 8, 1470, 14, id="ring all-reduce of 8: 840 x 2 x 7/8, 14 steps"),
    pytest.param("ring_all_reduce", 2, 840, 2, id="ring all-reduce of 2: 840 x 2 x 1/2, 2 steps"),
    pytest.param("direct_all_gather", 8, 735, 1, id="direct all-gather of 8: 840 x 7/8, at once"),
    pytest.param("two_shot_all_reduce", 8, 1470, 2, id="two-shot all-reduce of 8: 840 x 2 x 7/8, 2 starts"),
    pytest.param("one_shot_all_reduce", 8, 5880, 1, id="one-shot all-reduce of 8: 840 x 7, at once"),
    pytest.param("tree_all_reduce", 8, 1680, 6, id="two trees of 8: 2 x 840, up 3 and down 3"),
    pytest.param("tree_all_reduce", 9, 1680, 8, id="two trees of 9: 2 x 840, up 4 and down 4"),
    pytest.param("in_switch_all_reduce", 8, 840, 1, id="in the switch: 840 once"),
    pytest.param("multimem_all_reduce", 8, 945, 2, id="load and store through the switch: 840 x 9/8"),
    pytest.param("in_switch_all_gather", 8, 735, 1, id="multicast: 840/8 sent, 840 x 7/8 received"),
    pytest.param("all_to_all", 8, 735, 1, id="all-to-all of 8: 840 x 7/8, at once"),
])  # fmt: skip
def test_by_hand(name: str, chips: int, carried: int, starts: int) -> None:
    form = GROUPS[name](V, Integer(chips))
    assert (form.carried, form.starts) == (carried, starts)
    assert form.time(Integer(10), Integer(3)) == 3 * Integer(starts) + Integer(carried) / 10


@pytest.mark.parametrize("name", GROUPS)
def test_units(name: str) -> None:
    form = GROUPS[name](group_bytes, group_chips)
    assert unit_of(form.sent) == unit_of(form.received) == byte and unit_of(form.starts) == count
    assert unit_of(form.time(scale_up_bandwidth, scale_up_latency)) == second
    assert unit_of(forms.send(group_bytes).time(scale_up_bandwidth, scale_up_latency)) == second


@pytest.mark.parametrize("name", GROUPS)
def test_one_chip_costs_nothing(name: str) -> None:
    assert GROUPS[name](V, Integer(1)) == Form()


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(GROUPS)), chips=st.integers(2, 200), volume=st.integers(1, 10**9),
    more=st.integers(1, 10**9),
)  # fmt: skip
def test_time_grows_with_the_volume(name: str, chips: int, volume: int, more: int) -> None:
    small, large = (GROUPS[name](Integer(size), Integer(chips)) for size in (volume, volume + more))
    assert small.starts == large.starts > 0 and 0 < small.carried < large.carried


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(ALL_REDUCES)), chips=st.integers(2, 200))
def test_no_all_reduce_beats_the_switch_nor_point_to_point_ones_the_ring(name: str, chips: int) -> None:
    """A chip's data must leave it once; without sums in the network, 2(n-1)/n of it must."""
    n, form = Integer(chips), ALL_REDUCES[name](V, Integer(chips))
    switch = forms.in_switch_all_reduce(V, n)
    assert form.carried >= switch.carried and form.starts >= switch.starts
    if name not in ("in_switch_all_reduce", "multimem_all_reduce"):
        assert form.carried >= forms.ring_all_reduce(V, n).carried


@settings(max_examples=40, deadline=None)
@given(chips=st.integers(2, 200))
def test_an_all_reduce_is_a_scatter_and_a_gather(chips: int) -> None:
    """Round the ring, at once, and through the switch, where one half sends what the other receives."""
    n = Integer(chips)
    for scatter, gather, whole in (
        (forms.ring_reduce_scatter, forms.ring_all_gather, forms.ring_all_reduce),
        (forms.direct_reduce_scatter, forms.direct_all_gather, forms.two_shot_all_reduce),
        (forms.in_switch_reduce_scatter, forms.in_switch_all_gather, forms.in_switch_all_reduce),
    ):
        halves = scatter(V, n), gather(V, n)
        assert sum(half.sent for half in halves) == whole(V, n).sent
        assert sum(half.received for half in halves) == whole(V, n).received


@pytest.mark.parametrize("chips", [2, 3, 8, 13])
def test_a_ring_step_by_step(chips: int) -> None:
    """Every chip hands on the share that it received last, until all have all; then shares and steps are counted."""
    held = [{chip} for chip in range(chips)]
    latest, sent, steps = list(range(chips)), 0, 0
    while any(len(shares) < chips for shares in held):
        latest = [latest[chip - 1] for chip in range(chips)]
        for chip, share in enumerate(latest):
            held[chip].add(share)
        sent, steps = sent + 1, steps + 1
    form = forms.ring_all_gather(V, Integer(chips))
    assert (form.sent, form.starts) == (V * sent / chips, steps)


def spans(first: int, last: int) -> list[tuple[int, int]]:
    """Parent and child of a balanced binary search tree over chips ``first`` to ``last``."""
    if first > last:
        return []
    middle, found = (first + last) // 2, []
    for low, high in ((first, middle - 1), (middle + 1, last)):
        if low <= high:
            found += [(middle, (low + high) // 2), *spans(low, high)]
    return found


@pytest.mark.parametrize("chips", [7, 15, 31, 63])
def test_two_trees_edge_by_edge(chips: int) -> None:
    """A tree and its shift by one chip: a chip sends half the volume a tree over each of its edges. At most 2 V."""
    edges = spans(0, chips - 1)
    shifted = [((parent + 1) % chips, (child + 1) % chips) for parent, child in edges]
    sent = [sum(chip in edge for edge in edges + shifted) / 2 for chip in range(chips)]
    assert max(sent) == 2 == forms.tree_all_reduce(Integer(1), Integer(chips)).carried
    depth = math.ceil(math.log2(chips + 1)) - 1
    assert 2 * depth <= forms.tree_all_reduce(Integer(1), Integer(chips)).starts <= 2 * (depth + 1)
