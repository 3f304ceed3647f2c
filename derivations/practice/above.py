"""Chapter 11, in practice: groups of operations one after another take no less than the bound, which overlaps all."""

from functools import partial

from sympy import Max

from steptime.derivations.axioms import GROUPS_IN_TURN
from steptime.derivations.facts import Defined, Given, Modelled
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.practice.formulas import bound_of_groups, bound_of_riders, bound_of_training
from steptime.derivations.practice.numbers import LLAMA, PROMPT, TRAINED, WAITING, WILLIAMS, llama, trained, waiting
from steptime.derivations.rules import branch, equation, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.estimate import terms
from steptime.model.estimate.symbols import riding
from steptime.model.estimate.training import training as in_training
from steptime.model.symbols import peak_flops, wide_peak

from steptime.derivations.practice.symbols import (  # isort: skip
    beyond_bound, bound_time, group_multiplying, group_reading, groups_multiplying, groups_reading, groups_time,
    practice_time, waiting_of_two, waiting_so_far, waiting_with_one_more,
)  # fmt: skip

so_far = Max(groups_reading, groups_multiplying)
one_more = Max(group_reading, group_multiplying)
overlapped = Max(groups_reading + group_reading, groups_multiplying + group_multiplying)
WAITING_SO_FAR = Defined(waiting_so_far, groups_time - so_far, "the time of the groups so far, less that of their sums")

induction = Derivation(
    name="one-group-more",
    title="A sum of maxima is no less than the maximum of sums",
    rows=("11.1",),
    claim="One group waits for nothing, and one more never shortens what is waited for: by induction it is not below "
    "nought for any number of groups. That range of it is what is proved.",
    start=Defined(
        waiting_with_one_more,
        groups_time + one_more - overlapped,
        "the time of all groups one after another, less that of their sums, overlapped",
    ),
    steps=(
        Step(
            "the groups so far by what they wait",
            substitute(WAITING_SO_FAR.for_(groups_time)),
            equation(waiting_with_one_more, waiting_so_far + so_far + one_more - overlapped),
        ),
    ),
    assumes=(GROUPS_IN_TURN,),
    sources=(WILLIAMS,),
    example=waiting,
    example_text=WAITING,
)

two_groups = Derivation(
    name="waiting-of-two",
    title="What the bound leaves out of two groups that different resources bind",
    rows=("11.1",),
    claim="Where a step reads longer than it multiplies, a group of which the opposite is true adds the difference.",
    start=Defined(
        waiting_of_two,
        so_far + one_more - overlapped,
        "the time of two groups one after another, less that of both overlapped",
    ),
    steps=(
        Step(
            "both together read longer than they multiply",
            branch(overlapped, groups_reading + group_reading),
            equation(waiting_of_two, so_far + one_more - groups_reading - group_reading),
        ),
        Step(
            "one of them multiplies longer than it reads",
            branch(one_more, group_multiplying),
            equation(waiting_of_two, so_far + group_multiplying - groups_reading - group_reading),
        ),
        Step(
            "the other then does not",
            branch(so_far, groups_reading),
            equation(waiting_of_two, group_multiplying - group_reading),
        ),
    ),
    assumes=(GROUPS_IN_TURN,),
    sources=(WILLIAMS,),
    example=waiting,
    example_text=WAITING,
    holds=(
        at_least(groups_reading + group_reading, groups_multiplying + group_multiplying),
        at_least(group_multiplying, group_reading),
    ),
)

BEYOND = Defined(beyond_bound, practice_time - bound_time, "the time in practice less the bound")
BOUND = Modelled(bound_time, bound_of_groups)
NO_FASTER_WIDE = Given(at_least(peak_flops, wide_peak), "no 16-bit peak is above that of the activations' precision")

decode = Derivation(
    name="decode-above-bound",
    title="A decode step in practice is no shorter than its bound",
    rows=("11.1",),
    claim="No shares of at most one, and no times from nought on, give less than the bound: what lies beyond it is "
    "proved not to be below nought.",
    start=BEYOND,
    steps=(
        Step(
            "put in both",
            substitute(Modelled(practice_time, terms.decode), BOUND),
            equation(beyond_bound, terms.decode - bound_of_groups),
        ),
    ),
    assumes=(GROUPS_IN_TURN, NO_FASTER_WIDE),
    sources=(WILLIAMS,),
    example=llama,
    example_text=LLAMA,
)

prefill = Derivation(
    name="prefill-above-bound",
    title="A prefill in practice is no shorter than its bound",
    rows=("11.1",),
    claim="As for a decode step: weights and products in one group, attention in another.",
    start=BEYOND,
    steps=(
        Step(
            "put in both",
            substitute(Modelled(practice_time, terms.prefill), BOUND),
            equation(beyond_bound, terms.prefill - bound_of_groups),
        ),
    ),
    assumes=(GROUPS_IN_TURN, NO_FASTER_WIDE),
    sources=(WILLIAMS,),
    example=partial(llama, "prefill"),
    example_text=PROMPT,
)

riders = Derivation(
    name="riders-above-bound",
    title="Prefills that ride along add no less than their multiply-adds and messages take",
    rows=("11.1",),
    claim="What they write of the cache is not in it: where that took longer, the model takes the bound.",
    start=BEYOND,
    steps=(
        Step(
            "put in both",
            substitute(Modelled(practice_time, terms.along), Modelled(bound_time, bound_of_riders)),
            equation(beyond_bound, terms.along - bound_of_riders),
        ),
    ),
    assumes=(GROUPS_IN_TURN, NO_FASTER_WIDE),
    sources=(WILLIAMS,),
    example=lambda: {**llama("prefill"), riding: 0.06},
    example_text=f"{PROMPT}, of which 0.06 end in a step",
)

training = Derivation(
    name="training-above-bound",
    title="A step of training in practice is no shorter than its bound",
    rows=("11.1",),
    claim="Whatever part of the traffic is hidden: no link carries more than it can, and what it carries longer than "
    "the rest takes is waited for.",
    start=BEYOND,
    steps=(
        Step(
            "put in both",
            substitute(Modelled(practice_time, in_training), Modelled(bound_time, bound_of_training)),
            equation(beyond_bound, in_training - bound_of_training),
        ),
    ),
    assumes=(GROUPS_IN_TURN, NO_FASTER_WIDE),
    sources=(WILLIAMS,),
    example=trained,
    example_text=TRAINED,
)

DERIVATIONS = (induction, two_groups, decode, prefill, riders, training)
