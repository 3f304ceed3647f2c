"""Collectives on two tiers: hand-checked bytes and start-ups, limits of group sizes, and where one tier is left."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, sympify

from steptime.derivations.collectives.symbols import group_bytes, group_chips
from steptime.model.network import algorithms as one_tier
from steptime.model.quantity import byte, count
from steptime.model.symbols import scale_up_domain, stage_chips
from steptime.model.terms import Transfer
from steptime.model.units import unit_of

from steptime.model.network.collectives import (  # isort: skip
    all_gather, all_reduce, all_to_all, expert_exchange, gather_between, group, send,
)  # fmt: skip


def at(domain: int, moved: Transfer) -> tuple[float, float]:
    """Bytes on both tiers where a scale-up domain has so many chips."""
    return _both(domain, moved.scale_up, moved.scale_out)


def starts(domain: int, moved: Transfer) -> tuple[float, float]:
    """Start-ups on both tiers where a scale-up domain has so many chips."""
    return _both(domain, moved.scale_up_starts, moved.scale_out_starts)


def _both(domain: int, up, out) -> tuple[float, float]:
    numbers = {scale_up_domain: Integer(domain)}
    return float(sympify(up).xreplace(numbers)), float(sympify(out).xreplace(numbers))


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


@pytest.mark.parametrize(("size", "in_switch", "expected"), [
    pytest.param(1, False, (0, 0), id="a single chip starts nothing"),
    pytest.param(2, False, (1, 0), id="two chips swap all they have: one start, 2 x 1/2 of the bytes"),
    pytest.param(3, False, (2, 0), id="three: scatter and gather"),
    pytest.param(8, False, (2, 0), id="eight: scatter and gather"),
    pytest.param(8, True, (1, 0), id="in the switch: one pass"),
    pytest.param(16, False, (2, 1), id="two domains: scatter, one swap across, gather"),
    pytest.param(24, False, (2, 2), id="three domains: scatter, scatter and gather across, gather"),
    pytest.param(24, True, (2, 2), id="in the switch: the sum of a domain must leave before the gather"),
])  # fmt: skip
def test_starts_of_an_all_reduce(size: int, in_switch: bool, expected: tuple[float, float]) -> None:
    assert starts(8, all_reduce(Integer(1), group(Integer(size), Integer(1)), in_switch)) == expected


def test_pairs_in_several_domains_scatter_before_they_swap_across() -> None:
    """Two chips a domain, alone one start; of four chips in two domains, a scatter, one swap across, a gather."""
    assert starts(2, all_reduce(Integer(1), group(Integer(2), Integer(1)), in_switch=False)) == (1, 0)
    assert starts(2, all_reduce(Integer(1), group(Integer(4), Integer(1)), in_switch=False)) == (2, 1)


@pytest.mark.parametrize(
    ("size", "stride", "expected"), [(1, 1, (0, 0)), (8, 1, (1, 0)), (16, 1, (1, 1)), (4, 8, (0, 1))]
)
def test_starts_of_gather_and_exchange(size: int, stride: int, expected: tuple[float, float]) -> None:
    over = group(Integer(size), Integer(stride))
    moves = [all_gather(Integer(1), over), all_to_all(Integer(1), over)]
    moves += [expert_exchange(Integer(1), over, 4, None, copies) for copies in ("per-expert", "per-domain")]
    assert [starts(8, moved) for moved in moves] == [expected] * 4


# --- two tiers and one ---------------------------------------------------------------------------------------------
def pairs(volume, chips: int):
    """Each collective in one domain of so many chips, beside its bytes and start-ups on one tier."""
    over, n = group(Integer(chips), Integer(1)), Integer(chips)
    two_shot = one_tier.two_shot_all_reduce(volume, n) if chips > 2 else one_tier.one_shot_all_reduce(volume, n)
    yield all_gather(volume, over), one_tier.direct_all_gather(volume, n)
    yield all_reduce(volume, over, in_switch=False), two_shot
    yield all_reduce(volume, over, in_switch=True), one_tier.in_switch_all_reduce(volume, n)
    yield all_to_all(volume, over), one_tier.all_to_all(volume, n)
    yield gather_between(volume, n, Integer(1)), one_tier.direct_all_gather(volume, n)


@settings(max_examples=40, deadline=None)
@given(chips=st.integers(1, 80), beyond=st.integers(0, 20))
def test_in_one_domain_two_tiers_are_one(chips: int, beyond: int) -> None:
    """E <= S: nothing leaves, and bytes and starts are those of the algorithm on one tier; nothing at all at E = 1."""
    for moved, form in pairs(Integer(840), chips):
        assert at(chips + beyond, moved) == (float(form.carried), 0)
        assert starts(chips + beyond, moved) == (float(form.starts), 0)
        assert chips > 1 or moved == Transfer()


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 64), domain=st.integers(1, 16), volume=st.integers(1, 1000), more=st.integers(1, 1000))
def test_bytes_grow_with_the_volume_and_the_switch_is_never_dearer(size, domain, volume, more) -> None:
    over = group(Integer(size), Integer(1))
    for form in (all_gather, all_to_all, lambda v, g: all_reduce(v, g, False), lambda v, g: all_reduce(v, g, True)):
        small, large = at(domain, form(Integer(volume), over)), at(domain, form(Integer(volume + more), over))
        assert all(0 <= one <= other for one, other in zip(small, large, strict=True))
    ring, switch = (all_reduce(Integer(volume), over, in_switch) for in_switch in (False, True))
    assert at(domain, switch)[0] <= at(domain, ring)[0] + 1e-9
    assert starts(domain, switch) <= starts(domain, ring)


@pytest.mark.parametrize("axes", [0, 2, 3])
def test_units(axes: int) -> None:
    over = group(stage_chips, sympify(1), axes)
    moves = [
        all_gather(group_bytes, over),
        all_to_all(group_bytes, over),
        send(group_bytes, group_chips, stage_chips, axes),
    ]
    moves += [all_reduce(group_bytes, over, in_switch) for in_switch in (False, True)]
    moves += [expert_exchange(group_bytes, over, 8, (4, 8), copies) for copies in ("per-expert", "per-domain")]
    moves.append(gather_between(group_bytes, stage_chips, group_chips, axes))
    for moved in moves:
        assert {unit_of(moved.scale_up), unit_of(moved.scale_out)} == {byte}
        assert {unit_of(moved.scale_up_starts), unit_of(moved.scale_out_starts)} == {count}


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


@pytest.mark.parametrize(
    ("stages", "stride", "hops"), [(1, 8, (0, 0)), (4, 8, (0, 3)), (4, 2, (3, 0)), (8, 2, (6, 1)), (3, 16, (0, 2))]
)
def test_hops_between_stages(stages: int, stride: int, hops: tuple[int, int]) -> None:
    assert at(8, send(Integer(1), Integer(stages), Integer(stride))) == hops


def test_an_all_gather_within_one_domain_stays_there() -> None:
    assert at(8, all_gather(Integer(8), group(Integer(4), Integer(2)))) == (6, 0)
