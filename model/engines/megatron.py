"""Megatron-LM: `pretrain_gpt.py` under `torchrun`.

Tensor, context and pipeline parallelism are stated, data parallelism is what the chips leave: here dp and replicas. The
chips of a stage are shared anew for experts: over ``--expert-model-parallel-size``, each sliced over
``--expert-tensor-parallel-size``. ZeRO 1 is the distributed optimizer, ZeRO 2 and 3 are Megatron-FSDP.
"""

from typing import Any

from steptime.model import symbols as q
from steptime.model.choices import AttentionKernel, EngineName, Format, PhaseName, Recompute, Schedule
from steptime.model.engines.rules import EXPERTS, Blocks, Degrees, Engine, Rule, Written, dense_over_tp
from steptime.model.engines.script import script
from steptime.model.phases.accounts import Accounts
from steptime.model.step.case import Case
from steptime.model.step.defaults import WORK
from steptime.model.step.formats import usual_activations, usual_weights
from steptime.model.step.inputs import Inputs

DENSE = (Format.BF16, Format.FP16)
SHARDED = {2: "optim_grads", 3: "optim_grads_params"}
"""What Megatron-FSDP calls what it shares, by ZeRO stage."""


def _objects(inputs: Inputs, accounts: Accounts) -> str | None:
    training, weights = inputs.training, usual_weights(inputs, accounts)
    multiplied = inputs.activations or usual_activations(inputs.weights, accounts)
    if training.recompute == Recompute.REVERSIBLE:
        return "recompute reversible: --recompute-granularity is selective or full"
    if training.schedule != Schedule.ONE_F_ONE_B:
        return f"schedule {training.schedule}: its pipeline is 1F1B, interleaved or not"
    if weights not in (*DENSE, Format.FP8) or multiplied not in (*DENSE, Format.FP8):
        return f"weights in {weights}, multiply-adds in {multiplied}: written here for 16 bits and fp8"
    if weights == Format.FP8 and not training.zero:
        return "weights in fp8: --fp8-param-gather needs the distributed optimizer (`zero` 1 or more)"
    return None


def _heads(degrees: Degrees, blocks: Blocks, _: Inputs) -> Any:
    even: Any = True
    for heads in blocks.kv_heads:
        even = even & (heads % degrees.tp == 0)
    return even


def _halves(degrees: Degrees, _: Blocks, inputs: Inputs) -> Any:
    """Whether a sequence is cut in two pieces for each context-parallel chip."""
    sequence = inputs.given.get(q.sequence, WORK[q.sequence])
    return (degrees.cp == 1) | (sequence % (2 * degrees.cp) == 0)


def _written(case: Case, checkpoint: str) -> Written:
    layout, training, given = case.layout, case.inputs.training, case.number
    chunks, sharded = int(given(q.interleave) or 1), training.zero >= 2
    moe, fp8 = case.accounts.experts > 0, Format.FP8 in (case.precision["weights"], case.precision["activations"])
    selective, full = training.recompute == Recompute.SELECTIVE, training.recompute == Recompute.FULL
    alone = (layout.tp > 1 or layout.cp > 1) and not sharded
    lines = script(
        "torchrun --nnodes $NODES --nproc_per_node $CHIPS_PER_NODE pretrain_gpt.py",
        {
            "--tensor-model-parallel-size": str(layout.tp),
            "--sequence-parallel": training.sequence_parallel and layout.tp > 1,
            "--context-parallel-size": layout.cp,
            "--pipeline-model-parallel-size": str(layout.pp),
            "--num-layers-per-virtual-pipeline-stage":
                str(case.accounts.layers // (layout.pp * chunks)) if chunks > 1 else None,
            "--expert-model-parallel-size": str(layout.ep) if moe else None,
            "--expert-tensor-parallel-size": str(layout.stage // layout.ep) if moe else None,
            "--micro-batch-size": f"{given(q.microbatch):.0f}",
            "--global-batch-size": f"{given(q.batch):.0f}",
            "--seq-length": f"{given(q.sequence):.0f}",
            "--use-distributed-optimizer": training.zero >= 1,
            "--use-megatron-fsdp": sharded,
            "--data-parallel-sharding-strategy": SHARDED.get(training.zero),
            "--no-gradient-accumulation-fusion": sharded,
            "--ckpt-format": "fsdp_dtensor" if sharded else None,
            "--recompute-granularity": "selective" if selective else "full" if full else None,
            "--recompute-method": "uniform" if full else None,
            "--recompute-num-layers": "1" if full else None,
            "--attention-backend": "unfused" if training.kernel == AttentionKernel.UNFUSED else None,
            "--attention-dropout": None if training.dropout else "0.0",
            "--hidden-dropout": None if training.dropout else "0.0",
            "--fp16" if case.precision["weights"] == Format.FP16 else "--bf16": True,
            "--fp8-format": "hybrid" if fp8 else None,
            "--fp8-param-gather": case.precision["weights"] == Format.FP8,
        },
        '"${MODEL_ARGS[@]}"',
    )  # fmt: skip
    notes = (
        f"NODES times CHIPS_PER_NODE is {layout.chips}, of which data parallelism takes {layout.dp * layout.replicas}",
        f"MODEL_ARGS: the shapes of {case.model}, data, tokenizer and optimizer",
    )
    first = ("export CUDA_DEVICE_MAX_CONNECTIONS=1",) if alone else ()
    return Written((*first, *lines), 1, notes)


MEGATRON = Engine(
    EngineName.MEGATRON,
    "Megatron-LM",
    (PhaseName.TRAIN,),
    (
        Rule(lambda d, m, _: m.layers % d.pp == 0, "pp={pp}: the {layers} layers do not divide by it"),
        EXPERTS,
        Rule(lambda d, m, asked: (d.tp == 1) | asked.training.sequence_parallel | (m.experts == 0),
             "tp={tp} with experts: it asks for sequence parallelism"),
        Rule(dense_over_tp, "ffn=all: it splits dense blocks over tp={tp} chips"),
        Rule(_heads, "tp={tp}: does not divide the {kv_heads} key-value heads"),
        Rule(_halves, "cp={cp}: a sequence is cut in 2·cp pieces of equal length"),
    ),
    _objects,
    _written,
    (
        "Megatron-LM, megatron/training/arguments.py: options and the checks of them",
        "Megatron-LM, megatron/core/parallel_state.py: world size divides by expert tensor x expert x pipeline sizes",
        "docs.nvidia.com/megatron-core, Parallelism Strategies Guide (0.18): ZeRO stages of Megatron-FSDP",
        "Megatron-LM, docs of Megatron-FSDP: the options that it needs; megatron/core/transformer: key-value heads",
    ),
    "2026-11-30",
)  # fmt: skip
