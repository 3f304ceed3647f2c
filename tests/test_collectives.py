"""Collectives on two tiers: hand-checked bytes, limits of group sizes, and routing simulated token by token."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Rational, sympify

from steptime.model.collectives import (
    Group,
    all_gather,
    all_reduce,
    expert_exchange,
    gather_between,
    group,
    send,
)
from steptime.model.symbols import scale_up_domain
from steptime.model.terms import Transfer


def at(domain: int, moved: Transfer) -> tuple[float, float]:
    """Bytes on both tiers where a scale-up domain has so many chips."""
    numbers = {scale_up_domain: Integer(domain)}
    return float(sympify(moved.scale_up).xreplace(numbers)), float(sympify(moved.scale_out).xreplace(numbers))


@pytest.mark.parametrize(
    ("size", "stride", "inside"), [(8, 1, 8), (8, 8, 1), (4, 4, 2), (16, 1, 8), (3, 3, 2), (1, 1, 1)]
)
def test_stride_decides_the_tier(size: int, stride: int, inside: int) -> None:
    found = group(Integer(size), Integer(stride)).inside
    assert found.xreplace({scale_up_domain: Integer(8)}) == inside


@pytest.mark.parametrize(("size", "in_switch", "expected"), [
    pytest.param(1, False, (0, 0), id="a single chip moves nothing"),
    pytest.param(2, False, (1, 0), id="ring of two: 2 x 1/2"),
    pytest.param(8, False, (1.75, 0), id="ring of eight: 2 x 7/8"),
    pytest.param(8, True, (1, 0), id="in the switch: once"),
    pytest.param(2, True, (1, 0), id="in the switch of two: no more than the ring"),
    pytest.param(16, False, (1.75, 2 * 0.5 / 8), id="two domains of eight: 1/8 of the volume crosses, each way 1/2"),
    pytest.param(16, True, (1, 2 * 0.5 / 8), id="two domains, in the switch"),
])  # fmt: skip
def test_all_reduce(size: int, in_switch: bool, expected: tuple[float, float]) -> None:
    moved = all_reduce(Integer(1), group(Integer(size), Integer(1)), in_switch)
    assert at(8, moved) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(
    domains=st.integers(1, 6),
    inside=st.sampled_from([1, 2, 4, 8]),
    held=st.sampled_from([1, 2, 4]),
    groups=st.integers(1, 8),
)
def test_what_groups_share_is_the_gather_less_their_own(domains, inside, held, groups) -> None:
    """Every chip must receive all but what its group holds: the bytes sent on both tiers add up to that."""
    size = held * groups
    moved = gather_between(Integer(1), Integer(size), Integer(held))
    up, out = at(inside, moved)
    assert up >= -1e-12 and out >= -1e-12
    if size <= inside:
        assert up == pytest.approx(1 - held / size) and out == 0
    if size % inside == 0 or size <= inside:
        leaving = max(0, size - inside) / size / min(size, inside)
        own = max(0, held - inside) / held / min(held, inside) * held / size
        assert out == pytest.approx(leaving - own)


def simulate(experts: int, chips: int, inside: int, chosen: int, limit: tuple[int, int] | None) -> tuple[float, float]:
    """Forwards (remote chips less one landing each) and remote domains, each distinct, of tokens routed at random."""
    source = random.Random(3)
    per_chip, trials, domains, forwards = experts // chips, 4000, 0, 0
    for _ in range(trials):
        candidates = range(experts)
        if limit is not None:
            kept = source.sample(range(limit[1]), limit[0])
            size = experts // limit[1]
            candidates = [expert for group in kept for expert in range(group * size, (group + 1) * size)]
        home = source.randrange(chips)
        held_by = {expert // per_chip for expert in source.sample(candidates, chosen)} - {home}
        remote = {chip // inside for chip in held_by} - {home // inside}
        domains += len(remote)
        forwards += len(held_by) - len(remote)
    return forwards / trials, domains / trials


@pytest.mark.parametrize(("experts", "chips", "inside", "chosen", "limit"), [
    (256, 64, 8, 8, None), (256, 64, 8, 8, (4, 8)), (256, 32, 8, 8, (4, 8)), (256, 128, 8, 8, (4, 8)),
    (128, 16, 8, 8, None),
    (8, 8, 8, 2, None), (384, 96, 8, 8, None),
])  # fmt: skip
def test_the_bound_on_expert_copies_is_below_simulated_routing_and_close(experts, chips, inside, chosen, limit) -> None:
    moved = expert_exchange(Integer(1), Group(Integer(chips), Integer(inside)), chosen, limit, "per-domain")
    forwards, domains = simulate(experts, chips, inside, chosen, limit)
    total = float(moved.scale_up) + float(moved.scale_out)
    assert float(moved.scale_out) <= domains * 1.02 and total <= (forwards + domains) * 1.02
    assert float(moved.scale_out) >= domains * 0.8 and total >= (forwards + domains) * 0.8


def test_a_copy_for_each_expert() -> None:
    """Of k copies 1/E stays, (S-1)/E goes scale-up, (E-S)/E scale-out."""
    moved = expert_exchange(Integer(1), Group(Integer(72), Integer(8)), 8, (4, 8), "per-expert")
    assert (moved.scale_up, moved.scale_out) == (Rational(8 * 7, 72), Rational(8 * 64, 72))


@pytest.mark.parametrize(
    ("stages", "stride", "hops"), [(1, 8, (0, 0)), (4, 8, (0, 3)), (4, 2, (3, 0)), (8, 2, (6, 1)), (3, 16, (0, 2))]
)
def test_hops_between_stages(stages: int, stride: int, hops: tuple[int, int]) -> None:
    assert at(8, send(Integer(1), Integer(stages), Integer(stride))) == hops


def test_an_all_gather_within_one_domain_stays_there() -> None:
    assert at(8, all_gather(Integer(8), group(Integer(4), Integer(2)))) == (6, 0)
