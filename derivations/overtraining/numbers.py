"""Numbers of a model's life, for the examples of chapter 4, and what they are taken from."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.model.catalog.economy import loss_law

from steptime.derivations.overtraining.symbols import (  # isort: skip
    best_tokens, rl_flops_per_weight, rl_tokens, service_life, serving_rate,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, decode_efficiency, flops_per_mac, optimal_tokens_per_weight, pretraining_tokens, served_tokens,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 4"
KAPLAN = "Kaplan et al. 2020, arXiv 2001.08361, 2.1"
CHINCHILLA = "Hoffmann et al. 2022, arXiv 2203.15556"
LAW = f"{CHINCHILLA}, equation 10"
FITS = ("chinchilla", "besiroglu")
LIFE = (
    "100e9 active weights, 50e6 tokens/s for 60.9 days, utilisation of generation 0.3 of training's (the lecture's "
    "assumptions); 20 tokens per weight (Chinchilla)"
)
LEARNING = f"{LIFE}; 2 FLOP per weight and token of reinforcement learning"
LIFE_AT = (
    "100e9 active weights, 50e6 tokens/s for 60.9 days, utilisation 0.3, as many tokens in pre-training; Chinchilla"
)


def life() -> Mapping[Symbol, float]:
    """The lecture's model."""
    from steptime.model.catalog.economy import number

    named = {
        symbol: number("life", symbol.name)
        for symbol in (active_parameters, serving_rate, service_life, decode_efficiency, optimal_tokens_per_weight)
    }
    served = named[serving_rate] * named[service_life]
    return {
        **named,
        flops_per_mac: 2.0,
        rl_flops_per_weight: 2.0,
        rl_tokens: served,
        served_tokens: served,
        pretraining_tokens: served,
    }


def life_at(fit: str = "chinchilla") -> Mapping[Symbol, float]:
    """The lecture's model of 100e9 active weights, served for two months, under one fit of the loss law."""
    from steptime.model.catalog.economy import number

    served = number("life", "serving_rate") * number("life", "service_life")
    return {
        **loss_law(fit),
        flops_per_mac: 2.0,
        active_parameters: number("life", "active_parameters"),
        served_tokens: served,
        pretraining_tokens: served,
        decode_efficiency: number("life", "decode_efficiency"),
        best_tokens: served,
    }
