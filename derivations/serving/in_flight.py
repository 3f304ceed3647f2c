"""Chapter 9, serving: in-flight batching, and how much prefill a memory-bound decode step carries for nothing."""

from sympy import S, oo

from steptime.derivations.batch.batch import peak_by_ridge
from steptime.derivations.batch.symbols import memory_time, ridge
from steptime.derivations.board import NO_ATTENTION_FLOPS
from steptime.derivations.facts import Compared, Crossing, Defined, Expected, Given, Modelled, Tends, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute, total
from steptime.derivations.serving import formulas
from steptime.derivations.serving.attention import body
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.phases.prefill import decode_steps, prefills_riding_along

from steptime.derivations.axioms import (  # isort: skip
    ATTENDS_TO_ALL, BEFORE_ONCE, ENDS_ONCE, EVEN_ARRIVALS, LAST_PREDICTS, ON_CHIP, STREAMED_ONCE,
)  # fmt: skip
from steptime.derivations.serving.numbers import (  # isort: skip
    BOTH, SARATHI, SERVING, SHARED, WEIGHTS_ALONE, WHOLE_PROMPT, serving,
)  # fmt: skip
from steptime.derivations.serving.symbols import (  # isort: skip
    carried_flops, prefill_share, prefills_per_decode, prefills_per_step, prompt_ratio, riding_flops,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, answer, attention_flops, bytes_per_weight, context, flops_per_mac, in_flight, kv_bytes,
    memory_bandwidth, micro_batch, own_prefill, parameters, parameters_read, pass_tokens, peak_flops, prompt,
    stage_chips, turn, unembedding_parameters,
)  # fmt: skip

decode_flops = flops_per_mac * active_parameters + attention_flops * context
per_prompt_token = flops_per_mac * (body + unembedding_parameters / prompt) + attention_flops * (prompt - 1) / 2
"""FLOP of a prefill for each token of the prompt."""

room = bytes_per_weight * parameters_read * peak_flops - micro_batch * (
    decode_flops * memory_bandwidth - kv_bytes * (context + 1) * peak_flops
)
"""What the decode step alone leaves of the FLOP that fit in its memory time, times the bandwidth."""

rise = per_prompt_token * memory_bandwidth - kv_bytes * peak_flops
ALL_COUNTED = given(own_prefill, 0, "the mean of all steps: every prefill counts, a request's own too")
PER_STEP = Defined(prompt_ratio, prompt / decode_steps, "the tokens of a prompt over the decode steps of its answer")
STEADY = (ENDS_ONCE, EVEN_ARRIVALS)


ENDING = Expected(
    prefills_per_step,
    turn,
    S.One,
    in_flight - own_prefill,
    1 / decode_steps,
    "the number of sequences in flight that end in a step and leave their place to one that it prefills, a request's "
    "own left out where it lies before its steps",
)

others = Derivation(
    name="in-flight-others",
    title="Prefills that a request's steps carry",
    rows=("9.7",),
    claim="A request waits for the prefills of the others only: its own lies before its first step.",
    start=ENDING,
    steps=(
        Step(
            "each of the sequences ends in one of as many steps",
            total(ENDING.line.rhs, (in_flight - own_prefill) / decode_steps),
            equation(prefills_per_step, (in_flight - own_prefill) / decode_steps),
        ),
        Step(
            "by the sequences that decode",
            substitute(
                Defined(
                    prefills_per_decode,
                    prefills_per_step / in_flight,
                    "the prefills of a step over the sequences that decode in it",
                ).for_(prefills_per_step)
            ),
            equation(prefills_per_decode * in_flight, (in_flight - own_prefill) / decode_steps),
        ),
        Step(
            "for each sequence that decodes",
            both_sides(side / in_flight),
            equation(prefills_per_decode, prefills_riding_along),
        ),
    ),
    assumes=STEADY,
    sources=(SARATHI,),
    example=serving,
    example_text=SERVING,
    holds=(at_least(answer, 2),),
)

many = Derivation(
    name="in-flight-many",
    title="Among many sequences, one's own prefill does not matter",
    rows=("9.7",),
    claim="With many sequences in flight a request's steps are as the mean of all: one prefill over its decode steps.",
    start=others,
    steps=(
        Step(
            "one of many",
            limit(in_flight, oo),
            equation(prefills_per_decode, 1 / decode_steps),
        ),
    ),
    assumes=(Tends(in_flight, oo, "ever more sequences are in flight"),),
    sources=(SARATHI,),
    example=serving,
    example_text=SERVING,
    holds=(at_least(answer, 2),),
)

share = Derivation(
    name="in-flight-share",
    title="Share of prefills in the FLOP of a step",
    rows=("9.7",),
    claim="A step carries one prefill over a request's decode steps for every sequence: their share is that of tokens.",
    start=Compared(
        prefill_share,
        Modelled(riding_flops, formulas.flops_of_prefills),
        Modelled(carried_flops, formulas.flops_with_prefills),
        "the FLOP of prefills over all FLOP of a step that carries them",
    ),
    steps=(
        Step(
            "every token multiplies the same weights, every prefill counts",
            substitute(NO_ATTENTION_FLOPS, WEIGHTS_ALONE[2], ALL_COUNTED),
            equation(prefill_share, pass_tokens / (pass_tokens + answer - 1)),
        ),
        Step(
            "the prompt is prefilled whole",
            substitute(WHOLE_PROMPT),
            equation(prefill_share, prompt / (prompt + answer - 1)),
        ),
    ),
    assumes=(*STEADY, NO_ATTENTION_FLOPS, WEIGHTS_ALONE[2], ALL_COUNTED, WHOLE_PROMPT),
    sources=(SARATHI,),
    example=serving,
    example_text=SERVING,
    holds=(more(answer, 1),),
)

START = Crossing(
    Modelled(q.compute_time, formulas.riding_compute.time), Modelled(memory_time, formulas.riding_memory.time), BOTH
)
MEETING = (
    Step(
        "at the peak, perfectly sharded; decode reads its context, both write",
        substitute(
            *SHARED,
            Modelled(q.kv_read, formulas.riding_read),
            Modelled(q.kv_written, formulas.riding_written),
        ),
        equation(
            (decode_flops + prefills_riding_along * pass_tokens * per_prompt_token.xreplace({prompt: pass_tokens}))
            * micro_batch
            / (stage_chips * peak_flops),
            (
                bytes_per_weight * parameters_read
                + micro_batch * kv_bytes * (context + 1 + pass_tokens * prefills_riding_along)
            )
            / (stage_chips * memory_bandwidth),
        ),
    ),
    Step(
        "the prompt is prefilled whole, every prefill counts; so many tokens of the prompt for each decode step",
        substitute(WHOLE_PROMPT, ALL_COUNTED, PER_STEP.for_(answer)),
        equation(
            (decode_flops + prompt_ratio * per_prompt_token) * micro_batch / (stage_chips * peak_flops),
            (bytes_per_weight * parameters_read + micro_batch * kv_bytes * (context + 1 + prompt_ratio))
            / (stage_chips * memory_bandwidth),
        ),
    ),
    Step(
        "clear the rates and the chips",
        both_sides(side * stage_chips * peak_flops * memory_bandwidth),
        equation(
            (decode_flops + prompt_ratio * per_prompt_token) * micro_batch * memory_bandwidth,
            (bytes_per_weight * parameters_read + micro_batch * kv_bytes * (context + 1 + prompt_ratio)) * peak_flops,
        ),
    ),
)
WORLD = (*STEADY, ATTENDS_TO_ALL, LAST_PREDICTS, STREAMED_ONCE, BEFORE_ONCE, ON_CHIP)
ASSUMES = (*WORLD, *SHARED, WHOLE_PROMPT, ALL_COUNTED)
COMPUTES = Given(more(rise, 0), "a token of a prompt takes longer to compute than to write to the cache")

balance = Derivation(
    name="in-flight-ratio",
    title="Prompt tokens that ride along for nothing",
    rows=("9.7",),
    claim="Up to this many tokens of prompt for each decode step, prefills hide in a step that memory bounds.",
    start=START,
    steps=(
        *MEETING,
        Step(
            "solve for the ratio",
            solve_for(prompt_ratio),
            equation(prompt_ratio, room / (micro_batch * rise)),
        ),
    ),
    assumes=(*ASSUMES, COMPUTES),
    sources=(SARATHI,),
    example=serving,
    example_text=SERVING,
    holds=(
        more(
            (bytes_per_weight * parameters_read + micro_batch * kv_bytes * (context + 1)) * peak_flops,
            micro_batch * decode_flops * memory_bandwidth,
        ),
    ),
)

tokens = Derivation(
    name="in-flight-tokens",
    title="Prompt tokens that ride along for nothing, as the ridge",
    rows=("9.7",),
    claim="Decoded and prefilled tokens fill one step: together they are the batch that turns compute-bound.",
    start=START,
    steps=(
        *MEETING,
        Step(
            "weights alone, all of them, and every token multiplies all active ones",
            substitute(*WEIGHTS_ALONE),
            equation(
                flops_per_mac * active_parameters * (1 + prompt_ratio) * micro_batch * memory_bandwidth,
                bytes_per_weight * parameters * peak_flops,
            ),
        ),
        Step(
            "the rates as the ridge",
            substitute(peak_by_ridge),
            equation(
                flops_per_mac * active_parameters * (1 + prompt_ratio) * micro_batch * memory_bandwidth,
                flops_per_mac * memory_bandwidth * ridge * parameters,
            ),
        ),
        Step(
            "solve for the tokens that ride along",
            solve_for(prompt_ratio),
            equation(prompt_ratio, ridge * parameters / (active_parameters * micro_batch) - 1),
        ),
    ),
    assumes=(*ASSUMES, *WEIGHTS_ALONE),
    sources=(SARATHI,),
    example=serving,
    example_text=SERVING,
    holds=(more(ridge * parameters, active_parameters * micro_batch),),
)

DERIVATIONS = (others, many, share, balance, tokens)
