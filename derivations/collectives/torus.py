"""Chapter 8, collectives: an all-to-all on a torus, whose messages cross many links, against one through a switch."""

from collections.abc import Mapping

import sympy
from sympy import Rational, Symbol

from steptime.derivations.axioms import EQUAL_SIDES, LINKS_ALIKE, NON_BLOCKING, SHORTEST_PATHS
from steptime.derivations.collectives.numbers import DALLY, SCOTT, links
from steptime.derivations.collectives.rings import NO_START_UP
from steptime.derivations.collectives.times import direct
from steptime.derivations.facts import Compared, Defined, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import drop, equation, identity, limit, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.network.algorithms import all_to_all
from steptime.model.network.torus import even_ring_distance, link_bandwidth, link_load
from steptime.model.symbols import scale_up_bandwidth, scale_up_latency

from steptime.derivations.collectives.symbols import (  # isort: skip
    algorithm_ratio, direct_time, group_bytes, group_chips, half_ring, link_bytes, links_away, mean_distance,
    ring_chips, torus_axes, torus_time,
)  # fmt: skip

CUBE = "4096 TPU v5p as a cube of 16 chips a side, 64 MB a chip"
SMALL_CUBE = "64 TPU v5p as a cube of 4 chips a side, 64 MB a chip"
EVEN_SIDES = given(half_ring, ring_chips / 2, "an axis closes to a ring of an even number of chips")
one_way = sympy.Sum(links_away, (links_away, 1, half_ring - 1))
"""Links to the chips on one side, but for the one that lies opposite."""

chip = Symbol("i", integer=True, positive=True)
crossed = sympy.Sum(group_bytes * mean_distance, (chip, 1, group_chips))
"""Bytes of all chips, each as often as it crosses a link of one axis."""


def cube(side: int = 16, load: float = 128e6) -> Mapping[Symbol, float]:
    """A cube of TPU v5p, its sides whole rings."""
    shape = {"ring_chips": side, "half_ring": side / 2, "torus_axes": 3, "group_chips": side**3}
    return links("tpuv5p", group_bytes=64e6, link_bytes=load, mean_distance=side / 4, **shape)


distance = Derivation(
    name="ring-distance",
    title="Links that a message crosses on a ring",
    rows=("8.8",),
    claim="Between two chips of a ring, the same chip among them, lies a quarter of the ring on average.",
    start=Defined(
        mean_distance,
        (2 * one_way + half_ring) / (2 * half_ring),
        "the links to the chips of each side, to the one opposite, and none to the chip itself, over all these chips",
    ),
    steps=(
        Step(
            "1 to h - 1 links add up to h (h - 1)/2: the model's distance",
            total(one_way, half_ring * (half_ring - 1) / 2),
            equation(mean_distance, even_ring_distance(half_ring)),
        ),
        Step("half the half", identity(), equation(mean_distance, half_ring / 2)),
        Step("half the ring", substitute(EVEN_SIDES), equation(mean_distance, ring_chips / 4)),
    ),
    assumes=(SHORTEST_PATHS, EVEN_SIDES),
    sources=(DALLY,),
    example=cube,
    example_text=CUBE,
    holds=(at_least(ring_chips, 2),),
)

load = Derivation(
    name="torus-link-load",
    title="Bytes on a link of a torus in an all-to-all",
    rows=("8.8",),
    claim="Bytes cross a quarter of each axis and share two links a chip there: V k/8, whatever the number of axes.",
    start=Defined(
        link_bytes,
        crossed / (2 * group_chips),
        "the bytes of all chips as often as they cross a link of one axis, over its links, two a chip",
    ),
    steps=(
        Step(
            "every chip's bytes cross as many: the model's load",
            total(crossed, group_chips * group_bytes * mean_distance),
            equation(link_bytes, link_load(group_bytes, mean_distance)),
        ),
        Step(
            "the mean distance on an axis",
            substitute(distance),
            equation(link_bytes, group_bytes * ring_chips / 8),
        ),
    ),
    assumes=(LINKS_ALIKE,),
    sources=(SCOTT, DALLY),
    example=cube,
    example_text=CUBE,
    holds=(at_least(ring_chips, 2),),
)

on_torus = Derivation(
    name="torus-all-to-all",
    title="Time of an all-to-all on a torus",
    rows=("8.8",),
    claim="The links of all axes are equally full, and each has one part in 2a of a chip's bandwidth.",
    start=Defined(
        torus_time,
        link_bytes / link_bandwidth(scale_up_bandwidth, torus_axes),
        "the time of the bytes of one link, of which a chip has two an axis that share its bandwidth",
    ),
    steps=(
        Step(
            "the load of a link",
            substitute(load),
            equation(torus_time, torus_axes * group_bytes * ring_chips / (4 * scale_up_bandwidth)),
        ),
    ),
    assumes=(EQUAL_SIDES,),
    sources=(SCOTT, DALLY),
    example=cube,
    example_text=CUBE,
    holds=(at_least(ring_chips, 2),),
)

through_switch = Derivation(
    name="switched-all-to-all",
    title="Time of an all-to-all through a switch",
    rows=("8.8",),
    claim="Start-ups aside, a chip sends all but its own share over its whole bandwidth.",
    start=direct,
    steps=(
        Step(
            "no start-up latency",
            limit(scale_up_latency, 0),
            equation(direct_time, all_to_all(group_bytes, group_chips).carried / scale_up_bandwidth),
        ),
    ),
    assumes=(NO_START_UP, NON_BLOCKING),
    sources=direct.sources,
    example=cube,
    example_text=CUBE,
    holds=direct.holds,
)

against_switch = Derivation(
    name="torus-against-switch",
    title="An all-to-all on a torus over one through a switch of the same bandwidth",
    rows=("8.8",),
    claim="A torus takes a quarter of its side longer, times its axes: all-to-all is what it is worst at.",
    start=Compared(algorithm_ratio, on_torus, through_switch, "the time on a torus over that through a switch"),
    steps=(
        Step(
            "n chips send n - 1 shares",
            identity(),
            equation(
                algorithm_ratio,
                torus_axes * ring_chips / 4 + torus_axes * ring_chips / (4 * (group_chips - 1)),
            ),
        ),
        Step(
            "of many chips, little stays",
            drop(torus_axes * ring_chips / (4 * (group_chips - 1)), error=Rational(1, 50)),
            equation(algorithm_ratio, torus_axes * ring_chips / 4),
        ),
    ),
    assumes=(),
    sources=(SCOTT, DALLY),
    example=lambda: cube(4, 32e6),
    example_text=SMALL_CUBE,
    holds=(at_least(ring_chips, 2), at_least(group_chips, 51)),
)

DERIVATIONS = (distance, load, on_torus, through_switch, against_switch)
