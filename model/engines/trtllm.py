"""TensorRT-LLM: `trtllm-serve` with the PyTorch backend and a configuration file.

Attention is tensor parallel or, with ``enable_attention_dp``, data parallel over all chips of a stage; then dense
blocks and shared experts are whole on each chip too. Experts are split over ``moe_expert_parallel_size`` and each
sliced over ``moe_tensor_parallel_size`` chips, whose product is ``tensor_parallel_size``. Data-parallel ranks of a
model without experts never meet: they are copies of the server.
"""

from steptime.model.choices import EngineName, Format
from steptime.model.engines.rules import EXPERTS, KV_HEADS, SERVING, Engine, Rule, Written, cache_said, dense_over_tp
from steptime.model.engines.script import checkpoint_note, longest, script, shared_by
from steptime.model.phases.accounts import Accounts
from steptime.model.step.case import Case
from steptime.model.step.formats import usual_kv
from steptime.model.step.inputs import Inputs

CACHES = {Format.BF16: "auto", Format.FP16: "auto", Format.FP8: "fp8", Format.NVFP4: "nvfp4"}
FILE = "trtllm.yaml"


def _objects(inputs: Inputs, accounts: Accounts) -> str | None:
    kv = usual_kv(inputs, accounts)
    if kv in CACHES and (CACHES[kv] != "auto" or accounts.kv is None):
        return None
    return f"a KV cache in {kv}: kv_cache_config.dtype is written here for fp8, nvfp4 and the model's own 16 bits"


def _written(case: Case, checkpoint: str) -> Written:
    layout = case.layout
    moe = case.accounts.experts > 0
    attention = moe and layout.dp > 1
    group = layout.stage if moe else layout.tp
    cache = cache_said(CACHES, Format(case.precision["kv"]), case.accounts)
    settings = {
        "enable_attention_dp": "true" if attention else None,
        "moe_expert_parallel_size": layout.ep if moe else None,
        "moe_tensor_parallel_size": group // layout.ep if moe else None,
        "kv_cache_config": f"{{dtype: {cache}}}" if cache else None,
    }
    stated = [f"{name}: {value}" for name, value in settings.items() if value is not None]
    file = (f"cat > {FILE} <<EOF", *stated, "EOF") if stated else ()
    lines = script(f"trtllm-serve {checkpoint}", {
        "--tp_size": str(group),
        "--pp_size": layout.pp,
        "--max_batch_size": shared_by(case, layout.replicas * layout.dp * layout.pp),  # of a rank's batch in one stage
        "--max_seq_len": longest(case),
        "--config": FILE if stated else None,
    })  # fmt: skip
    return Written((*file, *lines), layout.replicas * (1 if moe else layout.dp), (checkpoint_note(case),))


TRTLLM = Engine(
    EngineName.TRTLLM,
    "TensorRT-LLM",
    SERVING,
    (
        Rule(lambda d, m, _: d.cp == 1, "cp={cp}: its context parallelism in decode (Helix) is of servers apart from "
             "prefill, for some models on some machines, and is not written here"),
        Rule(lambda d, m, _: (d.dp == 1) | (d.tp == 1) | (m.experts == 0),
             "tp={tp} dp={dp}: attention is either tensor parallel or data parallel over all chips of a stage"),
        EXPERTS,
        Rule(dense_over_tp, "ffn=all: with attention data parallelism dense blocks are whole on each chip, as tp=1 "
             "splits them"),
        KV_HEADS,
    ),
    _objects,
    _written,
    (
        "nvidia.github.io/TensorRT-LLM, Parallelism in TensorRT LLM: attention TP or DP, moe_tensor_parallel_size x "
        "moe_expert_parallel_size = tensor_parallel_size",
        "TensorRT-LLM, tensorrt_llm/commands/serve.py: options of trtllm-serve; docs/source/features/helix.md",
        "TensorRT-LLM, _torch/models/modeling_deepseekv3.py: with attention DP the MLP is DP too; "
        "_torch/pyexecutor/model_engine.py: pp_size x batch_size sequences at most; fused_moe: experts // ep_size",
        "nvidia.github.io/TensorRT-LLM, Quantization: fp8 and nvfp4 KV cache",
    ),
    "2026-11-30",
)  # fmt: skip
