"""The modules that hold a transformer's weights, by the names that checkpoints give them: what rules of quantisation
are evaluated on.

Names are those of the modelling files of the transformers library and of the checkpoints themselves. A module that goes
by several (separate or fused projections, the words of different families) has them all: a rule that fits one of them
fits the module. In a layer, names are relative to it.
"""

from collections.abc import Iterator, Sequence

from steptime.model.architecture.transformer import DenseFeedForward, ExpertFeedForward, Layer
from steptime.model.catalog.huggingface.mixer_modules import mixer_modules
from steptime.model.catalog.huggingface.named import Module, within
from steptime.model.choices import Weight

UNEMBEDDING = ("lm_head", "head", "output", "embed_out", "output_layer", "transformer.output_layer")
EMBEDDING = ("model.embed_tokens", "embed_tokens", "embed", "wte", "word_embeddings", "tok_embeddings", "embed_in")
ADAPTERS = ("feed_forward.gate_up_proj_adapter_list", "shared_transformer", "mamba_decoder", "linear")
"""Of what a layer has to itself beside weights that it shares with others."""

_DENSE = ("mlp", "feed_forward", "mixer", "ffn", "block_sparse_moe", "residual_mlp", "shared_transformer.feed_forward")
_SPARSE = ("mlp", "feed_forward", "block_sparse_moe", "mixer", "ffn", "moe")
_SHARED = (*within(_SPARSE, "shared_experts", "shared_expert", "shared_mlp"), "shared_mlp", "share_expert")
_EXPERTS = within(_SPARSE, "experts")
_GATE = ("gate_proj", "gate_up_proj", "w1", "c_fc", "dense_h_to_4h", "fc1", "fc_in", "input_linear")
_UP = ("up_proj", "gate_up_proj", "w3", "v1", "c_fc", "dense_h_to_4h", "fc1", "fc_in", "input_linear")
_DOWN = ("down_proj", "w2", "c_proj", "dense_4h_to_h", "fc2", "fc_out", "output_linear")
_ROUTER = within(_SPARSE, "gate", "router", "gate.wg")
_SHARED_GATE = ("mlp.shared_expert_gate",)
_LATENT = within(_SPARSE, "fc1_latent_proj", "fc2_latent_proj", "routed_expert_down_proj", "routed_expert_up_proj",
                 "latent_down_proj", "latent_up_proj")  # fmt: skip


def outer_modules(embedding: int, tied: bool, has_head: bool = True) -> Iterator[Module]:
    """The table of the inputs and the unembedding; one module with the names of both where they are tied."""
    if tied and has_head:
        yield Module((*EMBEDDING, *UNEMBEDDING), embedding, Weight.EMBEDDING)
        return
    yield Module(EMBEDDING, embedding, Weight.EMBEDDING)
    if has_head:
        yield Module(UNEMBEDDING, embedding, Weight.UNEMBEDDING)


def layer_modules(layer: Layer, width: int) -> list[Module]:
    """The modules of one layer. One expert stands for all of its layer, with the weights of all."""
    found = [] if layer.attention is None else list(mixer_modules(layer.attention, width))
    found += [Module(ADAPTERS, matrix.weights, Weight.ATTENTION) for matrix in layer.adapters]
    for block in layer.feed_forward:
        if isinstance(block, DenseFeedForward):
            found += _feed_forward(_DENSE, block.weights(width), block.gated, Weight.DENSE, layer.attention is None)
        else:
            found += _experts(block, width)
    return found


def _experts(block: ExpertFeedForward, width: int) -> Iterator[Module]:
    """Routed and shared experts, router, gate of the shared ones; the matrices to and from a latent are stored in 16
    bits even where a list of kept modules does not name them (Kimi-K3: the size of its published files)."""
    yield from _feed_forward(_EXPERTS, block.experts * block.expert_weights(width), block.gated, Weight.EXPERTS)
    latent, gate = 2 * width * block.latent, width if block.shared_gate else 0
    if shared := block.shared_weights(width) - gate - latent:
        yield from _feed_forward(_SHARED, shared, block.gated, Weight.DENSE)
    if gate:
        yield Module(_SHARED_GATE, gate, Weight.DENSE, Weight.ROUTER)
    if latent:
        yield Module(_LATENT, latent, Weight.DENSE, Weight.ROUTER)
    yield Module(_ROUTER, block.router_weights(width), Weight.ROUTER)


def _feed_forward(
    parents: Sequence[str], weights: int, gated: bool, kind: Weight, is_mixer: bool = True
) -> Iterator[Module]:
    """The matrices of a block, equally large: gate, up and down, or up and down. A word that stands for a mixer as
    well is left out where the layer has one."""
    places = [parent for parent in parents if is_mixer or parent != "mixer"]
    if kind == Weight.EXPERTS:  # stacked in one tensor, or numbered
        places = [place for parent in parents for place in (parent, f"{parent}.0")]
    names = (_GATE, _UP, _DOWN) if gated else (_UP, _DOWN)
    for spellings in names:
        yield Module(within(places, *spellings), weights // len(names), kind)
