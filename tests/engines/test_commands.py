"""Command lines of engines: those that their documentation prints, what they refuse, and numbers on many layouts."""

import re
import shlex
from math import prod

import numpy as np
import pytest
from conftest import case_of
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model.catalog.transformers import load_transformer
from steptime.model.choices import EngineName
from steptime.model.engines.command import ENGINES, Launch, launch, runs
from steptime.model.engines.rules import Blocks
from steptime.model.layout.enumeration import layout_of, layouts
from steptime.model.step.inputs import Inputs

Flags = dict[str, str | bool]


def flags(found: Launch) -> Flags:
    """Options of a command by name, and settings of the file that it writes."""
    assert found.lines is not None, found.refuses
    told: Flags = {}
    for line in found.lines:
        if setting := re.fullmatch(r"(\w+): (.+)", line):
            told[setting[1]] = setting[2]
        name, *value = shlex.split(line.removesuffix(" \\")) or [""]
        if name.startswith("--"):
            told[name] = value[0] if value else True
    return told


DEEPSEEK, LLAMA = ("deepseek-v3", "h200-sxm"), ("llama-3.1-8b", "h100-sxm")
PUBLISHED = {
    "vLLM, Expert Parallel Deployment v0.12: DeepSeek-V3 on 8": (
        "vllm", DEEPSEEK, {"layout": "dp=8,ep=8"},
        {"--tensor-parallel-size": "1", "--data-parallel-size": "8", "--enable-expert-parallel": True}),
    "vLLM, Expert Parallel Deployment v0.12: DeepSeek-V3 on two nodes": (
        "vllm", DEEPSEEK, {"layout": "dp=16,ep=16"},
        {"--tensor-parallel-size": "1", "--data-parallel-size": "16", "--enable-expert-parallel": True}),
    "vLLM recipes, DeepSeek-V3: TP8 + EP on 8xH200": (
        "vllm", DEEPSEEK, {"layout": "tp=8,ep=8"}, {"--tensor-parallel-size": "8", "--enable-expert-parallel": True}),
    "vLLM, Data Parallel Deployment: DP=4, TP=2 on 8": (
        "vllm", LLAMA, {"layout": "tp=2,dp=4"}, {"--tensor-parallel-size": "2", "--data-parallel-size": "4"}),
    "vLLM, Quantized KV Cache: --kv-cache-dtype fp8": (
        "vllm", LLAMA, {"kv": "fp8"}, {"--tensor-parallel-size": "1", "--kv-cache-dtype": "fp8"}),
    "SGLang, DP, DPA and SGLang DP Router: recommended for DeepSeek": (
        "sglang", DEEPSEEK, {"layout": "dp=8,ep=8"},
        {"--tp-size": "8", "--dp-size": "8", "--ep-size": "8", "--enable-dp-attention": True,
         "--moe-a2a-backend": "deepep", "--moe-dense-tp-size": "1"}),
    "SGLang, DP, DPA and SGLang DP Router: DPA does not require EP": (
        "sglang", DEEPSEEK, {"layout": "dp=8,ffn=all"},
        {"--tp-size": "8", "--dp-size": "8", "--enable-dp-attention": True}),
    "SGLang, Server Arguments: --dp 2 --tp 2 uses 4 GPUs": (
        "sglang", LLAMA, {"layout": "tp=2,dp=2"}, {"--tp-size": "2", "--dp-size": "2"}),
    "SGLang, Server Arguments: fp8 of a 16-bit checkpoint, fp8 cache": (
        "sglang", LLAMA, {"weights": "fp8", "kv": "fp8"},
        {"--tp-size": "1", "--quantization": "fp8", "--kv-cache-dtype": "fp8_e4m3"}),
    "TensorRT-LLM, examples/serve/deepseek_r1_reasoning_parser.sh": (
        "trtllm", ("deepseek-r1", "h200-sxm"), {"layout": "dp=8,ep=8", "kv": "fp8", "batch": 8192},
        {"--tp_size": "8", "enable_attention_dp": "true", "moe_expert_parallel_size": "8",
         "moe_tensor_parallel_size": "1", "kv_cache_config": "{dtype: fp8}"}),
    "TensorRT-LLM, Parallelism: hybrid TP-4 x EP-2": (
        "trtllm", ("mixtral-8x7b", "h100-sxm"), {"layout": "tp=8,ep=2"},
        {"--tp_size": "8", "moe_tensor_parallel_size": "4", "moe_expert_parallel_size": "2"}),
    "Megatron-LM, examples/gpt3/train_gpt3_175b_distributed.sh": (
        "megatron", ("gpt3-175b", "a100-80gb"),
        {"phase": "train", "layout": "tp=8,pp=16,replicas=8", "batch": 1536, "sequence": 2048, "weights": "fp16",
         "sequence_parallel": False, "dropout": True},
        {"--tensor-model-parallel-size": "8", "--pipeline-model-parallel-size": "16", "--micro-batch-size": "1",
         "--global-batch-size": "1536", "--seq-length": "2048", "--fp16": True}),
    "Megatron-LM, examples/llama/train_llama3_8b_h100_fp8.sh": (
        "megatron", LLAMA,
        {"phase": "train", "layout": "replicas=8", "batch": 128, "sequence": 8192, "weights": "fp8", "zero": 1},
        {"--tensor-model-parallel-size": "1", "--pipeline-model-parallel-size": "1", "--micro-batch-size": "1",
         "--global-batch-size": "128", "--seq-length": "8192", "--attention-dropout": "0.0",
         "--hidden-dropout": "0.0", "--bf16": True, "--fp8-format": "hybrid", "--fp8-param-gather": True,
         "--use-distributed-optimizer": True}),
    "Megatron-FSDP Quick Start: required configurations": (
        "megatron", LLAMA, {"phase": "train", "layout": "replicas=8", "batch": 8, "zero": 3, "dropout": True},
        {"--tensor-model-parallel-size": "1", "--pipeline-model-parallel-size": "1", "--micro-batch-size": "1",
         "--global-batch-size": "8", "--seq-length": "4096", "--bf16": True, "--use-megatron-fsdp": True,
         "--data-parallel-sharding-strategy": "optim_grads_params", "--no-gradient-accumulation-fusion": True,
         "--use-distributed-optimizer": True, "--ckpt-format": "fsdp_dtensor"}),
}  # fmt: skip
LOADS = {"--max-num-seqs", "--max-model-len", "--gpu-memory-utilization", "--max-running-requests", "--context-length",
         "--max_batch_size", "--max_seq_len", "--config"}  # fmt: skip
"""Options that follow from batch and context, which the published commands leave out or state for another load."""


@pytest.mark.parametrize(("engine", "names", "words", "expected"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_commands(engine: str, names: tuple[str, str], words: dict[str, object], expected: Flags) -> None:
    told = flags(launch(case_of(*names, **words), EngineName(engine)))
    assert {name: value for name, value in told.items() if name not in LOADS} == expected


def test_what_the_load_says() -> None:
    """Sequences are of a rank where the engine counts so, of the server else; the longest is read and written."""
    case = case_of(*DEEPSEEK, layout="dp=8,ep=8,pp=2,replicas=2", batch=4096, context=1000)
    vllm, sglang, trtllm = (flags(launch(case, EngineName(name))) for name in ("vllm", "sglang", "trtllm"))
    assert (vllm["--max-num-seqs"], sglang["--max-running-requests"], trtllm["--max_batch_size"]) == (
        "256", "2048", "128")  # fmt: skip
    assert vllm["--max-model-len"] == sglang["--context-length"] == trtllm["--max_seq_len"] == "1001"
    apart = flags(launch(case_of(*LLAMA, layout="tp=2,dp=2", batch=64), EngineName.SGLANG))
    assert apart["--max-running-requests"] == "32"
    whole = flags(launch(case_of(*LLAMA, phase="prefill", prompt=3000, output=500), EngineName.VLLM))
    alone = flags(launch(case_of(*LLAMA, phase="prefill", prompt=3000), EngineName.VLLM))
    assert (whole["--max-model-len"], alone["--max-model-len"]) == ("3500", "3001")


TRAIN = {"phase": "train", "batch": 64}
REFUSED = {
    "vLLM: ep is 1 or the stage": ("vllm", DEEPSEEK, {"layout": "dp=8,ep=4"}, "ep=4 of 8 chips"),
    "vLLM: cp has no chips of its own": ("vllm", LLAMA, {"layout": "tp=2,cp=2"}, "cp=2"),
    "vLLM: ffn over the stage": ("vllm", DEEPSEEK, {"layout": "tp=2,dp=4,ep=8,ffn=all"}, "ffn=all"),
    "vLLM: a cache that was not looked up": ("vllm", LLAMA, {"kv": "int4"}, "a KV cache in int4"),
    "vLLM: a model of quantities": ("vllm", ("toy", "h100-sxm"), {}, "list of quantities"),
    "vLLM: training": ("vllm", LLAMA, TRAIN, "no command of train"),
    "SGLang: dense blocks over two of eight": ("sglang", DEEPSEEK, {"layout": "tp=2,dp=4,ep=8"}, "tp=2 of 8 chips"),
    "SGLang: shared experts whole, experts not over all": ("sglang", DEEPSEEK, {"layout": "dp=8,ep=4"}, "ep=4 of 8"),
    "SGLang: experts that do not divide": ("sglang", DEEPSEEK, {"layout": "dp=24,ep=24"}, "ep=24: the 256 experts"),
    "TensorRT-LLM: attention both ways": ("trtllm", DEEPSEEK, {"layout": "tp=2,dp=4,ep=8"}, "tp=2 dp=4"),
    "TensorRT-LLM: dense over all with data parallelism": ("trtllm", DEEPSEEK, {"layout": "dp=8,ffn=all"}, "ffn=all"),
    "Megatron-LM: serving": ("megatron", LLAMA, {}, "no command of decode"),
    "Megatron-LM: layers that do not divide": ("megatron", LLAMA, {**TRAIN, "layout": "pp=5"}, "the 32 layers"),
    "Megatron-LM: experts without sequence parallelism": (
        "megatron", ("mixtral-8x7b", "h100-sxm"), {**TRAIN, "layout": "tp=2", "sequence_parallel": False},
        "sequence parallelism"),
    "Megatron-LM: key-value heads": ("megatron", LLAMA, {**TRAIN, "layout": "tp=16"}, "the 8 key-value heads"),
    "Megatron-LM: two pieces of a sequence for each chip": (
        "megatron", LLAMA, {**TRAIN, "sequence": 1001, "layout": "cp=2"}, "2·cp pieces"),
    "Megatron-LM: reversible layers": ("megatron", LLAMA, {**TRAIN, "recompute": "reversible"}, "reversible"),
    "Megatron-LM: a schedule that is not there": (
        "megatron", LLAMA, {**TRAIN, "layout": "pp=2", "schedule": "zb-h1"}, "zb-h1"),
    "Megatron-LM: fp8 weights of plain data parallelism": ("megatron", LLAMA, {**TRAIN, "weights": "fp8"}, "fp8"),
}  # fmt: skip


@pytest.mark.parametrize(("engine", "names", "words", "why"), REFUSED.values(), ids=REFUSED)
def test_refusals_say_why(
    engine: str, names: tuple[str, str], words: dict[str, object], why: str, tmp_path: object
) -> None:
    if names[0] == "toy":
        file = f"{tmp_path}/toy.toml"
        with open(file, "w", encoding="utf-8") as out:
            out.write('name = "toy"\nparameters = 30e9\nkv_bytes = "100 kB"\n')
        names = file, names[1]
    found = launch(case_of(*names, **words), EngineName(engine))
    assert found.lines is None and found.refuses is not None and why in found.refuses


def chips_of(engine: str, told: Flags) -> int:
    """Chips of one server, by the engine's own rule."""
    def size(*names: str) -> int:
        return prod(int(told.get(name, 1)) for name in names)

    if engine == "vllm":
        return size("--tensor-parallel-size", "--data-parallel-size", "--pipeline-parallel-size")
    if engine == "sglang":  # with attention data parallelism tp-size counts them all
        return size("--tp-size", "--pp-size", *([] if "--enable-dp-attention" in told else ["--dp-size"]))
    return size("--tp_size", "--pp_size")


SERVED = ("deepseek-v3", "mixtral-8x7b", "llama-3.1-8b", "qwen3-30b-a3b")


@settings(max_examples=60)
@given(name=st.sampled_from(SERVED), chips=st.sampled_from([1, 6, 8, 12, 16]), place=st.floats(0, 1, exclude_max=True))
def test_degrees_of_a_command_multiply_to_its_chips(name: str, chips: int, place: float) -> None:
    columns = layouts(load_transformer(name), [chips])
    row = int(place * len(columns["tp"]))
    layout = layout_of(columns, row)
    case = case_of(name, "h200-sxm", layout=layout, efficiency="ideal")
    for engine in ("vllm", "sglang", "trtllm"):
        found = launch(case, EngineName(engine))
        kept = runs(EngineName(engine), {key: column[row : row + 1] for key, column in columns.items()},
                    Blocks.of(load_transformer(name)), case.inputs)  # fmt: skip
        assert (found.lines is not None) == bool(kept[0])
        if found.lines is None:
            continue
        told = flags(found)
        assert chips_of(engine, told) == found.chips
        assert found.chips * found.copies == layout.chips
        experts = int(told.get("--ep-size", told.get("moe_expert_parallel_size", 1)))
        if engine == "vllm":
            experts = layout.stage if "--enable-expert-parallel" in told else 1
        assert experts == layout.ep


@pytest.mark.parametrize("engine", [EngineName.VLLM, EngineName.SGLANG, EngineName.TRTLLM])
def test_something_is_kept_and_something_refused(engine: EngineName) -> None:
    model = load_transformer("deepseek-v3")
    kept = runs(engine, layouts(model, [16]), Blocks.of(model), Inputs())
    assert 0 < np.count_nonzero(kept) < len(kept)


def test_megatron_shares_the_chips_of_a_stage_anew_for_experts() -> None:
    """Both products are the chips of a stage: tp·cp·dp without replicas, and expert tensor times expert parallel."""
    words = {"phase": "train", "layout": "tp=2,cp=2,dp=4,ep=8,pp=4,replicas=2", "batch": 256, "interleave": 4}
    found = launch(case_of("mixtral-8x7b", "h100-sxm", **words), EngineName.MEGATRON)
    told = flags(found)
    assert (told["--expert-model-parallel-size"], told["--expert-tensor-parallel-size"]) == ("8", "2")
    assert told["--num-layers-per-virtual-pipeline-stage"] == "2"  # 32 layers on 4 stages of 4 chunks
    assert "128, of which data parallelism takes 8" in found.notes[0]
    assert found.lines is not None and found.lines[0] == "export CUDA_DEVICE_MAX_CONNECTIONS=1"


def test_every_engine_says_where_its_rules_stand() -> None:
    assert set(ENGINES) == set(EngineName)
    for engine in ENGINES.values():
        assert engine.sources and re.fullmatch(r"\d{4}-\d\d-\d\d", engine.date)
