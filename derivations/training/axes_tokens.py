"""Chapter 10, training: the fewest tokens a chip with which tensor, context, data and expert parallelism all hide."""

from sympy import Le, S

from steptime.derivations.axioms import COPY_PER_EXPERT, FULL_RATE, RING_BALANCED, WHOLE_ENOUGH
from steptime.derivations.board import LINK_PEAK, PEAK
from steptime.derivations.experts.symbols import always_read, experts_per_token
from steptime.derivations.facts import Chosen, Defined, Given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import equation, optimum, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.axes_experts import FOLDING, V3, copy, v3
from steptime.derivations.training.numbers import SCALING_BOOK
from steptime.model.phases.rates import rates

from steptime.derivations.training.symbols import (  # isort: skip
    hiding_tokens, ring_passes, step_stream_moves, tokens_a_chip, weight_moves,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, compute_efficiency, context_parallel, flops_per_mac, interconnect_efficiency, kv_bytes, layers,
    micro_batches, pipeline_parallel, reduce_bytes, sequence, tensor_parallel, width,
)  # fmt: skip

each_compute = 3 * flops_per_mac * active_parameters / rates.compute
"""Compute time of a token of a chip in a step: three passes, each a multiply-add for each weight of a token."""
each_exchange = copy / tokens_a_chip * experts_per_token / rates.scale_up
each_split = step_stream_moves * reduce_bytes * width * layers / rates.scale_up
each_ring = ring_passes * kv_bytes / rates.scale_out
gathered = weight_moves * always_read / (pipeline_parallel * rates.scale_out)
in_sequences = micro_batches * sequence / pipeline_parallel
stage = gathered + each_ring * in_sequences
least = each_split * stage / (each_compute * (each_compute - each_exchange))
AT_PEAK = {compute_efficiency: S.One, interconnect_efficiency: S.One}

BETWEEN = Given(
    Le(gathered / (tensor_parallel * each_compute * tokens_a_chip) + each_ring * context_parallel / each_compute, 1),
    "between domains, weights of a stage and keys and values take no longer than compute",
)
WITHIN = Given(
    Le((each_split * tensor_parallel + each_exchange) / each_compute, 1),
    "within domains, the stream and copies of tokens for experts take no longer than compute",
)
WHOLE = Given(
    Le(in_sequences / (tokens_a_chip * tensor_parallel * context_parallel), 1),
    "tensor and context parallelism leave each rank one sequence or more in each micro-batch",
)
SO_MANY = (
    Chosen(tokens_a_chip, "the tokens of a chip are the fewest with which all axes hide"),
    Chosen(tensor_parallel, "as many chips split each matrix as let it be the fewest tokens"),
    Chosen(context_parallel, "as many chips split each sequence as let it be the fewest tokens"),
)

enough = Derivation(
    name="tokens-for-all-axes",
    title="The fewest tokens a chip with which all axes of parallelism hide behind compute",
    rows=("10.14",),
    claim="Weights of a stage, and keys and values of the sequences that a rank trains on, over the room that compute "
    "leaves on the links within a domain: none where tokens take longer to go to experts than to multiply.",
    start=Defined(hiding_tokens, tokens_a_chip, "the tokens of a chip, of which as few as may be"),
    steps=(
        Step(
            "the fewest, with the best of degrees",
            optimum(
                (BETWEEN.relation, WITHIN.relation, WHOLE.relation),
                (
                    equation(tokens_a_chip, least),
                    equation(tensor_parallel, (each_compute - each_exchange) / each_split),
                    equation(context_parallel, in_sequences * each_compute / stage),
                ),
                least,
                (S.One,),
                (
                    least,
                    least * each_compute / (each_compute - each_exchange),
                    least * each_ring * in_sequences / stage,
                ),
            ),
            equation(hiding_tokens, least),
        ),
        Step(
            "compute and links at their peak",
            substitute(PEAK[0], LINK_PEAK),
            equation(hiding_tokens, least.xreplace(AT_PEAK)),
        ),
    ),
    assumes=(
        BETWEEN,
        WITHIN,
        WHOLE,
        *SO_MANY,
        PEAK[0],
        LINK_PEAK,
        RING_BALANCED,
        FULL_RATE,
        COPY_PER_EXPERT,
        WHOLE_ENOUGH,
    ),
    sources=(SCALING_BOOK, FOLDING),
    example=v3,
    example_text=V3,
    holds=(
        at_least((each_compute - each_exchange).xreplace(AT_PEAK), each_split.xreplace(AT_PEAK)),
        at_least((in_sequences * each_compute).xreplace(AT_PEAK), stage.xreplace(AT_PEAK)),
    ),
)

DERIVATIONS = (enough,)
