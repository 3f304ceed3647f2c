"""Chapter 8, collectives: an all-to-all on a torus, whose messages cross many links, against one through a switch."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.board import is_
from steptime.derivations.collectives.numbers import DALLY, SCOTT, links
from steptime.derivations.rules import equation, identity, limit, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.network.algorithms import all_to_all
from steptime.model.network.torus import even_ring_distance, link_bandwidth, link_load
from steptime.model.symbols import scale_up_bandwidth

from steptime.derivations.collectives.symbols import (  # isort: skip
    algorithm_ratio, group_bytes, group_chips, half_ring, link_bytes, mean_distance, ring_chips, torus_axes,
)  # fmt: skip

CUBE = "4096 TPU v5p as a cube of 16 chips a side, 64 MB a chip"
EVEN_SIDES = "axes that close to rings, each of an even number of chips"
SHORTEST = "shortest paths, axis after axis; where both ways are equally short, half each way"


def cube() -> Mapping[Symbol, float]:
    """A cube of 16 TPU v5p a side, its sides whole rings."""
    shape = {"ring_chips": 16, "half_ring": 8, "torus_axes": 3, "group_chips": 4096, "mean_distance": 4}
    return links("tpuv5p", group_bytes=64e6, link_bytes=128e6, **shape)


distance = Derivation(
    name="ring-distance",
    title="Links that a message crosses on a ring",
    rows=("8.8",),
    claim="Between two chips of a ring, the same chip among them, lies a quarter of the ring on average.",
    start=equation(mean_distance, even_ring_distance(half_ring)),
    steps=(
        Step(
            "1 to h - 1 links both ways, and h links once, over 2h chips",
            identity(),
            equation(mean_distance, half_ring / 2),
        ),
        Step("half the ring", substitute(is_(half_ring, ring_chips / 2)), equation(mean_distance, ring_chips / 4)),
    ),
    assumes=(EVEN_SIDES, SHORTEST),
    sources=(DALLY,),
    example=cube,
    example_text=CUBE,
)

load = Derivation(
    name="torus-link-load",
    title="Bytes on a link of a torus in an all-to-all",
    rows=("8.8",),
    claim="Bytes cross a quarter of each axis and share two links a chip there: V k/8, whatever the number of axes.",
    start=equation(link_bytes, link_load(group_bytes, mean_distance)),
    steps=(
        Step(
            "the mean distance on an axis",
            substitute(is_(mean_distance, distance.result.rhs)),
            equation(link_bytes, group_bytes * ring_chips / 8),
        ),
    ),
    assumes=(*distance.assumes, "every chip sends every other as much, so that all links of an axis are alike"),
    sources=(SCOTT, DALLY),
    example=cube,
    example_text=CUBE,
)

against_switch = Derivation(
    name="torus-against-switch",
    title="An all-to-all on a torus over one through a switch of the same bandwidth",
    rows=("8.8",),
    claim="A torus takes a quarter of its side longer, times its axes: all-to-all is what it is worst at.",
    start=equation(
        algorithm_ratio,
        link_bytes
        / link_bandwidth(scale_up_bandwidth, torus_axes)
        / (all_to_all(group_bytes, group_chips).carried / scale_up_bandwidth),
    ),
    steps=(
        Step(
            "the load of a link",
            substitute(is_(link_bytes, load.result.rhs)),
            equation(algorithm_ratio, torus_axes * ring_chips * group_chips / (4 * (group_chips - 1))),
        ),
        Step(
            "of many chips, little stays",
            limit(group_chips, sympy.oo),
            equation(algorithm_ratio, torus_axes * ring_chips / 4),
        ),
    ),
    assumes=(*load.assumes, "equal sides", "the switch lets every chip send all its bandwidth to any other"),
    sources=(SCOTT, DALLY),
    example=cube,
    example_text=CUBE,
    holds=(group_chips - 1,),
)

DERIVATIONS = (distance, load, against_switch)
