"""Attention and experts apart, worked through operation by operation: in exact fractions, in this and other orders."""

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Max, Symbol

from steptime.derivations.fleet import apart as proofs
from steptime.derivations.steps import Derivation
from steptime.model.fleet import apart
from steptime.model.scenario import Scenario

from steptime.model.fleet.symbols import layer_round, slower_time  # isort: skip

TIME = st.fractions(0, 12, max_denominator=6)
SIDE = st.fractions(Fraction(1, 6), 12, max_denominator=6)


def in_order(batches: int, layers: int, attention: Fraction, experts: Fraction, passing: Fraction,
             links: bool = False) -> Fraction:  # fmt: skip
    """When the last micro-batch is back: each side takes them in the same order, layer after layer. With ``links`` one
    carries a micro-batch at a time, in each direction."""
    here = there = up = down = Fraction(0)
    back = [Fraction(0)] * batches
    for _ in range(layers):
        arrived = []
        for one in range(batches):
            here = max(here, back[one]) + attention
            up = (max(up, here) if links else here) + passing
            arrived.append(up)
        for one in range(batches):
            there = max(there, arrived[one]) + experts
            down = (max(down, there) if links else there) + passing
            back[one] = down
    return max(back)


def in_any_order(batches: int, layers: int, times: tuple[Fraction, Fraction, Fraction], seed: int) -> Fraction:
    """The same where a side that is free takes any of those that wait for it."""
    source, free, last = random.Random(seed), [Fraction(0), Fraction(0)], Fraction(0)
    waiting = [(Fraction(0), 0, one, 0) for one in range(batches)]  # ready, side, micro-batch, layer
    while waiting:
        starts = {}
        for side in {one[1] for one in waiting}:
            starts[side] = max(free[side], min(one[0] for one in waiting if one[1] == side))
        side = min(starts, key=starts.get)
        taken = source.choice([one for one in waiting if one[1] == side and one[0] <= starts[side]])
        waiting.remove(taken)
        free[side] = starts[side] + times[side]
        arrives = free[side] + times[2]
        if side == 0:
            waiting.append((arrives, 1, taken[2], taken[3]))
        elif taken[3] + 1 < layers:
            waiting.append((arrives, 0, taken[2], taken[3] + 1))
        else:
            last = max(last, arrives)
    return last


def formula(batches: int, layers: int, attention: Fraction, experts: Fraction, passing: Fraction,
            links: bool = False) -> Fraction:  # fmt: skip
    """The closed form, in the same fractions."""
    numbers = {"micro_batches": batches, "layers": layers, "attention_time": attention, "expert_time": experts,
               "passing_time": passing}  # fmt: skip
    slower = apart.slower_or_link if links else apart.slower
    whole = apart.apart.xreplace({layer_round: apart.one_round, slower_time: slower})
    values = {Symbol(name, positive=True): value for name, value in numbers.items()}
    return evaluated(whole, values)


def evaluated(expr, values: dict[Symbol, Fraction]) -> Fraction:
    if expr in values:
        return Fraction(values[expr])
    if expr.is_Rational:
        return Fraction(int(expr.p), int(expr.q))
    parts = [evaluated(part, values) for part in expr.args]
    if isinstance(expr, Max):
        return max(parts)
    if expr.is_Add:
        return sum(parts, Fraction(0))
    assert expr.is_Mul, expr
    product = Fraction(1)
    for part in parts:
        product *= part
    return product


@settings(max_examples=400)
@given(st.integers(1, 7), st.integers(1, 7), SIDE, SIDE, TIME, st.booleans())
def test_the_formula_is_exact_in_order(m: int, layers: int, a: Fraction, e: Fraction, c: Fraction, links: bool) -> None:
    """Where links carry one micro-batch at a time, with their time among those of which the slower is taken; so that
    the form without it is exact as long as passing takes no longer than a side."""
    assert in_order(m, layers, a, e, c, links) == formula(m, layers, a, e, c, links)
    if c <= max(a, e):
        assert in_order(m, layers, a, e, c, links=True) == formula(m, layers, a, e, c)
    else:
        assert in_order(m, layers, a, e, c, links=True) >= formula(m, layers, a, e, c)


@settings(max_examples=200)
@given(st.integers(1, 5), st.integers(1, 5), SIDE, SIDE, TIME, st.integers(0, 10**6))
def test_no_other_order_is_faster(m: int, layers: int, a: Fraction, e: Fraction, c: Fraction, seed: int) -> None:
    assert in_any_order(m, layers, (a, e, c), seed) >= formula(m, layers, a, e, c)


def at(one: Derivation, **values: float) -> float:
    return float(Scenario({Symbol(name, positive=True): float(value) for name, value in values.items()}).evaluate(
        one.result.rhs))  # fmt: skip


@given(st.integers(1, 9), st.integers(2, 9), SIDE, SIDE, TIME)
def test_both_proofs_and_where_they_meet(m: int, layers: int, a: Fraction, e: Fraction, c: Fraction) -> None:
    around, slow = a + e + 2 * c, max(a, e)
    one = proofs.busy if m * slow >= around else proofs.waiting
    found = at(one, micro_batches=m, layers=layers, layer_round=around, slower_time=slow)
    assert found == pytest.approx(float(in_order(m, layers, a, e, c)))
    enough = at(proofs.enough, layer_round=around, slower_time=slow)
    assert (m >= enough - 1e-12) == (one is proofs.busy)
    if a == e:
        assert at(proofs.balanced, attention_time=a, passing_time=c) == pytest.approx(enough)


def test_by_hand() -> None:
    """Two micro-batches, three layers, 4 s and 3 s, 1 s to pass: 9 s a round, 8 s of the slower side: 3 x 9 + 4."""
    assert formula(2, 3, Fraction(4), Fraction(3), Fraction(1)) == 31
    assert formula(3, 3, Fraction(4), Fraction(3), Fraction(1)) == 9 + 8 * 4


@given(st.tuples(*[st.floats(0.1, 10)] * 2), st.floats(0.01, 0.99))
def test_no_split_of_chips_is_faster_than_by_work(works: tuple[float, float], share: float) -> None:
    values = dict(zip(("attention_work", "experts_work"), works, strict=True))
    there = Scenario({Symbol(name, positive=True): value for name, value in
                      {**values, "attention_chips": 10 * share, "expert_chips": 10 * (1 - share)}.items()})  # fmt: skip
    best = at(proofs.split, **values, fleet_chips=10)
    assert float(there.evaluate(apart.pace)) >= best * (1 - 1e-12) and best == pytest.approx(sum(works) / 10)


@given(st.tuples(*[st.floats(0.1, 10)] * 5))
def test_apart_pays_exactly_below_its_price(drawn: tuple[float, ...]) -> None:
    names = ("price_a", "price_both", "attention_work", "experts_work", "together_work")
    values = dict(zip(names, drawn, strict=True))
    most = at(proofs.worth, **values)
    if most > 0:
        for change, pays in ((0.99, True), (1.01, False)):
            assert (at(proofs.against, **values, price_b=change * most) < 1) is pays


def test_on_one_machine_only_less_work_pays() -> None:
    alike = {"price_a": 2, "price_b": 2, "price_both": 2, "attention_work": 3, "experts_work": 4}
    assert at(proofs.against, **alike, together_work=7) == 1
    assert at(proofs.against, **alike, together_work=8) == 7 / 8
