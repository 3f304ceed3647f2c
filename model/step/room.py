"""What the memory beside the weights is good for: tokens of KV cache, sequences in flight; and how long one request
waits for its first token.
"""

from dataclasses import replace

import numpy as np

from steptime.model import symbols as q
from steptime.model.choices import PhaseName, Scope
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.phases.memory import available
from steptime.model.step.build import build_case
from steptime.model.step.case import Case

MOST_SEQUENCES = 2**50
"""Sequences beyond which nothing limits them."""
AT_ONCE = 1024
"""Batches evaluated in one piece."""


def largest_concurrency(case: Case) -> int | None:
    """The most sequences in flight that fit at this layout and context: `Case.fits` with them, not with one more.

    Whole sequences on the fullest rank, as in the memory check. None where nothing limits them, or the capacity or
    what is held has no number.

    >>> from steptime.model.catalog.hardware import load_hardware
    >>> from steptime.model.catalog.models import load_model
    >>> from steptime.model.layout.layout import Layout
    >>> from steptime.model.step.inputs import Inputs, Question
    >>> asked = Inputs(layout=Layout(tp=8))
    >>> largest_concurrency(build_case(Question(load_model("llama-3.1-70b"), load_hardware("h100-sxm"), asked)))
    316
    """
    room = case.number(available)
    if room is None or case.number(q.memory_per_chip) is None:
        return None

    def most(batches: np.ndarray) -> int:
        """Of rising batches how many fit; memory never falls as the batch grows."""
        there = case.scenario | {q.batch: batches.astype(float)}
        held = np.broadcast_to(there.evaluate(q.memory_per_chip), batches.shape)
        return int(np.count_nonzero(held <= room))

    powers = 2 ** np.arange(MOST_SEQUENCES.bit_length())
    fitting = most(powers)
    if fitting in (0, len(powers)):
        return None if fitting else 0
    low, high = int(powers[fitting - 1]), int(powers[fitting])  # the first fits, the second does not
    while high - low > 1:
        between = np.unique(np.linspace(low, high, AT_ONCE + 1).astype(np.int64))
        place = most(between)
        low, high = int(between[place - 1]), int(between[place])
    return low


def kv_room_tokens(case: Case) -> float | None:
    """Tokens of KV cache that fit on all chips beside weights, workspace, and activations of the most sequences.

    Of sequences as long as the context that is asked for: a window, or a state of one size, holds less the longer they
    are. None where the capacity, the context or what is held has no number, or a sequence holds nothing.
    """
    room, context = case.number(available), case.number(q.context)
    if room is None or context is None:
        return None
    ranks = float(case.layout.replicas * case.layout.dp)
    most = largest_concurrency(case) or 0
    one_each, full = (case.changed({q.batch: batch}) for batch in (ranks, max(ranks, float(most))))
    found = []
    for stage in case.whole_footprints:
        held, beside = one_each.number(stage.kv), full.number(stage.weights + stage.activations)
        if held is None or beside is None:
            return None
        if held > 0:
            found.append(max(0.0, room - beside) / held)
    return min(found) * ranks * context if found else None


def cache_of_one(case: Case) -> float | None:
    """Bytes of cache and state of one sequence at the lengths that are asked for, once over all chips. None where
    nothing of it is known, and in training, which keeps none.

    >>> from steptime.model.catalog.hardware import load_hardware
    >>> from steptime.model.catalog.models import load_model
    >>> from steptime.model.step.inputs import Inputs, Question
    >>> asked = Inputs(given={q.context: 1000.0}, kv="bf16")
    >>> cache_of_one(build_case(Question(load_model("llama-3.1-8b"), load_hardware("h100-sxm"), asked)))
    131072000.0
    """
    if case.phase.name == PhaseName.TRAIN:
        return None
    whole = case.accounts.footprints(Layout(), case.plan, case.phase, case.inputs.given, whole=True)
    alone = {q.batch: 1.0, **dict.fromkeys(SYMBOLS.values(), 1.0), q.stage_chips: 1.0, q.chips: 1.0}
    return case.changed(alone).number(whole[0].kv) or None


def prompt_alone(case: Case) -> Case | None:
    """The prefill of the prompt of one request that has the machine to itself, at the same layout: of a prefill itself.

    Of a decode step the prompt is its context; None where that is no prefill.
    """
    if case.inputs.phase == PhaseName.PREFILL:
        return case
    serving = case.inputs.scope == Scope.SERVING
    prompt = case.number(q.prompt if serving else q.context)
    if case.inputs.phase != PhaseName.DECODE or prompt is None or prompt < 2:
        return None
    alone = replace(case.inputs.prompt_alone(prompt), layout=case.layout_of_others, chips=None)
    # What was set by hand for the decode step need not act in a prefill.
    return build_case(replace(case.question, inputs=alone), also=frozenset(case.inputs.by_hand))


def first_token(case: Case) -> float | None:
    """Seconds until the first token of one request that has the machine to itself, at least; None where there is no
    such prefill, or it has no number."""
    alone = prompt_alone(case)
    return None if alone is None else alone.number(q.step_time)
