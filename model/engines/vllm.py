"""vLLM: `vllm serve`.

Attention data parallelism and tensor parallelism are degrees of their own. Experts of a stage lie whole on all of its
chips with expert parallelism, and are sliced over all of them without; dense blocks and shared experts stay with tensor
parallelism. Its context parallelism in decode shares the chips of tensor parallelism, in prefill it keeps the whole
cache on every rank: neither is a degree beside the others as ``cp`` is here.
"""

from steptime.model import symbols as q
from steptime.model.choices import EngineName, Format
from steptime.model.engines.rules import KV_HEADS, SERVING, Engine, Rule, Written, cache_said, dense_over_tp
from steptime.model.engines.script import checkpoint_note, longest, own_format, quantised, script, shared_by
from steptime.model.phases.accounts import Accounts
from steptime.model.step.case import Case
from steptime.model.step.formats import usual_kv
from steptime.model.step.inputs import Inputs

CACHES = {Format.BF16: "bfloat16", Format.FP16: "float16", Format.FP8: "fp8"}


def _objects(inputs: Inputs, accounts: Accounts) -> str | None:
    kv = usual_kv(inputs, accounts)
    return None if kv in CACHES else f"a KV cache in {kv}: --kv-cache-dtype is written here for 16 bits and fp8"


def _written(case: Case, checkpoint: str) -> Written:
    layout = case.layout
    lines = script(f"vllm serve {checkpoint}", {
        "--tensor-parallel-size": str(layout.tp),
        "--pipeline-parallel-size": layout.pp,
        "--data-parallel-size": layout.dp,
        "--enable-expert-parallel": layout.ep > 1,
        "--quantization": quantised(case),
        "--kv-cache-dtype": cache_said(CACHES, Format(case.precision["kv"]), case.accounts),
        "--max-num-seqs": shared_by(case, layout.replicas * layout.dp),  # of each data-parallel rank
        "--max-model-len": longest(case),
        "--gpu-memory-utilization": f"{case.number(q.usable_memory):g}",
    })  # fmt: skip
    stored = own_format(case) if quantised(case) else None
    return Written(lines, layout.replicas, (checkpoint_note(case, stored),))


VLLM = Engine(
    EngineName.VLLM,
    "vLLM",
    SERVING,
    (
        Rule(lambda d, m, _: d.cp == 1, "cp={cp}: its context parallelism shares the chips of tensor parallelism in "
             "decode, and keeps the whole cache on each chip in prefill; here cp has chips of its own"),
        Rule(lambda d, m, _: (d.ep == 1) | (d.ep == d.stage), "ep={ep} of {stage} chips: --enable-expert-parallel puts "
             "experts on all chips of a stage, and without it each is sliced over all of them"),
        Rule(dense_over_tp, "ffn=all: it splits dense blocks over the tp={tp} chips of a data-parallel rank, not over "
             "the {stage} of the stage"),
        KV_HEADS,
    ),
    _objects,
    _written,
    (
        "docs.vllm.ai, Expert Parallel Deployment (v0.12): EP size is TP x DP",
        "docs.vllm.ai, Data Parallel Deployment: without expert parallelism experts form a group of DP x TP; "
        "--max-num-seqs is of each rank",
        "docs.vllm.ai, Context Parallel Deployment, and vllm/config/parallel.py: DCP reuses the ranks of TP",
        "vllm/config/cache.py (v0.19): cache types; vllm/model_executor/layers/linear.py: key-value heads",
    ),
    "2026-11-30",
)  # fmt: skip
