"""The loss of a model by its weights and its pre-training tokens, and how many tokens to train on.

Source: Hoffmann et al. 2022 (arXiv 2203.15556) equation 10; constants of two fits in model/catalog/economy.toml.
Range of validity: the fits' own, dense models of up to 16e9 weights and some 500e9 tokens; beyond is extrapolation.
"""

from steptime.model.terms import FORWARD_AND_BACKWARD

from steptime.model.symbols import (  # isort: skip
    active_parameters, data_coefficient, data_exponent, decode_efficiency, pretraining_tokens, served_tokens,
    size_coefficient, size_exponent,
)  # fmt: skip

loss_of_size = size_coefficient * active_parameters**-size_exponent
loss_of_data = data_coefficient * pretraining_tokens**-data_exponent


tokens_at_equal_compute = served_tokens / (FORWARD_AND_BACKWARD * decode_efficiency)
"""Tokens of pre-training that take as many FLOP as serving does, at generation's utilisation."""

served_at_optimum = (
    FORWARD_AND_BACKWARD
    * decode_efficiency
    * pretraining_tokens
    * (size_exponent * loss_of_size / (data_exponent * loss_of_data) - 1)
)
"""Tokens served for which so many weights and tokens of pre-training are the cheapest of their loss: there a nat costs
the same by more weights as by more tokens (derivation life-optimum)."""
