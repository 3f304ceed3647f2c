"""Closed forms of fleets: by hand, against schedules worked through event by event, against every whole ratio."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Expr, Symbol

from steptime.derivations.fleet import hand_over
from steptime.derivations.fleet import split as proofs
from steptime.derivations.fleet.prices import by_compute, by_links, by_memory, by_two, even, relation, whole
from steptime.derivations.steps import Derivation
from steptime.model.errors import UserError
from steptime.model.fleet import prices, split
from steptime.model.fleet.split import share_kept, whole_ratio
from steptime.model.scenario import Scenario

positive = st.floats(1e-3, 1e3)
parts = st.fractions(Fraction(1, 50), 50, max_denominator=50)


def at(form: Derivation | Expr, **values: float) -> float:
    expr = form.result.rhs if isinstance(form, Derivation) else form
    return float(Scenario({Symbol(name, positive=True): float(value) for name, value in values.items()}).evaluate(expr))


CHIPS = {"price_a": 3.0, "price_b": 2.0, "rate_a": 12.0, "rate_b": 6.0, "size_a": 4, "size_b": 2, "demanded_rate": 50.0,
         "token_bytes": 8.0, "token_flops": 6.0, "token_sent": 1.0, "bandwidth_a": 4.0, "bandwidth_b": 2.0,
         "peak_a": 6.0, "peak_b": 1.0, "link_a": 1.0, "link_b": 1.0}  # fmt: skip
PHASES = {"prefill_work": 2.0, "decode_work": 9.0, "prefill_load": 0.5, "decode_load": 0.75, "prefill_chips": 4.0,
          "decode_chips": 10.0, "kv_bytes": 3.0, "prompt": 20.0, "layers": 5.0, "hand_bandwidth": 6.0,
          "prompt_time": 15.0}  # fmt: skip
BY_HAND = {
    "3 $/s at 12/s": (prices.cost_on_a, CHIPS, 0.25),
    "2 $/s at 6/s": (prices.cost_on_b, CHIPS, 1 / 3),
    "twice the rate": (prices.break_even, CHIPS, 2.0),
    "8 B at 4/s outlast 6 FLOP at 6/s": (prices.rate_on_a, CHIPS, 0.5),
    "6 FLOP at 1/s outlast 8 B at 2/s": (prices.rate_on_b, CHIPS, 1 / 6),
    "48/s a machine: two of four chips at 3 $/s": (prices.whole_on_a, CHIPS, 24.0),
    "12/s a machine: five of two chips at 2 $/s": (prices.whole_on_b, CHIPS, 20.0),
    "ten chips against eight": (prices.whole_break_even, CHIPS, 1.25),
    "half of four chips, 2 chip-seconds a request": (split.prefill_serves, PHASES, 1.0),
    "three quarters of ten, 9 a request": (split.decode_serves, PHASES, 7.5 / 9),
    "decode is slower": (split.served, PHASES, 7.5 / 9),
    "1.2 s apart": (split.interval, PHASES, 1.2),
    "4 chip-seconds to 12": (split.balanced, PHASES, 1 / 3),
    "14 chips, 16 chip-seconds a request": (split.best_of_all, PHASES, 0.875),
    "60 B at 6/s": (split.handing_time, PHASES, 10.0),
    "three seconds a layer, the last one's cache in two": (split.handed_over, PHASES, 17.0),
    "four links of 6 B/s for 60 B": (split.links_serve, PHASES, 0.4),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name: str) -> None:
    form, values, expected = BY_HAND[name]
    assert at(form, **values) == pytest.approx(expected, rel=1e-12)


@given(positive, positive, positive, positive)
def test_a_is_cheaper_exactly_below_the_break_even_ratio(pa: float, pb: float, ra: float, rb: float) -> None:
    values = {"price_a": pa, "price_b": pb, "rate_a": ra, "rate_b": rb}
    cheaper = Fraction(pa) / Fraction(ra) < Fraction(pb) / Fraction(rb)
    assert cheaper == (Fraction(pa) / Fraction(pb) < Fraction(ra) / Fraction(rb))
    assert at(even, **values) == pytest.approx(ra / rb)
    costs = at(prices.cost_on_a, **values), at(prices.cost_on_b, **values)
    assert at(relation, price_ratio=pa / pb, rate_a=ra, rate_b=rb) == pytest.approx(costs[0] / costs[1])


@given(st.tuples(*[positive] * 9))
def test_the_break_even_ratio_lies_between_the_ratios_of_rates(drawn: tuple[float, ...]) -> None:
    """And is that of the regime in which both chips are; memory of A and FLOP/s of B may set the pace."""
    names = ("token_bytes", "token_flops", "token_sent", "bandwidth_a", "peak_a", "link_a", "bandwidth_b", "peak_b",
             "link_b")  # fmt: skip
    values = dict(zip(names, drawn, strict=True))
    ratio = at(prices.rate_on_a, **values) / at(prices.rate_on_b, **values)
    of_rates = [drawn[3 + place] / drawn[6 + place] for place in range(3)]
    assert min(of_rates) * (1 - 1e-9) <= ratio <= max(of_rates) * (1 + 1e-9)
    times = [[drawn[place] / drawn[first + place] for place in range(3)] for first in (3, 6)]
    binds = tuple(one.index(max(one)) for one in times)
    known = {(0, 0): by_memory, (1, 1): by_compute, (2, 2): by_links, (0, 1): by_two}
    if binds in known:
        assert at(known[binds], **values) == pytest.approx(ratio)


@given(positive, positive, st.integers(1, 100), st.integers(1, 100), st.floats(1, 1e6))
def test_whole_machines_cost_less_than_one_more(ra: float, rb: float, sa: int, sb: int, demand: float) -> None:
    values = {"rate_a": ra, "rate_b": rb, "size_a": sa, "size_b": sb, "demanded_rate": demand, "price_a": 3.0}
    cost, needed = at(prices.whole_on_a, **values), 3.0 * demand / ra
    assert needed * (1 - 1e-9) <= cost <= (needed + 3.0 * sa) * (1 + 1e-9)
    ends = ra / rb / (1 + sa * ra / demand), ra / rb * (1 + sb * rb / demand)
    assert ends[0] * (1 - 1e-9) <= at(whole, **values) <= ends[1] * (1 + 1e-9)


@given(positive, positive, st.floats(0.1, 1), st.floats(0.1, 1), st.floats(0.01, 0.99))
def test_no_split_serves_more_than_the_best(wp: float, wd: float, up: float, ud: float, share: float) -> None:
    values = {"prefill_work": wp, "decode_work": wd, "prefill_load": up, "decode_load": ud}
    chips = {"prefill_chips": 100 * share, "decode_chips": 100 * (1 - share)}
    served, best = at(split.served, **values, **chips), 1 / at(proofs.best, **values, fleet_chips=100)
    assert served <= best * (1 + 1e-9) and best == pytest.approx(at(split.best_of_all, **values, **chips))
    ratio = at(proofs.ratio, **values)
    there = {"prefill_chips": 100 * ratio / (1 + ratio), "decode_chips": 100 / (1 + ratio)}
    assert at(split.served, **values, **there) == pytest.approx(best)
    binds = proofs.too_few if share / (1 - share) <= ratio else proofs.too_many
    kept = at(binds, chips_ratio=share / (1 - share), balanced_ratio=ratio)
    assert kept == pytest.approx(served / best)
    assert kept == pytest.approx(float(share_kept(Fraction(share) / Fraction(1 - share), Fraction(ratio))))


@given(st.fractions(Fraction(1, 30), 30, max_denominator=40), st.sampled_from([0.2, 0.1, 0.05, 0.02]))
def test_the_smallest_whole_ratio_is_the_smallest_of_all(ratio: Fraction, tolerance: float) -> None:
    found = whole_ratio(float(ratio), tolerance)
    least = 1 - Fraction(tolerance)
    assert share_kept(Fraction(*found), ratio) >= least - Fraction(1, 10**8)
    smaller = [(one, all_of - one) for all_of in range(2, sum(found)) for one in range(1, all_of)]
    assert all(share_kept(Fraction(*pair), ratio) < least for pair in smaller)
    same = [(one, sum(found) - one) for one in range(1, sum(found))]
    assert share_kept(Fraction(*found), ratio) == max(share_kept(Fraction(*pair), ratio) for pair in same)


@pytest.mark.parametrize(("ratio", "tolerance"), [(0, 0.1), (1, 0), (1, 1), (float("nan"), 0.1), (float("inf"), 0.1)])
def test_what_is_no_ratio_is_refused(ratio: float, tolerance: float) -> None:
    with pytest.raises(UserError, match="above 0"):
        whole_ratio(ratio, tolerance)


def test_a_ratio_that_takes_too_many_groups_is_refused() -> None:
    with pytest.raises(UserError, match="8,192 groups or fewer"):
        whole_ratio(2**0.5, 1e-12)


@given(st.integers(1, 40), parts, parts)
def test_caches_sent_layer_by_layer(layers: int, each: Fraction, sending: Fraction) -> None:
    """Each layer is computed after the one before, and sent once it is computed and the link is free: exactly."""
    computed = sent = Fraction(0)
    for _ in range(layers):
        computed += each
        sent = max(computed, sent) + sending
    values = {"layers": layers, "prompt_time": each * layers, "kv_bytes": sending * layers, "prompt": 1,
              "hand_bandwidth": 1}  # fmt: skip
    assert at(split.handed_over, **values) == pytest.approx(float(sent))
    one = hand_over.hidden if each >= sending else hand_over.open_
    assert at(one, **values) == pytest.approx(float(sent - computed), abs=1e-12)
    enough = at(hand_over.enough, kv_bytes=sending * layers, prompt_rate=1 / (each * layers))
    assert (sending <= each) == (enough <= 1 + 1e-12)


def test_the_links_take_the_place_of_prefill() -> None:
    """Where a cache takes longer to hand over than to prefill, the ratio is that of the link's time."""
    slow = PHASES | {"hand_bandwidth": 0.75}
    ratio = at(hand_over.linked, **slow)
    assert ratio == pytest.approx(80 / 12) and ratio > at(split.balanced, **slow)
    chips = slow | {"prefill_chips": 10 * ratio}
    assert at(split.links_serve, **chips) == pytest.approx(at(split.decode_serves, **chips))
