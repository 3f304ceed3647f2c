"""Chapter 8, collectives: sums that the switch adds, from the shares that go into it and come out."""

import sympy
from sympy import Symbol

from steptime.derivations.axioms import FULL_RATE, START_UP, SWITCH_ADDS
from steptime.derivations.collectives.numbers import H100, KLENK, THAKUR, eight_h100
from steptime.derivations.collectives.rings import LINK
from steptime.derivations.collectives.shares import EQUAL_SHARES
from steptime.derivations.collectives.times import ANY_OTHER, one
from steptime.derivations.facts import Defined
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import branch, equation, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.network.algorithms import in_switch_all_reduce, multimem_all_reduce
from steptime.model.symbols import scale_up_bandwidth, scale_up_latency

from steptime.derivations.collectives.symbols import (  # isort: skip
    group_bytes, group_chips, multimem_time, share_bytes, switch_time,
)  # fmt: skip

in_switch, multimem = (form(group_bytes, group_chips) for form in (in_switch_all_reduce, multimem_all_reduce))
part = Symbol("i", integer=True, positive=True)
PARTS = sympy.Sum(share_bytes, (part, 1, group_chips))
"""All shares of a chip's volume, one for every chip and itself."""

switch = Derivation(
    name="in-switch-all-reduce",
    title="Time of an all-reduce whose sums the switch adds",
    rows=("8.4",),
    claim="All n shares of a chip go into the switch once, and their sums come back once, at the same time.",
    start=Defined(
        switch_time,
        ANY_OTHER * scale_up_latency + PARTS / scale_up_bandwidth,
        "the time of one start-up, where there is any other chip, and of every share once into the switch, while as "
        "many sums come out of it",
    ),
    steps=(
        Step(
            "as many shares as chips",
            total(PARTS, group_chips * share_bytes),
            equation(
                switch_time,
                ANY_OTHER * scale_up_latency + group_chips * share_bytes / scale_up_bandwidth,
            ),
        ),
        Step(
            "two chips or more",
            branch(ANY_OTHER, one),
            equation(switch_time, scale_up_latency + group_chips * share_bytes / scale_up_bandwidth),
        ),
        Step(
            "equal shares: the model's sums in the switch",
            substitute(EQUAL_SHARES),
            equation(switch_time, in_switch.time(*LINK)),
        ),
    ),
    assumes=(FULL_RATE, START_UP, SWITCH_ADDS, EQUAL_SHARES),
    sources=(KLENK, THAKUR),
    example=eight_h100,
    example_text=H100,
    holds=(at_least(group_chips, 2),),
)

load_and_store = Derivation(
    name="multimem-all-reduce",
    title="Time of an all-reduce whose sums the chips load and store through the switch",
    rows=("8.4",),
    claim="A chip sends its n shares for everybody's loads and stores the sum of one: n + 1 shares out, n + 1 in.",
    start=Defined(
        multimem_time,
        2 * ANY_OTHER * scale_up_latency + (PARTS + share_bytes) / scale_up_bandwidth,
        "the time of two start-ups, where there is any other chip, of every share once into the switch for the loads, "
        "the chip's own too, and of the sum of one share for the store, while as many bytes come out of it",
    ),
    steps=(
        Step(
            "as many shares as chips",
            total(PARTS, group_chips * share_bytes),
            equation(
                multimem_time,
                2 * ANY_OTHER * scale_up_latency + (group_chips + 1) * share_bytes / scale_up_bandwidth,
            ),
        ),
        Step(
            "two chips or more",
            branch(ANY_OTHER, one),
            equation(multimem_time, 2 * scale_up_latency + (group_chips + 1) * share_bytes / scale_up_bandwidth),
        ),
        Step(
            "equal shares: the model's load and store",
            substitute(EQUAL_SHARES),
            equation(multimem_time, multimem.time(*LINK)),
        ),
    ),
    assumes=switch.assumes,
    sources=(KLENK, "NVIDIA/nccl-tests issue 238: n + 1 sends and receives in the network"),
    example=eight_h100,
    example_text=H100,
    holds=(at_least(group_chips, 2),),
)

DERIVATIONS = (switch, load_and_store)
