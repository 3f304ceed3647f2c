"""How a configuration says its weights are stored: formats, the bytes they take, and kinds of weights with another."""

from dataclasses import replace
from typing import Any

import pytest
from config_examples import NANO, QWEN3_NEXT
from hypothesis import given, settings
from hypothesis import strategies as st
from test_config_reader import DEEPSEEK, GPT_OSS, LLAMA, QWEN2_MOE, QWEN3_MOE, refusal

from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.hardware import load_hardware
from steptime.model.catalog.huggingface.exceptions import KINDS, LISTS
from steptime.model.catalog.huggingface.reader import read_config
from steptime.model.catalog.transformers import load_transformer
from steptime.model.precision import BYTES, STORED, activations_for


def compressed(bits: int, kind: str, **more: Any) -> dict[str, Any]:
    weights = {"num_bits": bits, "type": kind, **more}
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": weights}}}


def keeping(config: dict[str, Any], *modules: Any, key: str = "modules_to_not_convert", **more: Any) -> Transformer:
    """A configuration in fp8 that keeps some modules unquantised."""
    return read_config({**config, "quantization_config": {"quant_method": "fp8", key: list(modules)}, **more}, "toy")


# --- the format of the weights -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("keys", "precision"),
    [
        ({}, None),
        ({"torch_dtype": "bfloat16"}, "bf16"),
        ({"dtype": "float16"}, "fp16"),
        ({"torch_dtype": "float32"}, None),
        ({"torch_dtype": "bfloat16", "quantization_config": {"quant_method": "fp8"}}, "fp8"),
        ({"quantization_config": {"quant_method": "mxfp4"}}, "fp4"),
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
    ],
    ids=str,
)
def test_precision(keys: dict[str, Any], precision: str | None) -> None:
    found = read_config({**LLAMA, **keys}, "toy")
    assert found.precision == precision
    assert precision is None or precision in STORED
    assert found.exceptions == ()


@pytest.mark.parametrize(
    ("quantization", "named"),
    [
        ({"quant_method": "mystery"}, "mystery"),
        ({"quant_method": "gptq", "bits": 3}, "3 bits"),
        ({"quant_method": ["fp8"]}, "list"),
        ({"bits": 4}, "None"),
        ("fp8", "quantization_config"),
        ({"quant_method": "compressed-tensors"}, "config_groups"),
        ({"quant_method": "modelopt", "quant_algo": "W4A8_AWQ"}, "W4A8_AWQ"),
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


@pytest.mark.parametrize(("size", "is_said"), [(128, False), (-1, False), (None, False), (32, True)])
def test_other_groups_of_int4_are_said(size: int | None, is_said: bool) -> None:
    table = {"quant_method": "gptq", "bits": 4, "group_size": size}
    notices = read_config({**LLAMA, "quantization_config": table}, "toy").notices
    assert any("groups of 32" in notice for notice in notices) == is_said


# --- kinds of weights that are kept --------------------------------------------------------------------------------
def test_gpt_oss_quantises_only_its_experts() -> None:
    modules = ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]
    table = {"quant_method": "mxfp4", "modules_to_not_convert": modules}
    model = read_config({**GPT_OSS, "quantization_config": table}, "gpt-oss-120b")
    assert model.precision == "fp4"
    assert dict(model.exceptions) == {"attention": "bf16", "router": "bf16", "embedding": "bf16"}
    assert not any("kept unquantised" in notice for notice in model.notices)
    assert replace(model, notices=()) == replace(load_transformer("gpt-oss-120b"), notices=())
    assert load_transformer("gpt-oss-20b").exceptions == model.exceptions


@pytest.mark.parametrize(
    ("config", "modules", "kinds"),
    [
        (LLAMA, ["lm_head"], "embedding"),
        (LLAMA, ["re:.*lm_head"], "embedding"),
        (LLAMA, ["self_attn"], "attention"),
        (LLAMA, ["q_proj", "k_proj", "v_proj", "o_proj"], "attention"),
        (LLAMA, [f"model.layers.{i}.self_attn*" for i in range(80)], "attention"),
        (LLAMA, ["model.layers.*.mlp"], "dense"),
        (LLAMA, ["re:.*mlp\\.(gate|up|down)_proj.*"], "dense"),
        (QWEN3_MOE, ["gate", "lm_head"], "router embedding"),
        (QWEN3_MOE, ["re:.*mlp.gate$"], "router"),
        (QWEN3_MOE, ["re:model\\.layers\\.\\d+\\.mlp\\.experts\\..*"], "experts"),
        (DEEPSEEK, [f"model.layers.{i}.mlp.gate" for i in range(3, 61)], "router"),
        (DEEPSEEK, ["re:.*self_attn.*", "re:.*shared_experts.*", "re:.*mlp\\.(gate|up|gate_up|down)_proj.*", "lm_head"],
         "attention dense embedding"),
        (QWEN2_MOE, ["mlp.shared_expert"], "dense"),
        (QWEN3_NEXT, ["linear_attn", "self_attn"], "attention"),
        (NANO, ["backbone.layers.*.mixer.experts", "mixer.gate"], "experts router"),
    ],
)  # fmt: skip
def test_kept_modules(config: dict[str, Any], modules: list[str], kinds: str) -> None:
    model = keeping(config, *modules)
    assert model.exceptions == tuple((kind, "bf16") for kind in kinds.split())
    assert not any("kept unquantised" in notice for notice in model.notices)


@pytest.mark.parametrize(
    ("config", "modules"),
    [
        (LLAMA, ["self_attn.o_proj"]),
        (LLAMA, [f"model.layers.{i}.self_attn" for i in range(79)]),
        (LLAMA, ["model.layers.99.self_attn"]),
        (LLAMA, ["model.embed_tokens"]),
        (LLAMA, ["re:^(?!.*experts).*$"]),
        (LLAMA, ["*"]),
        (LLAMA, ["vision_tower", 3, None, ["self_attn"], "x" * 10_000]),
        (DEEPSEEK, ["shared_experts"]),
        (DEEPSEEK, ["gate_proj"]),
        (QWEN3_NEXT, ["self_attn"]),
        (LLAMA, ["lm_head", *(f"part{i}" for i in range(100_000))]),
    ],
    ids=[
        "one matrix", "79 of 80 layers", "no such layer", "untied table of inputs", "expression", "anything",
        "no names", "shared experts beside dense layers", "one matrix of three", "a quarter of the mixers",
        "too many",
    ],
)  # fmt: skip
def test_what_is_no_whole_kind_stays_a_notice(config: dict[str, Any], modules: list[Any]) -> None:
    model = keeping(config, *modules)
    assert model.exceptions == ()
    assert any(notice.startswith("kept unquantised") for notice in model.notices)


def test_notice_names_only_what_is_left() -> None:
    (notice,) = keeping(LLAMA, "lm_head", "visual").notices
    assert "visual" in notice
    assert "lm_head" not in notice


@pytest.mark.parametrize("key", LISTS)
def test_every_list_of_kept_modules_counts(key: str) -> None:
    assert keeping(LLAMA, "self_attn", key=key).exceptions == (("attention", "bf16"),)


def test_kept_format_is_that_of_the_numbers() -> None:
    assert keeping(LLAMA, "lm_head", torch_dtype="float16").exceptions == (("embedding", "fp16"),)
    assert keeping(LLAMA, "lm_head", dtype="torch.bfloat16").exceptions == (("embedding", "bf16"),)
    assert keeping(LLAMA, "lm_head", torch_dtype="float32").exceptions == (("embedding", "bf16"),)


def test_tied_table_of_inputs_is_the_unembedding() -> None:
    assert keeping(LLAMA, "embed_tokens", tie_word_embeddings=True).exceptions == (("embedding", "bf16"),)


WORDS = st.sampled_from(
    ["self_attn", "mlp", "gate", "experts", "lm_head", "layers", "0", "*", "re:", ".*", "\\.", "(a|b)", "(", "|", "$"]
)
ENTRIES = st.lists(WORDS, max_size=6).map(".".join) | st.lists(WORDS, max_size=6).map("".join) | st.text(max_size=30)


@given(st.lists(ENTRIES | st.none() | st.integers() | st.lists(st.integers(), max_size=2), max_size=8))
@settings(max_examples=200, deadline=None)
def test_any_list_gives_kinds_once_and_in_order(modules: list[Any]) -> None:
    kinds = [kind for kind, _ in keeping(QWEN3_MOE, *modules).exceptions]
    assert kinds == [kind for kind in KINDS if kind in kinds]
