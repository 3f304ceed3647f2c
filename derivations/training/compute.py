"""Chapter 10, training: FLOP of a sequence, and the compute time of a step that multiplies nothing but weights."""

from steptime.derivations.board import NO_ATTENTION_FLOPS
from steptime.derivations.facts import Defined, Modelled
from steptime.derivations.rules import equation, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.formulas import step_compute
from steptime.derivations.training.numbers import KAPLAN, LLAMA, NO_BUBBLE, NOTHING_AGAIN, SHARED, llama
from steptime.derivations.training.products import LLAMA_405B, llama_405b, passes, per_token, per_token_in_full
from steptime.derivations.training.symbols import backward_compute_time, training_flops, training_passes

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, compute_time, data_parallel, flops_per_mac, micro_batch, micro_batches,
    model_flops, peak_flops, pipeline_parallel, sequence, tensor_parallel,
)  # fmt: skip

OF_SEQUENCE = Defined(model_flops, training_flops * sequence, "the FLOP of all tokens of a sequence")
of_weights = 3 * flops_per_mac * active_parameters * sequence
all_chips = tensor_parallel * data_parallel * pipeline_parallel

whole = Derivation(
    name="training-flops-sequence",
    title="FLOP of training, per sequence",
    rows=("10.1",),
    claim="Weights take as much for every token, attention as much for every pair of them.",
    start=OF_SEQUENCE,
    steps=(
        Step(
            "all tokens alike",
            substitute(per_token),
            equation(model_flops, of_weights + 3 * attention_flops * sequence * (sequence - 1) / 2),
        ),
    ),
    assumes=(),
    sources=(KAPLAN,),
    example=llama_405b,
    example_text=LLAMA_405B,
)

whole_in_full = Derivation(
    name="training-flops-sequence-full",
    title="FLOP of training, per sequence, attention counted in full",
    rows=("10.1",),
    claim="The square of the sequence in the place of its half: what papers print as the FLOP of a model.",
    start=OF_SEQUENCE,
    steps=(
        Step(
            "all tokens alike",
            substitute(per_token_in_full),
            equation(model_flops, of_weights + 3 * attention_flops * sequence**2),
        ),
    ),
    assumes=(),
    sources=(KAPLAN,),
    example=llama_405b,
    example_text=LLAMA_405B,
)

plain = Derivation(
    name="training-compute-weights",
    title="Compute time of a training step, weights alone",
    rows=("10.1",),
    claim="Six FLOP a weight and token over all chips: how they share the model does not matter.",
    start=Modelled(compute_time, step_compute),
    steps=(
        Step(
            "at the peak, on all chips of a stage; nothing computed twice, no stage idle",
            substitute(*SHARED, NOTHING_AGAIN, NO_BUBBLE),
            equation(compute_time, model_flops * micro_batch * micro_batches / (all_chips * peak_flops)),
        ),
        Step(
            "the FLOP of a sequence",
            substitute(whole),
            equation(compute_time, whole.result.rhs * micro_batch * micro_batches / (all_chips * peak_flops)),
        ),
        Step(
            "weights alone",
            substitute(NO_ATTENTION_FLOPS),
            equation(compute_time, of_weights * micro_batch * micro_batches / (all_chips * peak_flops)),
        ),
    ),
    assumes=(*SHARED, NOTHING_AGAIN, NO_BUBBLE, NO_ATTENTION_FLOPS),
    sources=(KAPLAN,),
    example=llama,
    example_text=LLAMA,
)

backward = Derivation(
    name="training-compute-backward",
    title="Compute time of the backward passes of a step, weights alone",
    rows=("10.1",),
    claim="Two of the three passes: gradients are ready layer by layer while they run.",
    start=Defined(
        backward_compute_time,
        (training_passes - 1) / training_passes * plain.result.lhs,
        "the compute time without that of the forward passes",
    ),
    steps=(
        Step(
            "two of three",
            substitute(passes, plain),
            equation(
                backward_compute_time,
                2
                * flops_per_mac
                * active_parameters
                * sequence
                * micro_batch
                * micro_batches
                / (all_chips * peak_flops),
            ),
        ),
    ),
    assumes=(),
    sources=(KAPLAN,),
    example=llama,
    example_text=LLAMA,
)

DERIVATIONS = (whole, whole_in_full, plain, backward)
