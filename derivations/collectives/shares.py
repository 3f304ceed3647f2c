"""Chapter 8, collectives: shares round a ring: the steps until every chip has all, and what a chip sends of them."""

import sympy
from sympy import Symbol

from steptime.derivations.collectives.numbers import CHAN, H100, THAKUR, eight_h100
from steptime.derivations.facts import Crossing, Defined, given
from steptime.derivations.rules import equation, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.network.algorithms import ring_all_gather

from steptime.derivations.collectives.symbols import (  # isort: skip
    all_shares, group_bytes, group_chips, held_shares, ring_bytes, ring_steps, share_bytes, steps_taken,
)  # fmt: skip

EQUAL_SHARES = given(share_bytes, group_bytes / group_chips, "all shares are equal, one a chip")
step = Symbol("i", integer=True, positive=True)

steps_of_ring = Derivation(
    name="ring-steps",
    title="Steps after which every chip of a ring has every share",
    rows=("8.1",),
    claim="In each step a chip hands on the share that came last, and gets one that it had not: n - 1 steps bring all.",
    start=Crossing(
        Defined(
            held_shares,
            1 + sympy.Sum(1, (step, 1, steps_taken)),
            "a chip's own share, and one more for each step; of a partial sum, the chips whose share it holds",
        ),
        Defined(all_shares, group_chips, "one share for each chip"),
        "every chip has every share",
        over=steps_taken,
        at=ring_steps,
    ),
    steps=(
        Step(
            "one share in each step",
            total(sympy.Sum(1, (step, 1, ring_steps)), ring_steps),
            equation(1 + ring_steps, group_chips),
        ),
        Step("solve for the steps", solve_for(ring_steps), equation(ring_steps, group_chips - 1)),
    ),
    assumes=(),
    sources=(THAKUR, CHAN),
    example=eight_h100,
    example_text=H100,
)

bytes_of_ring = Derivation(
    name="ring-bytes",
    title="Bytes that a chip sends as all shares go round a ring",
    rows=("8.1",),
    claim="A chip sends every share but one: all that it must receive, and no byte more.",
    start=Defined(ring_bytes, sympy.Sum(share_bytes, (step, 1, ring_steps)), "one share in each step"),
    steps=(
        Step(
            "as many shares as steps",
            total(sympy.Sum(share_bytes, (step, 1, ring_steps)), ring_steps * share_bytes),
            equation(ring_bytes, ring_steps * share_bytes),
        ),
        Step(
            "n - 1 steps, equal shares: what the model's all-gather carries",
            substitute(steps_of_ring, EQUAL_SHARES),
            equation(ring_bytes, ring_all_gather(group_bytes, group_chips).carried),
        ),
    ),
    assumes=(EQUAL_SHARES,),
    sources=(THAKUR, CHAN),
    example=eight_h100,
    example_text=H100,
)

DERIVATIONS = (steps_of_ring, bytes_of_ring)
