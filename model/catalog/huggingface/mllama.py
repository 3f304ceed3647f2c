"""Llama 3.2 with vision: some layers attend to the features of images instead of the tokens before.

Source: the configuration and modelling files of the transformers library (mllama). Module names: those of Llama, and
cross_attn.{q_proj, k_proj, v_proj, o_proj} in layers that attend to images.
"""

from collections.abc import Callable

from steptime.model.architecture.transformer import CrossAttention, Layer
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.blocks import Body, gated, grouped
from steptime.model.catalog.huggingface.keys import Settings

_extra_rows = 8
"""Rows of the input embedding beyond the vocabulary, for images; the class has them built in."""


def _mllama(s: Settings) -> Body:
    """Layers that attend to images have norms of queries and keys within heads, and two gates of one number each."""
    width, layers, text = s.count("hidden_size"), blocks.depth(s), grouped(s, s.count("hidden_size"))
    listed = s.numbers("cross_attention_layers", layers - 1)
    crossing = {3, 8, 13, 18, 23, 28, 33, 38} if listed is None else set(listed)
    cross = CrossAttention(text.heads, text.kv_heads, text.head_dim, vectors=2 * text.head_dim)
    plain, looks = Layer(text, (gated(s),), 2 * width), Layer(cross, (gated(s),), 2 * width + 2)
    found = tuple(looks if i in crossing else plain for i in range(layers))
    left_out = "keys and values of images, which some layers read, are not counted"
    return Body(width, found, vectors=width, tables=_extra_rows * width, notices=(left_out,))


FAMILIES: dict[str, Callable[[Settings], Body]] = {"mllama_text_model": _mllama}
"""The function of each model_type of the family."""
