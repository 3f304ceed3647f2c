"""Training on the blackboard: the terms of a step, and a GPT by its shapes.

A GPT here has equal layers: attention whose values are as wide as its keys, and a feed-forward block of two matrices,
four widths wide. Its weights and the FLOP of its attention are those that the model finds for such an architecture.
"""

from steptime.derivations.prices.symbols import head_dim, query_heads
from steptime.derivations.training.symbols import vocabulary
from steptime.model.architecture.transformer import DenseFeedForward, GroupedAttention, Layer, Transformer
from steptime.model.phases.train import terms_of
from steptime.model.symbols import layers, model_flops, width

terms = terms_of(model_flops)
"""The terms of a training step, by the FLOP of a sequence that nothing computes twice."""

step_compute = terms.compute.time
step_memory = terms.memory.time

attention = GroupedAttention(heads=query_heads, kv_heads=query_heads, head_dim=head_dim, value_dim=head_dim)
layer = Layer(attention, (DenseFeedForward(4 * width, gated=False),))
gpt = Transformer("a GPT", width, vocabulary, True, (layer,))
"""One layer of it; the layers are alike."""

gpt_weights = gpt.embedding + layers * layer.active(width)
"""Weights that multiply a token: those of all layers, and the unembedding."""

gpt_attention = layers * attention.flops_per_pair
"""FLOP of a pair of tokens in all layers."""
