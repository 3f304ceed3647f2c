"""What is proved of rings and of chips that gather, against counts and against every way to share out the chips."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies

from steptime.derivations.prices.symbols import kv_heads, query_heads
from steptime.derivations.training import context, joint
from steptime.derivations.training.symbols import batch_tokens, gathering_axes, stream_axes, tokens_a_chip
from steptime.model import symbols as q
from steptime.model.scenario import Scenario


def at(one, values) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


def test_zigzag_halves_the_pairs_of_every_step() -> None:
    """Each of four ranks holds an early and a late block of eight: with any other rank half of all pairs attend."""
    ranks, size = 4, 5
    blocks = [range(turn * size, (turn + 1) * size) for turn in range(2 * ranks)]
    held = [[*blocks[turn], *blocks[-1 - turn]] for turn in range(ranks)]
    for one in range(ranks):
        for other in range(ranks):
            if one != other:
                pairs = sum(key < query for query in held[one] for key in held[other])
                assert pairs == (2 * size) ** 2 / 2


@given(strategies.floats(1e12, 1e16), strategies.floats(1e9, 1e12), strategies.integers(1, 128))
def test_a_ring_hides_from_so_many_tokens_on(flops: float, link: float, keys: int) -> None:
    values = context.ring(flops, link, float(keys))
    tokens = at(context.causal, values)
    width = 128

    def hides(number: float) -> bool:
        sent = 2 * keys * width * 2 * number / link
        return 2 * 2 * values[query_heads] * width * number**2 / 2 / flops > sent

    assert hides(tokens * 1.001) and not hides(tokens * 0.999)
    assert at(context.full, values) == pytest.approx(tokens / 2)
    assert at(context.causal, {**values, kv_heads: float(2 * keys)}) == pytest.approx(2 * tokens)
    assert at(context.ranks, {**values, q.sequence: tokens * 12}) == pytest.approx(12)


@given(strategies.floats(1e3, 1e8), strategies.integers(2, 4096), strategies.integers(1, 3), strategies.integers(1, 3))
def test_no_other_split_sends_sooner(tokens: float, chips: int, along: int, across: int) -> None:
    values = {**joint.cube(tokens, float(chips)), gathering_axes: float(along), stream_axes: float(across)}
    best, least = at(joint.shared, values), at(joint.joint, values)

    def sends(gather: float) -> float:
        weights = 2 * values[q.parameters] * gather / chips / (1.8e11 * along)
        return max(weights, 2 * 2 * tokens * 8192 / gather / (1.8e11 * across))

    assert sends(best) == pytest.approx(least)
    assert all(sends(best * factor) >= least * (1 - 1e-12) for factor in np.geomspace(0.01, 100, 21))


def test_from_so_many_tokens_on_products_take_longer() -> None:
    each = joint.enough.evaluate()
    for factor in (0.9, 1.1):
        values = {**joint.cube(each * factor * 64), tokens_a_chip: each * factor}
        products = 2 * values[q.parameters] * values[batch_tokens] / 64 / 4.59e14
        assert (products > at(joint.joint, values)) == (factor > 1)


def test_the_book_s_numbers_by_hand() -> None:
    """√(48000/32768 · 2 · 64) chips; 2550² / (32768 · 2) tokens a chip."""
    assert joint.shared.evaluate() == pytest.approx(math.sqrt(48000 / 32768 * 128))
    assert joint.enough.evaluate() == pytest.approx(2550**2 / 65536)
