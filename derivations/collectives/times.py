"""Chapter 8, collectives: all chips talking to all others, and two trees, from their messages: start-ups and bytes."""

import sympy
from sympy import Symbol

from steptime.derivations.collectives.numbers import H100, NCCL, SANDERS, THAKUR, eight_h100
from steptime.derivations.collectives.rings import LINK, half
from steptime.derivations.collectives.shares import EQUAL_SHARES
from steptime.derivations.facts import Crossing, Defined, instance
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import both_sides, branch, equation, side, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.network import algorithms as forms
from steptime.model.symbols import scale_up_bandwidth, scale_up_latency

from steptime.derivations.axioms import (  # isort: skip
    ADDING_IS_FREE, ALL_AT_ONCE, FULL_RATE, IN_TURN, SMALL_PIECES, START_UP, TWO_TREES,
)  # fmt: skip
from steptime.derivations.collectives.symbols import (  # isort: skip
    direct_time, group_bytes, group_chips, levels_passed, one_shot_time, reached_chips, reducing_time, share_bytes,
    sharing_time, tree_chips, tree_level, tree_levels, tree_time, two_shot_time,
)  # fmt: skip

gather, two_shots, trees = (
    form(group_bytes, group_chips)
    for form in (forms.direct_all_gather, forms.two_shot_all_reduce, forms.tree_all_reduce)
)
peer = Symbol("i", integer=True, positive=True)
one, two = sympy.Integer(1), sympy.Integer(2)
ANY_OTHER = sympy.Min(1, group_chips - 1)
"""One where there is another chip, else none."""

CHILDREN = sympy.Min(2, group_chips - 2)
"""Two where there are chips enough: the root, the chip itself, and two below it."""

OTHERS = sympy.Sum(share_bytes, (peer, 1, group_chips - 1))
"""One share to every other chip."""

direct = Derivation(
    name="direct-exchange",
    title="Time in which every chip sends a share to every other at once",
    rows=("8.2",),
    claim="One start-up, and n - 1 messages over one link: an all-gather, a reduce-scatter or an all-to-all.",
    start=Defined(
        direct_time,
        ANY_OTHER * scale_up_latency + OTHERS / scale_up_bandwidth,
        "the time of one start-up, where there is any other chip, and of one share to each of these over one link",
    ),
    steps=(
        Step(
            "as many messages as other chips",
            total(OTHERS, (group_chips - 1) * share_bytes),
            equation(
                direct_time,
                ANY_OTHER * scale_up_latency + (group_chips - 1) * share_bytes / scale_up_bandwidth,
            ),
        ),
        Step(
            "two chips or more",
            branch(ANY_OTHER, one),
            equation(direct_time, scale_up_latency + (group_chips - 1) * share_bytes / scale_up_bandwidth),
        ),
        Step(
            "equal shares: the model's direct all-gather",
            substitute(EQUAL_SHARES),
            equation(direct_time, gather.time(*LINK)),
        ),
    ),
    assumes=(FULL_RATE, START_UP, ALL_AT_ONCE, EQUAL_SHARES),
    sources=(THAKUR, NCCL),
    example=eight_h100,
    example_text=H100,
    holds=(at_least(group_chips, 2),),
)

one_shot = instance(direct, {direct_time: one_shot_time, group_bytes: group_chips * group_bytes})
"""Every chip sends its whole volume to every other, and adds what comes: a direct gather of n volumes."""

two_shot = Derivation(
    name="two-shot-all-reduce",
    title="Time of an all-reduce by a direct reduce-scatter and a direct all-gather",
    rows=("8.2",),
    claim="Every chip sums one share, then sends the sum to all: two start-ups, whatever the number of chips.",
    start=Defined(
        two_shot_time,
        reducing_time + sharing_time,
        "the time of a direct reduce-scatter, which leaves every chip the sum of one share, and of a direct all-gather",
    ),
    steps=(
        Step(
            "both halves send to all at once: the model's two shots",
            substitute(half(direct, reducing_time), half(direct, sharing_time)),
            equation(two_shot_time, two_shots.time(*LINK)),
        ),
    ),
    assumes=(IN_TURN, ADDING_IS_FREE),
    sources=(THAKUR, NCCL),
    example=eight_h100,
    example_text=H100,
    holds=(at_least(group_chips, 2),),
)

levels = Derivation(
    name="tree-levels",
    title="Levels of a binary tree that holds so many chips",
    rows=("8.3",),
    claim="Each level holds twice as many as the one above: the levels are the logarithm of the chips.",
    start=Crossing(
        Defined(
            reached_chips,
            1 + sympy.Sum(2 ** (tree_level - 1), (tree_level, 1, levels_passed)),
            "the root, and on each level below it twice as many chips as on the one above, from one on",
        ),
        Defined(tree_chips, group_chips, "the chips of the group"),
        "the tree holds all chips",
        over=levels_passed,
        at=tree_levels,
    ),
    steps=(
        Step(
            "one, two, four and so on: twice the last, less one",
            total(sympy.Sum(2 ** (tree_level - 1), (tree_level, 1, tree_levels)), 2**tree_levels - 1),
            equation(2**tree_levels, group_chips),
        ),
        Step(
            "the logarithm to base two",
            both_sides(sympy.log(side, 2)),
            equation(tree_levels, sympy.log(group_chips, 2)),
        ),
    ),
    assumes=(),
    sources=(THAKUR, SANDERS),
    example=eight_h100,
    example_text=H100,
)

tree = Derivation(
    name="tree-all-reduce",
    title="Time of an all-reduce over two trees",
    rows=("8.3",),
    claim="Pieces go up a tree and down again, half the volume over each link: twice the volume at the fullest chip.",
    start=Defined(
        tree_time,
        2 * sympy.ceiling(tree_levels) * scale_up_latency + (CHILDREN + 2) * (group_bytes / 2) / scale_up_bandwidth,
        "the time of as many start-ups as whole levels, up and down, and of half the volume from the fullest chip to "
        "each of its neighbours: up to two children and a parent in one tree, a parent in the other",
    ),
    steps=(
        Step(
            "four chips or more: the root, one of two children, and these",
            branch(CHILDREN, two),
            equation(
                tree_time,
                2 * sympy.ceiling(tree_levels) * scale_up_latency + 2 * group_bytes / scale_up_bandwidth,
            ),
        ),
        Step(
            "put in the levels: the model's two trees",
            substitute(levels),
            equation(tree_time, trees.time(*LINK)),
        ),
    ),
    assumes=(FULL_RATE, START_UP, ADDING_IS_FREE, TWO_TREES, SMALL_PIECES),
    sources=(SANDERS, NCCL),
    example=eight_h100,
    example_text=H100,
    holds=(at_least(group_chips, 4),),
)

DERIVATIONS = (direct, two_shot, levels, tree)
