"""How a configuration says its weights are stored: formats, the bits they take, what is multiplied in them."""

from typing import Any

import pytest
from config_published import LLAMA, refusal

from steptime.model.catalog.hardware import load_hardware
from steptime.model.catalog.huggingface.checkpoint import stored_bytes
from steptime.model.catalog.huggingface.reader import read_config
from steptime.model.catalog.transformers import load_transformer
from steptime.model.choices import Format, Weight
from steptime.model.layout.layout import Layout
from steptime.model.precision import BYTES, STORED, activations_for
from steptime.model.step.build import build_case
from steptime.model.step.inputs import Inputs, Question


def compressed(bits: int, kind: str, **more: Any) -> dict[str, Any]:
    targets = {"targets": more.pop("targets")} if "targets" in more else {}
    weights = {"num_bits": bits, "type": kind, **more}
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": weights, **targets}}}


def torchao(name: str, **options: Any) -> dict[str, Any]:
    return {"quant_method": "torchao", "quant_type": {"default": {"_type": name, "_data": options}}}


def quark(**weight: Any) -> dict[str, Any]:
    return {"quant_method": "quark", "global_quant_config": {"weight": weight, "input_tensors": None}}


# --- the format of the weights -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("keys", "precision"),
    [
        ({}, None),
        ({"torch_dtype": "bfloat16"}, "bf16"),
        ({"dtype": "float16"}, "fp16"),
        ({"torch_dtype": "float32"}, None),
        ({"torch_dtype": "bfloat16", "quantization_config": {"quant_method": "fp8"}}, "fp8"),
        ({"quantization_config": {"quant_method": "mxfp4"}}, "bf16"),  # of experts, which it has none of
        ({"quantization_config": {"quant_method": "nvfp4"}}, "nvfp4"),
        ({"quantization_config": {"quant_method": "awq", "bits": 4}}, "int4"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 8}}, "int8"),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, "int4"),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}}, "int8"),
        ({"quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4"}}, "nvfp4"),
        ({"quantization_config": {"quant_method": "modelopt", "quant_algo": "FP8"}}, "fp8"),
        ({"quantization_config": compressed(8, "float")}, "fp8"),
        ({"quantization_config": compressed(4, "float")}, "fp4"),
        ({"quantization_config": compressed(4, "float", group_size=16)}, "nvfp4"),
        ({"quantization_config": compressed(4, "float", group_size=32)}, "fp4"),
        ({"quantization_config": compressed(8, "int")}, "int8"),
        ({"quantization_config": compressed(4, "int")}, "int4"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 3, "group_size": 128}}, "int3"),
        ({"quantization_config": {"quant_method": "modelopt", "quant_algo": "W4A8_AWQ"}}, "int4"),
        ({"quantization_config": {"quant_method": "auto-round", "bits": 4, "group_size": 128}}, "int4"),
        ({"quantization_config": {"quant_method": "eetq"}}, "int8"),
        ({"quantization": {"group_size": 64, "bits": 4}}, "int4"),
        ({"quantization_config": torchao("Int4WeightOnlyConfig", group_size=32)}, "int4"),
        ({"quantization_config": quark(dtype="fp4", group_size=32)}, "fp4"),
    ],
    ids=str,
)
def test_precision(keys: dict[str, Any], precision: str | None) -> None:
    found = read_config({**LLAMA, **keys}, "toy")
    assert found.precision == precision
    assert precision is None or precision in STORED
    assert found.unstated == ""


@pytest.mark.parametrize(
    ("quantization", "named"),
    [
        ({"quant_method": "mystery"}, "mystery"),
        ({"quant_method": "gptq", "bits": 7}, "7 bits"),
        ({"quant_method": "awq", "bits": 4, "group_size": 4}, "group of 4"),
        ({"quant_method": ["fp8"]}, "list"),
        ({"bits": 4}, "None"),
        ("fp8", "quantization_config"),
        ({"quant_method": "compressed-tensors"}, "config_groups"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4_SVDQUANT"}, "NVFP4_SVDQUANT"),
        ({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"}, "quantized_layers"),
        ({"quant_method": "fp8", "rules": [{"part": 1}]}, "rules"),
        ({"quant_method": "gptq", "bits": 4, "dynamic": {"+:.*": [1]}}, "dynamic"),
        ({"quant_method": "gptq", "bits": 4, "dynamic": {"-:(a+)+b": {}}}, "expression"),
        ({"quant_method": "torchao", "quant_type": {"default": {"_type": "Unknown"}}}, "Unknown"),
        ({"quant_method": "torchao", "quant_type": {"default": {}, "lm_head": None}}, "one default"),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp4"}}}, "groups of None"),
        ({**compressed(4, "int"), "sparsity_config": {"format": "sparse-24"}}, "sparsity_config"),
        ({**compressed(4, "int"), "kv_cache_scheme": {"num_bits": 5}}, "5 bits"),
        ({**compressed(8, "int", targets=["re:.*nowhere.*"])}, "nowhere"),
        ({"quant_method": "compressed_tensors"}, "compressed_tensors"),
        *(({"quant_method": name}, name) for name in ("aqlm", "bitnet", "exl3", "fp_quant", "gguf", "hqq", "quanto")),
    ],
    ids=str,
)
def test_unknown_quantisation_is_refused(quantization: Any, named: str) -> None:
    assert named in refusal({**LLAMA, "quantization_config": quantization})


@pytest.mark.parametrize(
    ("precision", "bits", "group", "scale"),
    [("fp4", 4, 32, 8), ("nvfp4", 4, 16, 8), ("int4", 4, 128, 16)],
    ids=["MXFP4: OCP Microscaling Formats 1.0", "NVFP4: one E4M3 scale for 16", "AWQ and GPTQ: 16-bit scale for 128"],
)
def test_bytes_count_the_scales_of_a_block(precision: str, bits: int, group: int, scale: int) -> None:
    assert BYTES[precision] * 8 * group == bits * group + scale


def test_nvfp4_multiplies_at_the_fp4_peak() -> None:
    b200 = load_hardware("b200-sxm")
    assert b200.peak("nvfp4") == b200.peak("fp4")
    for peaks in (("bf16", "fp4", "fp8"), ("bf16", "fp8"), ("bf16",), ("fp16",)):
        assert activations_for("nvfp4", peaks) == activations_for("fp4", peaks)


# --- bits with their scales --------------------------------------------------------------------------------------
GPTQ4 = {"quant_method": "gptq", "bits": 4}
AWQ4 = {"quant_method": "awq", "bits": 4}
MLX4 = {"bits": 4}
NF4 = {"quant_method": "bitsandbytes", "load_in_4bit": True}


@pytest.mark.parametrize(
    ("table", "bits"),
    [
        pytest.param({**AWQ4, "group_size": 128}, 4.15625, id="AWQ g128, arXiv 2306.00978 packed: 4 + 20/128"),
        pytest.param({**AWQ4, "group_size": 32}, 4.625, id="AWQ g32: 4 + 20/32"),
        pytest.param({**AWQ4, "group_size": 64, "zero_point": False}, 4.25, id="AWQ g64 without zero points"),
        pytest.param({**GPTQ4, "group_size": 128}, 4.15625, id="GPTQ g128, arXiv 2210.17323 packed: 4 + 20/128"),
        pytest.param({**GPTQ4, "group_size": 64, "sym": True}, 4.3125, id="GPTQ g64: zero points stored even if sym"),
        pytest.param({**GPTQ4, "bits": 8, "group_size": 128}, 8.1875, id="GPTQ 8 bit: 8 + 24/128"),
        pytest.param({**GPTQ4, "bits": 3, "group_size": 128}, 3 + 19 / 128, id="GPTQ 3 bit"),
        pytest.param({**GPTQ4, "bits": 2, "group_size": 128}, 2 + 18 / 128, id="GPTQ 2 bit"),
        pytest.param({**GPTQ4, "group_size": -1}, 4.0, id="GPTQ a channel"),
        pytest.param(compressed(4, "int", group_size=32, symmetric=True), 4.5, id="compressed-tensors g32 (Kimi-K2.5)"),
        pytest.param(compressed(4, "int", group_size=64, symmetric=False), 4.3125, id="compressed-tensors g64 asym"),
        pytest.param(compressed(4, "float", group_size=16), 4.5, id="NVFP4: 8-bit scale for 16"),
        pytest.param(compressed(4, "float", group_size=32), 4.25, id="MXFP4: OCP Microscaling Formats 1.0"),
        pytest.param(compressed(8, "float", group_size=32), 8.25, id="MXFP8: OCP Microscaling Formats 1.0"),
        pytest.param({"quant_method": "fp8", "weight_block_size": [128, 128]}, 8 + 32 / 128**2, id="V3's blocks"),
        pytest.param(NF4, 4.5, id="NF4: 32-bit scale for 64, arXiv 2305.14314"),
        pytest.param({**NF4, "bnb_4bit_use_double_quant": True}, 4 + 0.127, id="NF4 twice, arXiv 2305.14314: 0.127"),
        pytest.param({**MLX4, "group_size": 64}, 4.5, id="MLX g64: scale and bias of 16 bits"),
        pytest.param({**MLX4, "group_size": 32}, 5.0, id="MLX g32"),
        pytest.param(torchao("Int4WeightOnlyConfig", group_size=64), 4.5, id="torchao int4 g64"),
    ],
)  # fmt: skip
def test_bits_of_a_weight_count_its_scales(table: dict[str, Any], bits: float) -> None:
    key = "quantization_config" if "quant_method" in table else "quantization"
    stored = dict(read_config({**LLAMA, key: table}, "toy").stored)
    assert 8 * stored[Weight.DENSE].bytes == pytest.approx(bits, rel=1e-4)
    assert 8 * stored[Weight.ATTENTION].bytes == pytest.approx(bits, rel=1e-4)


AWQ = {"quant_method": "awq", "bits": 4, "group_size": 128, "modules_to_not_convert": None}
FP8 = {"quant_method": "fp8", "weight_block_size": [128, 128], "activation_scheme": "dynamic"}
INT8 = {"quant_method": "gptq", "bits": 8, "group_size": 128, "lm_head": False}
SHAPES = {
    "1.7B": {"hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 28, "num_attention_heads": 16},
    "4B": {"hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32},
    "14B": {"hidden_size": 5120, "intermediate_size": 17408, "num_hidden_layers": 40, "num_attention_heads": 40},
}


def qwen3(size: str, table: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_type": "qwen3", **SHAPES[size], "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936,
        "tie_word_embeddings": size != "14B", "torch_dtype": "bfloat16", "quantization_config": table,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("size", "table", "shape", "allocated"),
    [
        pytest.param("4B", AWQ, 2830, 2915, id="4B AWQ"), pytest.param("14B", AWQ, 9834, 9962, id="14B AWQ"),
        pytest.param("4B", FP8, 4495, 5281 - 742, id="4B FP8, whose tied table of 742 MiB is allocated twice"),
        pytest.param("14B", FP8, 15888, 16012, id="14B FP8"), pytest.param("1.7B", INT8, 2193, 2229, id="1.7B GPTQ"),
    ],
)  # fmt: skip
def test_weights_and_cache_of_qwen3_at_2049_tokens(
    size: str, table: dict[str, Any], shape: float, allocated: float
) -> None:
    """A published table of allocations (MiB), and the same by shape; allocations lie up to 3 % above."""
    model = read_config(qwen3(size, table), "toy")
    layers = SHAPES[size]["num_hidden_layers"]
    ours = (stored_bytes(model) + 2049 * layers * 8 * 2 * 128 * 2) / 2**20
    assert ours == pytest.approx(shape, rel=1e-3)
    assert ours <= allocated <= 1.03 * ours


def test_fp8_asked_of_a_name_leaves_the_tables_alone() -> None:
    """A server's log of Llama-3.1-8B in FP8 says 8.49 GiB of weights."""
    asked = Inputs(layout=Layout(), weights=Format.FP8)
    case = build_case(Question(load_transformer("llama-3.1-8b"), load_hardware("h100-sxm"), asked))
    assert case.number(case.whole_footprints[0].weights) / 2**30 == pytest.approx(8.49, rel=0.01)


# --- what is multiplied and cached in them -----------------------------------------------------------------------
def step(table: dict[str, Any], **asked: Any) -> Any:
    model = read_config({**LLAMA, "quantization_config": table}, "toy")
    return build_case(Question(model, load_hardware("h100-sxm"), Inputs(layout=Layout(tp=8), **asked)))


@pytest.mark.parametrize(
    ("table", "activations"),
    [
        (AWQ, "bf16"), (INT8, "bf16"), (NF4, "bf16"), ({"quant_method": "mxfp4"}, "bf16"), (FP8, "fp8"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8"),
        ({"quant_method": "modelopt", "quant_algo": "W4A8_AWQ"}, "fp8"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "fp8"), (compressed(4, "int"), "bf16"),
    ],
    ids=["W4A16", "W8A16", "NF4", "MXFP4 of experts", "W8A8 fp8", "LLM.int8", "W4A8", "W4A4, wider on Hopper", "pack"],
)  # fmt: skip
def test_the_format_says_what_is_multiplied(table: dict[str, Any], activations: str) -> None:
    """On an H100, which has no peak below eight bits."""
    assert step(table).precision["activations"] == activations
    assert step(table, activations=Format.FP8).precision["activations"] == "fp8"


def test_input_activations_of_a_group_count() -> None:
    table = compressed(8, "int")
    table["config_groups"]["group_0"]["input_activations"] = {"num_bits": 8, "type": "int"}
    assert step(table).precision["activations"] == "int8"


@pytest.mark.parametrize(
    ("more", "kv"),
    [
        ({}, "bf16"), ({"kv_cache_scheme": None}, "bf16"), ({"kv_cache_scheme": "FP8"}, "fp8"),
        ({"kv_cache_scheme": {"num_bits": 8, "type": "float", "dynamic": False}}, "fp8"),
        ({"kv_cache_quant_algo": "FP8"}, "fp8"),
    ],
    ids=str,
)  # fmt: skip
def test_the_file_may_ask_for_a_format_of_the_cache(more: dict[str, Any], kv: str) -> None:
    case = step({**compressed(8, "float"), **more})
    assert case.precision["kv"] == kv
    assert ("as the model's file asks" in [d.reason for d in case.defaults if d.quantity == "kv"]) == (kv == "fp8")
    assert step({**compressed(8, "float"), **more}, kv=Format.BF16).precision["kv"] == "bf16"
