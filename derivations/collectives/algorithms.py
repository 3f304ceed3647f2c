"""Chapter 8, collectives: other algorithms than the ring, and the sizes at which they tie with it."""

from collections.abc import Callable, Mapping

import sympy

from steptime.derivations.claims import Claim, Source
from steptime.derivations.collectives import switches, times
from steptime.derivations.collectives.numbers import CHAN, H100, KLENK, NCCL, SANDERS, THAKUR, eight_h100, links
from steptime.derivations.collectives.rings import NO_START_UP
from steptime.derivations.collectives.rings import reduce as ring
from steptime.derivations.collectives.switches import load_and_store, switch
from steptime.derivations.collectives.symbols import algorithm_ratio, group_bytes, group_chips, start_up_saving
from steptime.derivations.collectives.times import one_shot, tree, two_shot
from steptime.derivations.facts import Compared, Crossing
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import equation, identity, limit, solve_for
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario
from steptime.model.symbols import scale_up_bandwidth, scale_up_latency

tree_depth = sympy.ceiling(sympy.log(group_chips, 2))

direct = Derivation(
    name="direct-all-reduce",
    title="What sending to all chips at once saves over a ring",
    rows=("8.2",),
    claim="The same bytes in two starts instead of 2(n - 1): the gain does not depend on the size.",
    start=Compared(start_up_saving, ring, two_shot, "the time of a ring less that of two shots", over=False),
    steps=(Step("the bytes cancel", identity(), equation(start_up_saving, 2 * (group_chips - 2) * scale_up_latency)),),
    assumes=(),
    sources=(THAKUR, NCCL),
    example=eight_h100,
    example_text=H100,
    holds=(at_least(group_chips, 2),),
)

one_or_two = Derivation(
    name="one-shot-all-reduce",
    title="Bytes below which every chip had better send its whole volume to every other",
    rows=("8.2",),
    claim="One start instead of two for n/2 times the bytes: good for small sums in small groups.",
    start=Crossing(one_shot, two_shot, "one shot takes as long as two"),
    steps=(
        Step(
            "solve for the bytes",
            solve_for(group_bytes),
            equation(
                group_bytes,
                group_chips * scale_up_latency * scale_up_bandwidth / ((group_chips - 1) * (group_chips - 2)),
            ),
        ),
    ),
    assumes=(),
    sources=(CHAN, NCCL),
    example=eight_h100,
    example_text=H100,
    holds=(more(group_chips, 2),),
)

tree_or_ring = Derivation(
    name="tree-or-ring",
    title="Bytes below which two trees are faster than a ring",
    rows=("8.3",),
    claim="Trees start up a logarithm of times; the ring saves one chip's share each way. The tie grows as n squared.",
    start=Crossing(tree, ring, "two trees take as long as a ring"),
    steps=(
        Step(
            "solve for the bytes",
            solve_for(group_bytes),
            equation(
                group_bytes,
                group_chips * (group_chips - 1 - tree_depth) * scale_up_latency * scale_up_bandwidth,
            ),
        ),
    ),
    assumes=(),
    sources=(SANDERS, NCCL),
    example=eight_h100,
    example_text=H100,
    holds=(at_least(group_chips, 4), more(group_chips - 1, tree_depth)),
)

switch_gain = Derivation(
    name="in-switch-gain",
    title="What adding in the switch saves over a ring",
    rows=("8.4",),
    claim="Each chip sends its volume once instead of almost twice; with two chips there is nothing to save.",
    start=Compared(algorithm_ratio, ring, switch, "the time of a ring over that of sums in the switch"),
    steps=(
        Step(
            "large sums: no start-up latency",
            limit(scale_up_latency, 0),
            equation(algorithm_ratio, 2 * (group_chips - 1) / group_chips),
        ),
    ),
    assumes=(NO_START_UP,),
    sources=(KLENK, THAKUR),
    example=eight_h100,
    example_text=H100,
    holds=(at_least(group_chips, 2),),
)

multimem_gain = Derivation(
    name="multimem-gain",
    title="What NVLink SHARP saves over a ring",
    rows=("8.4",),
    claim="A chip loads the sum of its share from all and stores it to all, n + 1 shares a way: below three, no gain.",
    start=Compared(algorithm_ratio, ring, load_and_store, "the time of a ring over that of a load and a store"),
    steps=(
        Step(
            "large sums: no start-up latency",
            limit(scale_up_latency, 0),
            equation(algorithm_ratio, 2 * (group_chips - 1) / (group_chips + 1)),
        ),
    ),
    assumes=(NO_START_UP,),
    sources=load_and_store.sources,
    example=eight_h100,
    example_text=H100,
    holds=(at_least(group_chips, 2),),
)


def _eight_h200(one: Derivation) -> Callable[[], float]:
    return lambda: float(Scenario(_numbers()).evaluate(one.result.rhs))


def _numbers() -> Mapping[sympy.Symbol, float]:
    return links("h200-sxm", group_chips=8)


def _inputs() -> Mapping[str, float | str]:
    return {"group_chips": _numbers()[group_chips], "measured ring": "367 GB/s", "measured NVLS": "482 GB/s"}


MEASURED = 482 / 367
"""NCCL all-reduce on 8 H200: bus bandwidth with sums in the switch over that of the ring."""

DERIVATIONS = (
    *times.DERIVATIONS, *switches.DERIVATIONS, direct, one_or_two, tree_or_ring, switch_gain, multimem_gain,
)  # fmt: skip

CLAIMS = (
    Claim(
        "8.4",
        "NCCL all-reduce on 8 H200, sums in the switch over the ring: one pass through the switch allows more than the "
        "1.31 that were measured",
        None,
        _eight_h200(switch_gain),
        _inputs,
        source=Source.OWN,
        must=lambda value: value >= MEASURED,
    ),
    Claim(
        "8.4",
        "The same for a load and a store through the switch (NVLink SHARP)",
        None,
        _eight_h200(multimem_gain),
        _inputs,
        source=Source.OWN,
        must=lambda value: value >= MEASURED,
    ),
)
