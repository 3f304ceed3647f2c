"""Places that a token's experts lie in: routing simulated token by token, and groups that straddle places."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Rational, sympify

from steptime.derivations.collectives.symbols import domains as places
from steptime.model.network.collectives import Group, expert_exchange
from steptime.model.network.copies import distinct_places, expected_distinct, straddling
from steptime.model.numeric import compiled


def simulate(experts: int, chips: int, inside: int, chosen: int, limit: tuple[int, int] | None) -> tuple[float, float]:
    """Forwards (remote chips less one landing each) and remote domains, each distinct, of tokens routed at random.

    Experts lie in order, each as long as a chip's share of them; one that lies across two chips is met in either.
    """
    source = random.Random(3)
    trials, domains, forwards = 4000, 0, 0
    for _ in range(trials):
        candidates = range(experts)
        if limit is not None:
            kept = source.sample(range(limit[1]), limit[0])
            size = experts // limit[1]
            candidates = [expert for group in kept for expert in range(group * size, (group + 1) * size)]
        home = source.randrange(chips)
        held_by = {int((expert + source.random()) * chips / experts) for expert in source.sample(candidates, chosen)}
        held_by -= {home}
        remote = {chip // inside for chip in held_by} - {home // inside}
        domains += len(remote)
        forwards += len(held_by) - len(remote)
    return forwards / trials, domains / trials


@pytest.mark.parametrize(("experts", "chips", "inside", "chosen", "limit"), [
    (256, 64, 8, 8, None), (256, 64, 8, 8, (4, 8)), (256, 32, 8, 8, (4, 8)), (256, 128, 8, 8, (4, 8)),
    (128, 16, 8, 8, None),
    (8, 8, 8, 2, None), (384, 96, 8, 8, None),
    (256, 72, 8, 8, (4, 8)), (256, 88, 8, 8, (4, 8)), (160, 40, 8, 6, (3, 8)), (256, 20, 2, 8, (4, 8)),
])  # fmt: skip
def test_the_bound_on_expert_copies_is_below_simulated_routing_and_close(experts, chips, inside, chosen, limit) -> None:
    moved = expert_exchange(Integer(1), Group(Integer(chips), Integer(inside)), chosen, limit, "per-domain")
    forwards, domains = simulate(experts, chips, inside, chosen, limit)
    total = float(moved.scale_up) + float(moved.scale_out)
    assert float(moved.scale_out) <= domains * 1.02 and total <= (forwards + domains) * 1.02
    assert float(moved.scale_out) >= domains * 0.8 and total >= (forwards + domains) * 0.8


def test_groups_that_straddle_domains_reach_one_more_domain_each_other_token() -> None:
    """DeepSeek-V3 on 9 domains of 8: 3.94 of the 8 other domains; were groups aligned, 8/9 x 4.5 (1-(1-1/4.5)^8)."""
    moved = expert_exchange(Integer(1), Group(Integer(72), Integer(8)), 8, (4, 8), "per-domain")
    _, domains = simulate(256, 72, 8, 8, (4, 8))
    assert float(moved.scale_out) == pytest.approx(3.940, abs=0.001)
    assert float(moved.scale_out) == pytest.approx(domains, rel=0.02)
    assert 8 / 9 * float(expected_distinct(Rational(9, 2), 8)) == pytest.approx(3.464, abs=0.001)


@pytest.mark.parametrize(("copies", "milliseconds"), [
    pytest.param("per-expert", 45.4, id="256 x 7168 x (1+2) B x 58 / 50 GB/s = 6.386 ms a copy; x 8 x 64/72"),
    pytest.param("per-domain", 25.2, id="6.386 ms a copy; x 3.94"),
])  # fmt: skip
def test_expert_exchange_over_nine_domains(copies: str, milliseconds: float) -> None:
    out, back = (
        expert_exchange(Integer(256 * 7168 * size), Group(Integer(72), Integer(8)), 8, (4, 8), copies)
        for size in (1, 2)
    )
    seconds = float((out + back).times(58).scale_out) / 50e9
    assert seconds * 1e3 == pytest.approx(milliseconds, abs=0.05)


LIMITS = st.integers(2, 12).flatmap(lambda groups: st.tuples(st.integers(1, groups), st.just(groups)))


@settings(max_examples=60, deadline=None)
@given(limit=LIMITS, each=st.integers(1, 5), choices=st.integers(1, 12))
def test_aligned_groups_are_a_share_of_the_places(limit, each, choices) -> None:
    """D a multiple of G: exactly m (1 - (1 - 1/m)^k) of m = D K/G places."""
    kept, groups = limit
    found = distinct_places(Integer(each * groups), choices, limit)
    assert found == expected_distinct(Integer(each * kept), choices)


def by_place(places: int, choices: int, kept: int, groups: int) -> float:
    """The expected distinct places, place by place: its groups' shares, and which of them may be kept."""
    drawn, hit = groups / (kept * places), 0.0
    both, one = kept * (kept - 1) / (groups * (groups - 1)), kept * (groups - kept) / (groups * (groups - 1))
    for place in range(places):
        inside = [g for g in range(1, groups) if place < Rational(g * places, groups) < place + 1]
        if not inside:
            hit += kept / groups * (1 - (1 - drawn) ** choices)
            continue
        share = float(Rational(inside[0] * places, groups) - place)
        alone = [1 - (1 - part * drawn) ** choices for part in (share, 1 - share)]
        hit += both * (1 - (1 - drawn) ** choices) + one * sum(alone)
    return hit


@settings(max_examples=80, deadline=None)
@given(limit=LIMITS, beyond=st.integers(0, 40), choices=st.integers(1, 12))
def test_straddling_groups_counted_place_by_place(limit, beyond, choices) -> None:
    kept, groups = limit
    assert distinct_places(Integer(groups + beyond), choices, limit) == pytest.approx(
        by_place(groups + beyond, choices, kept, groups)
    )
    assert straddling(Integer(groups + beyond), choices, limit) >= 0


def test_places_are_finite_for_every_number_of_them_and_as_arrays() -> None:
    over = np.array([1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 8.0, 9.0, 12.0, 16.0, 1e6])
    for limit in (None, (4, 8), (1, 8), (3, 5), (8, 8)):
        found = compiled(distinct_places(places, 8, limit), (places,))(over)
        assert np.isfinite(found).all() and (found >= 1 - 1e-12).all() and (found <= 8 + 1e-9).all()
        one_by_one = [float(distinct_places(sympify(int(D)), 8, limit)) for D in over if int(D) == D]
        assert found[over == over.astype(int)] == pytest.approx(one_by_one)


def test_a_copy_for_each_expert() -> None:
    """Of k copies 1/E stays, (S-1)/E goes scale-up, (E-S)/E scale-out."""
    moved = expert_exchange(Integer(1), Group(Integer(72), Integer(8)), 8, (4, 8), "per-expert")
    assert (moved.scale_up, moved.scale_out) == (Rational(8 * 7, 72), Rational(8 * 64, 72))
