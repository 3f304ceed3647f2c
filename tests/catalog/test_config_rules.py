"""Which modules a quantised configuration keeps, or stores in a format of their own: names, globs, expressions."""

from dataclasses import replace
from typing import Any

import pytest
from config_examples import NANO, QWEN3_NEXT
from config_published import DEEPSEEK, GPT_OSS, LLAMA, QWEN2_MOE, QWEN3_MOE
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model.architecture.storage import Stored
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.huggingface.methods import LISTS
from steptime.model.catalog.huggingface.modules import layer_modules
from steptime.model.catalog.huggingface.reader import read_config
from steptime.model.catalog.transformers import load_transformer, transformer_names
from steptime.model.choices import Weight

USUAL = {Weight.ROUTER, Weight.EMBEDDING, Weight.UNEMBEDDING}


def keeping(config: dict[str, Any], *modules: Any, key: str = "modules_to_not_convert", **more: Any) -> Transformer:
    """A configuration in fp8 that keeps some modules unquantised."""
    return read_config({**config, "quantization_config": {"quant_method": "fp8", key: list(modules)}, **more}, "toy")


def kept(model: Transformer) -> set[Weight]:
    """The kinds of weights of which none is quantised."""
    return {kind for kind, form in model.stored if form.bytes == 2}


def bits(model: Transformer, kind: Weight) -> float:
    return 8 * dict(model.stored)[kind].bytes


def test_gpt_oss_quantises_only_its_experts() -> None:
    modules = ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]
    table = {"quant_method": "mxfp4", "modules_to_not_convert": modules}
    model = read_config({**GPT_OSS, "quantization_config": table}, "gpt-oss-120b")
    assert model.precision == "fp4"
    assert kept(model) == {Weight.ATTENTION, *USUAL}
    # biases of the experts are stored in 16 bits: 2 x 2880 + 2880 beside 3 x 2880 x 2880 weights
    assert bits(model, Weight.EXPERTS) == pytest.approx(4.25 + 11.75 / 2881, rel=1e-6)
    catalogue = load_transformer("gpt-oss-120b")
    assert replace(model, notices=(), stored=()) == replace(catalogue, notices=(), stored=())
    for kind, form in model.stored:
        ours = dict(catalogue.stored).get(kind, Stored("fp4", 4.25 / 8)).bytes
        assert ours == pytest.approx(form.bytes, rel=1e-3)


@pytest.mark.parametrize(
    ("config", "modules", "kinds"),
    [
        (LLAMA, ["lm_head"], ""), (LLAMA, ["re:.*lm_head"], ""), (LLAMA, ["self_attn"], "attention"),
        (LLAMA, ["q_proj", "k_proj", "v_proj", "o_proj"], "attention"),
        (LLAMA, [f"model.layers.{i}.self_attn*" for i in range(80)], "attention"),
        (LLAMA, ["model.layers.*.mlp"], "dense"), (LLAMA, ["re:.*mlp\\.(gate|up|down)_proj.*"], "dense"),
        (QWEN3_MOE, ["gate", "lm_head"], ""),
        (QWEN3_MOE, ["re:model\\.layers\\.\\d+\\.mlp\\.experts\\..*"], "experts"),
        (DEEPSEEK, ["re:.*self_attn.*", "re:.*shared_experts.*", "re:.*mlp\\.(gate|up|gate_up|down)_proj.*", "lm_head"],
         "attention dense"),
        (QWEN2_MOE, ["mlp.shared_expert", "mlp.shared_expert_gate"], "dense"),
        (QWEN3_NEXT, ["linear_attn", "self_attn"], "attention"),
        (NANO, ["backbone.layers.*.mixer.experts", "mixer.gate"], "experts"),
        (LLAMA, [f"model.layers.{i}" for i in range(80)], "attention dense"),
        (LLAMA, ["model.layers.0*", *(f"model.layers.{i}*" for i in range(1, 10))], "attention dense"),
    ],
)  # fmt: skip
def test_whole_kinds_that_are_kept(config: dict[str, Any], modules: list[str], kinds: str) -> None:
    model = keeping(config, *modules)
    assert kept(model) == {*map(Weight, kinds.split()), *USUAL} & {kind for kind, n in model.weights.items() if n}
    assert not any("kept unquantised" in notice for notice in model.notices)


@pytest.mark.parametrize(
    ("config", "modules", "kind", "share"),
    [
        (LLAMA, ["self_attn.o_proj"], Weight.ATTENTION, 8192 / (2 * 8192 + 2 * 1024)),
        (LLAMA, [f"model.layers.{i}.self_attn" for i in range(79)], Weight.ATTENTION, 79 / 80),
        (LLAMA, ["model.layers.0*"], Weight.DENSE, 1 / 80), (LLAMA, ["model.layers.1*"], Weight.DENSE, 11 / 80),
        (LLAMA, ["model.layers.1.*"], Weight.DENSE, 1 / 80),
        (LLAMA, ["model.layers.0.mlp", "model.layers.79.mlp"], Weight.DENSE, 2 / 80),
        (LLAMA, ["vision_model.model.layers.0.self_attn.q_proj"], Weight.ATTENTION, 0),
        (LLAMA, ["mtp.layers.0*", "mtp*"], Weight.DENSE, 0),
        (DEEPSEEK, ["shared_experts"], Weight.DENSE, 58 * 2048 / (58 * 2048 + 3 * 18432)),
        (QWEN3_MOE, ["*.mlp.experts.*"], Weight.EXPERTS, 1),
    ],
    ids=[
        "one matrix of four", "79 of 80 layers", "a glob without a dot after the layer", "the same is 1 and 10 to 19",
        "with a dot it means one", "first and last MLP", "a layer of a tower", "a layer of a prediction module",
        "shared experts beside dense layers", "a glob with what holds the layer before it",
    ],
)  # fmt: skip
def test_rules_count_layer_by_layer(config: dict[str, Any], modules: list[str], kind: Weight, share: float) -> None:
    assert bits(keeping(config, *modules), kind) == pytest.approx(8 + 8 * share, rel=1e-9)


@pytest.mark.parametrize("key", LISTS)
def test_every_list_of_kept_modules_counts(key: str) -> None:
    assert kept(keeping(LLAMA, "self_attn", key=key)) == {Weight.ATTENTION, *USUAL}


def test_kept_format_is_that_of_the_numbers() -> None:
    assert str(dict(keeping(LLAMA, torch_dtype="float16").stored)[Weight.EMBEDDING]) == "fp16"
    assert str(dict(keeping(LLAMA, torch_dtype="float32").stored)[Weight.EMBEDDING]) == "bf16"


def test_entries_that_name_nothing_are_said() -> None:
    (notice,) = keeping(LLAMA, "lm_head", "visual", "no_such_part").notices
    assert "no_such_part" in notice
    assert "lm_head" not in notice
    assert "visual" not in notice


def test_gptq_rules_except_modules_and_change_their_bits() -> None:
    dynamic = {"-:.*attn.*": {}, "+:.*\\.layers\\.0\\..*": {"bits": 8}}
    table = {"quant_method": "gptq", "bits": 4, "group_size": 128, "dynamic": dynamic}
    model = read_config({**LLAMA, "quantization_config": table}, "toy")
    assert bits(model, Weight.ATTENTION) == 16
    assert bits(model, Weight.DENSE) == pytest.approx((79 * 4.15625 + 8.1875) / 80)


def test_gptq_reaches_the_unembedding_only_where_it_says_so() -> None:
    table = {"quant_method": "gptq", "bits": 4, "group_size": 128, "lm_head": True}
    model = read_config({**LLAMA, "quantization_config": table}, "toy")
    assert (bits(model, Weight.UNEMBEDDING), bits(model, Weight.EMBEDDING)) == (4.15625, 16)


def test_groups_with_targets_have_formats_of_their_own() -> None:
    four = {"weights": {"num_bits": 4, "type": "int", "group_size": 128}, "targets": ["re:.*mlp.*"]}
    eight = {"weights": {"num_bits": 8, "type": "float"}, "targets": ["Linear"]}
    table = {"quant_method": "compressed-tensors", "config_groups": {"a": four, "b": eight}, "ignore": ["lm_head"]}
    model = read_config({**LLAMA, "quantization_config": table}, "toy")
    assert (bits(model, Weight.DENSE), bits(model, Weight.ATTENTION), bits(model, Weight.UNEMBEDDING)) == (4.125, 8, 16)


def test_linear_means_the_unembedding_unless_it_is_ignored() -> None:
    group = {"weights": {"num_bits": 8, "type": "float"}, "targets": ["Linear"]}
    table = {"quant_method": "compressed-tensors", "config_groups": {"a": group}}
    model = read_config({**LLAMA, "quantization_config": table}, "toy")
    assert (bits(model, Weight.UNEMBEDDING), bits(model, Weight.EMBEDDING)) == (8, 16)


def test_mixed_precision_names_its_modules() -> None:
    listed = {f"model.layers.{i}.mlp.experts": {"quant_algo": "NVFP4", "group_size": 16} for i in range(94)}
    listed |= {f"model.layers.{i}.self_attn.{name}_proj": {"quant_algo": "FP8"} for i in range(94) for name in "qkvo"}
    mixed = {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": listed}
    model = read_config({**QWEN3_MOE, "quantization_config": mixed}, "toy")
    assert (model.precision, bits(model, Weight.EXPERTS), bits(model, Weight.ATTENTION)) == ("nvfp4", 4.5, 8)


def test_mlx_quantises_tables_and_routers_too() -> None:
    table = {"group_size": 64, "bits": 4, "model.layers.0.mlp.gate": {"group_size": 64, "bits": 8}, "lm_head": False}
    model = read_config({**QWEN3_MOE, "quantization": {**table, "lm_head": {"group_size": 64, "bits": 6}}}, "toy")
    assert (bits(model, Weight.EMBEDDING), bits(model, Weight.UNEMBEDDING)) == (4.5, 6.5)
    assert 4.5 < bits(model, Weight.ROUTER) < 16  # norms stay as they are


def test_modules_hold_every_matrix_of_a_layer() -> None:
    for name in transformer_names():
        model = load_transformer(name)
        for layer in model.kinds:
            vectors = layer.vectors + layer.mixer_vectors + sum(block.vectors for block in layer.feed_forward)
            vectors += sum(getattr(b, "experts", 0) * getattr(b, "expert_vectors", 0) for b in layer.feed_forward)
            found = sum(module.weights for module in layer_modules(layer, model.width))
            assert found + vectors + layer.mixing == layer.stored(model.width), name
        assert sum(model.weights.values()) == model.parameters, name


WORDS = st.sampled_from(
    ["self_attn", "mlp", "gate", "experts", "lm_head", "layers", "0", "*", "re:", ".*", "\\.", "(a|b)", "(", "|", "$"]
)
ENTRIES = st.lists(WORDS, max_size=6).map(".".join) | st.lists(WORDS, max_size=6).map("".join) | st.text(max_size=30)


@given(st.lists(ENTRIES | st.none() | st.integers() | st.lists(st.integers(), max_size=2), max_size=8))
@settings(max_examples=200, deadline=None)
def test_any_list_is_read_or_refused(modules: list[Any]) -> None:
    from steptime.model.errors import UserError

    try:
        model = keeping(QWEN3_MOE, *modules)
    except UserError as error:
        assert "expression" in str(error)
        return
    assert all(8 <= 8 * form.bytes <= 16 for _, form in model.stored)
