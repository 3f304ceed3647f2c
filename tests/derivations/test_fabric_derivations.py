"""What is proved of fat trees, against trees that are built port by port, and of prices by hand."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Expr, Symbol

from steptime.derivations.claims import judge
from steptime.derivations.fabric import prices, trees
from steptime.derivations.fabric.numbers import fabric
from steptime.derivations.steps import Derivation
from steptime.derivations.waiting import scale
from steptime.model.economics import fabric as bought
from steptime.model.economics import symbols as m
from steptime.model.scenario import Scenario


def at(one: Derivation | Expr, values: dict[Symbol, float]) -> float:
    expr = one.result.rhs if isinstance(one, Derivation) else one
    return float(Scenario(values).evaluate(expr))


Cable = tuple[tuple[object, ...], tuple[object, ...]]


def built(radix: int, tiers: int, over: int = 1) -> list[Cable]:
    """The cables of a network of two or three tiers; leaves are oversubscribed."""
    found: list[Cable] = []
    up, half = radix // (1 + over), radix // 2
    pods, leaves = (radix, half) if tiers == 3 else (1, radix)
    for pod, leaf in itertools.product(range(pods), range(leaves)):
        found += [(("leaf", pod, leaf), ("host", pod, leaf, port)) for port in range(radix - up)]
        found += [(("leaf", pod, leaf), ("middle", pod, middle)) for middle in range(up)]
    if tiers == 3:
        ends = itertools.product(range(pods), range(up), range(half))
        found += [(("middle", pod, middle), ("top", middle, port)) for pod, middle, port in ends]
    return found


@pytest.mark.parametrize(("radix", "tiers", "over"), [(4, 2, 1), (8, 2, 1), (8, 2, 3), (4, 3, 1), (8, 3, 1), (8, 3, 3)])
def test_counts_are_those_of_a_network_that_is_built(radix: int, tiers: int, over: int) -> None:
    cables = built(radix, tiers, over)
    degrees = Counter(end for cable in cables for end in cable)
    hosts = sum(end[0] == "host" for end in degrees)
    switches = [degree for end, degree in degrees.items() if end[0] != "host"]
    values = {m.radix: radix, m.fabric_tiers: tiers, m.fabric_hosts: hosts, m.oversubscription: over}
    assert set(switches) == {radix}  # no port is left over, and none is used twice
    assert len(switches) == pytest.approx(at(trees.switches, values))
    assert sum(switches) / hosts == pytest.approx(at(trees.ports, values))
    assert len(cables) / hosts == pytest.approx(at(trees.cables, values))
    if over == 1:
        assert hosts == at(trees.two if tiers == 2 else trees.three, values) == at(bought.most_hosts, values)
        assert at(trees.TIERS, values) == pytest.approx(tiers)


@given(st.integers(2, 128), st.floats(1.0, 16.0), st.floats(2.0, 5.0))
def test_ports_cables_and_watts_agree(radix: int, over: float, tiers: float) -> None:
    values = {**fabric(), m.radix: float(radix), m.oversubscription: over, m.fabric_tiers: tiers}
    assert at(trees.ports, values) + 1 == pytest.approx(2 * at(trees.cables, values))
    assert at(prices.optics, values) == pytest.approx(2 * 8.5 * (at(trees.cables, values) - 1))
    assert at(trees.leaf, values) + at(trees.downs, values) == pytest.approx(radix)


def test_a_port_by_hand() -> None:
    """1,200 for the interface, three ports of 562.50, two transceivers of 750."""
    values = dict(fabric())
    assert at(prices.host, values) == pytest.approx(1200 + 3 * 562.5 + 2 * 750)
    assert at(prices.rate, values) == pytest.approx(4387.5 / 50e9)
    assert at(prices.tier, values) == pytest.approx(at(prices.host, values))
    assert sum(at(part, values) for part in (bought.switching, bought.cabling, m.nic_price)) == pytest.approx(4387.5)


@given(st.floats(1.1, 50.0))
def test_the_best_oversubscription_is_where_a_search_finds_it(other: float) -> None:
    values = {**dict(prices.best.numbers), Symbol("other_time", positive=True): other * 1e-3}
    best = at(prices.best, values)
    (start,) = [prices.best.start.line.rhs]
    costs = [at(start, {**values, m.oversubscription: best * by}) for by in (0.999, 1.0, 1.001)]
    assert costs[1] == min(costs)


def test_a_published_count_that_cannot_be() -> None:
    """Two tiers of switches of 64 reach 2,048 ports: 768 switches join no 16,384 at full bandwidth."""
    verdicts = {claim.said: judge(claim).verdict for claim in trees.CLAIMS}
    assert verdicts == {48: "holds", 2_560: "holds", 768: "differs"}


def test_the_scale_of_a_rack() -> None:
    """The lecture, row 1.11: about 128k tokens a second; 50e6 of a provider fill 390 of them."""
    assert [judge(claim).verdict for claim in scale.CLAIMS] == ["holds", "consistent"]
    assert 1 / scale.rack(1.0) == pytest.approx(128e3)
