"""A torus: its all-to-all against messages sent one by one over simulated links, and never less than a switch."""

import math
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, sympify

from steptime.derivations.collectives.symbols import group_chips
from steptime.model.network.torus import axes_used, even_ring_distance, exchange_bytes, link_load, ring_distance
from steptime.model.numeric import compiled
from steptime.model.symbols import scale_up_domain

from steptime.model.network.collectives import (  # isort: skip
    Group, all_gather, all_reduce, all_to_all, expert_exchange, gather_between, group, send,
)  # fmt: skip


def fullest_link(sides: tuple[int, ...]) -> float:
    """Bytes on the fullest directed link of a torus where every chip sends each, itself too, one byte over all.

    Messages go along the first axis, then the second, on shortest paths; equally short ones take half each.
    """
    chips, load = list(product(*map(range, sides))), Counter[tuple[tuple[int, ...], int, int]]()
    for source, target in product(chips, chips):
        place = list(source)
        for axis, side in enumerate(sides):
            ahead = (target[axis] - source[axis]) % side
            ways = [(1, ahead), (-1, side - ahead)]
            shortest = [way for way in ways if way[1] == min(ahead, side - ahead)]
            for direction, links in shortest:
                for link in range(links):
                    at = (*place[:axis], (source[axis] + direction * link) % side, *place[axis + 1 :])
                    load[at, axis, direction] += 1 / len(shortest) / len(chips)
            place[axis] = target[axis]
    return max(load.values())


@pytest.mark.parametrize("sides", [
    (2,), (3,), (4,), (5,), (7,), (8,), (2, 2), (2, 4), (3, 3), (4, 4), (3, 5), (5, 5), (2, 8), (6, 6), (2, 2, 2),
    (2, 3, 4), (2, 2, 4), (3, 3, 3), (4, 4, 4), (2, 4, 8),
])  # fmt: skip
@pytest.mark.parametrize("idle", [0, 1])
def test_all_to_all_against_simulated_links(sides: tuple[int, ...], idle: int) -> None:
    """A lower bound, and exact where the sides are equal: a group of two chips or more a side, on axes enough."""
    axes = len(sides) + idle
    moved = all_to_all(sympify(1), Group(Integer(math.prod(sides)), Integer(math.prod(sides)), axes))
    simulated = fullest_link(sides) * 2 * axes
    assert float(moved.scale_up) <= simulated * (1 + 1e-9)
    if len(set(sides)) == 1 and int(axes_used(Integer(math.prod(sides)), axes)) == len(sides):
        assert float(moved.scale_up) == pytest.approx(simulated)


@pytest.mark.parametrize(("chips", "axes", "bytes_"), [
    pytest.param(8, 3, 1.5, id="2 x 2 x 2: 3 axes x 2/4"),
    pytest.param(64, 3, 3, id="4 x 4 x 4: 3 x 4/4"),
    pytest.param(256, 2, 8, id="16 x 16: 2 x 16/4"),
    pytest.param(4096, 3, 12, id="16 x 16 x 16: 3 x 16/4"),
    pytest.param(2, 3, 1.5, id="two chips of a 3D torus: half a byte over two of six links"),
    pytest.param(16, 0, 15 / 16, id="through a switch: 15/16 once"),
])  # fmt: skip
def test_all_to_all_by_hand(chips: int, axes: int, bytes_: float) -> None:
    over = Group(Integer(chips), Integer(chips), axes)
    assert float(all_to_all(sympify(1), over).scale_up) == bytes_


@pytest.mark.parametrize(("chips", "axes", "expected"), [
    pytest.param(2, 3, 3 * 1 / 2, id="two chips: half, over one axis of three"),
    pytest.param(4, 3, 1.5 * 3 / 4, id="four: 3/4 over two axes of three"),
    pytest.param(8, 3, 7 / 8, id="eight: 7/8 over all"),
    pytest.param(4, 2, 3 / 4, id="four on two axes: 3/4 over all"),
])  # fmt: skip
def test_gather_uses_the_axes_that_a_group_spans(chips: int, axes: int, expected: float) -> None:
    over = Group(Integer(chips), Integer(chips), axes)
    assert float(all_gather(sympify(1), over).scale_up) == expected
    assert all_reduce(sympify(1), over, in_switch=True).scale_up == 2 * all_gather(sympify(1), over).scale_up


def test_a_gather_between_groups_uses_the_axes_of_all_of_them() -> None:
    """Two groups of two: 3/4 less the own 1/4, over two axes of three; two of four: 7/8 less 3/8, over all."""
    numbers = {scale_up_domain: Integer(64)}
    moved = [gather_between(sympify(1), Integer(size), Integer(size // 2), axes=3).scale_up for size in (4, 8)]
    assert [float(up.xreplace(numbers)) for up in moved] == [0.75, 0.5]


def test_a_hop_takes_one_of_six_links() -> None:
    assert send(sympify(1), Integer(4), Integer(2), axes=3).scale_up.xreplace({scale_up_domain: Integer(8)}) == 18


def test_few_chips_pass_a_token_on_rather_than_send_a_copy_to_each() -> None:
    """Four chips, many choices: all three others get the token, over two axes: 3, where copies would take 4."""
    over = Group(Integer(4), Integer(4), axes=2)
    assert float(expert_exchange(sympify(1), over, 50, None, "per-domain").scale_up) == 3


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(1, 300), domain=st.integers(1, 300), axes=st.sampled_from([2, 3]), choices=st.integers(1, 10),
    limit=st.sampled_from([None, (4, 8), (3, 5)]), held=st.integers(1, 8),
)  # fmt: skip
def test_never_less_than_a_switch(size, domain, axes, choices, limit, held) -> None:
    """Only what stays inside a domain changes; a single chip sends nothing on either."""
    n, inside, one = Integer(size), Integer(min(size, domain)), sympify(1)
    for join in (Group(n, inside), Group(n, inside, axes)):
        moves = [all_gather(one, join), all_reduce(one, join, False), all_to_all(one, join)]
        moves += [expert_exchange(one, join, choices, limit, copies) for copies in ("per-expert", "per-domain")]
        moves += [gather_between(one, n * held, Integer(held), join.axes), send(one, n, Integer(held), join.axes)]
        numbers = {scale_up_domain: Integer(domain)}
        found = [(float(m.scale_up.xreplace(numbers)), sympify(m.scale_out).xreplace(numbers)) for m in moves]
        if not join.axes:
            switch = found
    for (up, out), (up_torus, out_torus) in zip(switch, found, strict=True):
        assert up_torus >= up - 1e-12 and out_torus == out and (size > 1 or up_torus == 0)


@pytest.mark.parametrize("axes", [2, 3])
def test_whole_roots_survive_rounding(axes: int) -> None:
    sides = np.array([2.0, 3, 4, 5, 6, 8, 12, 16, 20])
    found = compiled(exchange_bytes(sympify(1), group_chips, axes), (group_chips,))(sides**axes)
    exact = [float(exchange_bytes(sympify(1), Integer(int(side)) ** axes, axes)) for side in sides]
    assert found == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("side", [2, 4, 8, 16])
@pytest.mark.parametrize("axes", [2, 3])
def test_the_derived_load_of_a_link_is_the_models(side: int, axes: int) -> None:
    assert ring_distance(Integer(side)) == even_ring_distance(Integer(side // 2))
    load = link_load(sympify(1), even_ring_distance(Integer(side // 2)))
    assert exchange_bytes(sympify(1), Integer(side**axes), axes) == 2 * axes * load


def test_groups_carry_their_axes() -> None:
    assert group(Integer(8), Integer(1)).axes == 0 and group(Integer(8), Integer(1), 3).axes == 3
