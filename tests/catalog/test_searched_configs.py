"""Llama-Nemotron's blocks, each with heads and a feed-forward size of its own, or replaced, or left out."""

from typing import Any

import pytest
from config_examples import NEMOTRON_SUPER, block
from config_published import refusal
from hypothesis import given
from hypothesis import strategies as st

from steptime.model.architecture.transformer import GroupedAttention, Layer
from steptime.model.catalog.huggingface.reader import read_config
from steptime.model.catalog.huggingface.searched import intermediate_size
from steptime.model.errors import UserError


def nas(*listed: Any, **more: Any) -> dict[str, Any]:
    return {**NEMOTRON_SUPER, "num_hidden_layers": len(listed), "block_configs": list(listed), **more}


def test_blocks_of_nemotron_super() -> None:
    model = read_config(NEMOTRON_SUPER, "toy")
    assert sum(layer.attention is None for layer in model.layers) == 31
    assert sum(one.cache_elements * number for one, number in model.mixers) == 49 * 2 * 8 * 128
    assert read_config(nas(block(1.0, 4)), "toy").mixers[0][0].cache_elements == 2 * 16 * 128


@given(st.floats(0.001, 100), st.integers(1, 20_000))
def test_size_from_a_multiplier(multiplier: float, width: int) -> None:
    size = intermediate_size(multiplier, width)
    assert size % 256 == 0
    assert 0 <= size - int(2 * multiplier * width / 3) < 256


def test_linear_replacement_is_one_matrix() -> None:
    linear = {"no_op": False, "replace_with_linear": True, "n_heads_in_group": None}
    model = read_config(nas(block(5.25, attention=linear), block(None, 8), block(None, attention=linear)), "toy")
    assert [layer.stored(8192) for layer in model.layers[:2]] == [8192**2 + 8192, 3 * 8192 * 28672 + 8192]
    assert model.layers[3] == model.layers[0]
    assert model.layers[2] == Layer(GroupedAttention(64, 8, 128, 128), (), 8192)
    both = read_config(nas(block(None, 8, ffn={**linear, "ffn_mult": None})), "toy")
    assert [layer.attention is None for layer in both.layers] == [False, True]


def test_nothing_left_of_a_block() -> None:
    assert read_config(nas(block(None)), "toy").layers == (Layer(None, ()),)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (nas(block(1.0, 8, attention={"sparsify": [1]})), "block_configs[0]: attention key 'sparsify'"),
        (nas(block(1.0), block(1.0, ffn={"moe": 3})), "block_configs[1]: ffn key 'moe'"),
        (nas(block(1.0, 8, attention={"window_length": 512})), "'window_length'"),
        (nas(block(1.0, 7)), "n_heads_in_group 7"),
        (nas(block(1.0, attention={"no_op": False})), "n_heads_in_group None"),
        (nas(block(-1.0)), "ffn_mult -1.0"),
        (nas(block(1e300)), "ffn_mult 1e+300"),
        (nas(block(1.0, ffn={"no_op": "no"})), "'no_op'"),
        (nas({"attention": {}}), "'ffn'"),
        (nas(3), "'attention'"),
        ({**NEMOTRON_SUPER, "block_configs": []}, "'block_configs'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_understood_is_named(config: dict[str, Any], named: str) -> None:
    message = refusal(config)
    assert named in message
    assert message.startswith("toy")


PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(10**400) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)
KEYS = st.sampled_from(["no_op", "replace_with_linear", "n_heads_in_group", "ffn_mult", "sparsify"])


@given(st.dictionaries(KEYS, PARTS, max_size=4), st.dictionaries(KEYS, PARTS, max_size=4))
def test_any_block_is_read_or_refused_in_one_line(attention: dict[str, Any], ffn: dict[str, Any]) -> None:
    try:
        model = read_config(nas(block(1.0, 8, attention=attention, ffn=ffn)), "toy")
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert model.parameters >= model.embedding
