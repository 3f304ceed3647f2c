"""Chapter 12, waiting: how long a prefill waits for decode steps and for other prefills."""

import sympy

from steptime.derivations.axioms import AT_RANDOM, CYCLES_ALIKE, GATED
from steptime.derivations.facts import Modelled, Tends
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import equation, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.waiting.clumps import BUSY
from steptime.derivations.waiting.numbers import GROUP, KLEINROCK, TAKAGI, VACATIONS, group
from steptime.model.waiting import formulas

from steptime.model.waiting.symbols import (  # isort: skip
    cycle, cycle_square, first_wait, prefill_mean, prefill_deviation, group_rate, vacation,
)  # fmt: skip

WORLD = (AT_RANDOM, GATED, CYCLES_ALIKE)
IDLE = (more(1, BUSY),)
SQUARE = group_rate * (prefill_deviation**2 + prefill_mean**2)

length = Derivation(
    name="cycle-of-prefills",
    title="From one decode step to the next",
    rows=("12.4",),
    claim="A step over the share of time that prefills leave.",
    start=Modelled(cycle, formulas.whole_cycle),
    steps=(Step("solve for the cycle", solve_for(cycle), equation(cycle, vacation / (1 - BUSY))),),
    assumes=WORLD,
    sources=(TAKAGI,),
    example=group,
    example_text=GROUP,
    holds=IDLE,
)

square = Derivation(
    name="cycle-square",
    title="Its mean square",
    rows=("12.4",),
    claim="Cycles vary by how many requests came in the one before, and by how long their prefills are.",
    start=Modelled(cycle_square, formulas.whole_cycle_square),
    steps=(
        Step(
            "solve for the mean square",
            solve_for(cycle_square),
            equation(cycle_square, (vacation**2 + 2 * vacation * BUSY * cycle + SQUARE * cycle) / (1 - BUSY**2)),
        ),
        Step(
            "the mean cycle",
            substitute(length),
            equation(
                cycle_square,
                vacation**2 / (1 - BUSY) ** 2 + SQUARE * vacation / ((1 - BUSY) ** 2 * (1 + BUSY)),
            ),
        ),
    ),
    assumes=WORLD,
    sources=(TAKAGI,),
    example=group,
    example_text=GROUP,
    holds=IDLE,
)

wait = Derivation(
    name="wait-for-prefill",
    title="How long a prefill waits",
    rows=("12.4",),
    claim="That of prefills alone, and of a step half and more: the more time prefills take, the more of it.",
    start=Modelled(first_wait, formulas.wait_in_cycle),
    steps=(
        Step(
            "the cycle and its mean square",
            substitute(square, length),
            equation(first_wait, formulas.gated_wait),
        ),
    ),
    assumes=WORLD,
    sources=(TAKAGI, VACATIONS),
    example=group,
    example_text=GROUP,
    holds=IDLE,
)

NO_STEPS = Tends(vacation, sympy.S.Zero, "decode runs elsewhere")

queue = Derivation(
    name="wait-without-decode",
    title="How long a prefill waits where decode runs elsewhere",
    rows=("12.4",),
    claim="Pollaczek and Khinchine: grows with the mean square of a prefill, and without bound as prefills fill time.",
    start=wait,
    steps=(Step("no steps to wait for", limit(vacation, 0), equation(first_wait, formulas.queue_wait)),),
    assumes=(NO_STEPS,),
    sources=(KLEINROCK,),
    example=group,
    example_text=GROUP,
    holds=IDLE,
)

DERIVATIONS = (length, square, wait, queue)
