"""Weights that several chips hold alike in training, whose gradients they must add up, and that ZeRO shares out."""

from collections.abc import Mapping
from dataclasses import dataclass

import sympy
from sympy import Expr

from steptime.model.choices import Split, Weight
from steptime.model.network.collectives import Group, group
from steptime.model.phases.ledger import Ledger
from steptime.model.terms import zero


@dataclass(frozen=True)
class Replicated:
    """Weights of one chip of the mean stage that a group of chips each hold, and must keep equal: how many, and the
    bytes that store them."""

    weights: Expr
    stored: Expr
    over: Group


def replicated_weights(forward: Ledger) -> tuple[Replicated, ...]:
    """Weights that data- and context-parallel chips and replicas hold alike, and those that only replicas do.

    Routed experts, and with ffn=all dense blocks, are spread over the whole stage.
    """
    d, model, axes = forward.degrees, forward.model, forward.plan.axes
    alike, spread = dict.fromkeys(Weight, zero), dict.fromkeys(Weight, zero)
    for row in forward.rows:
        if row.kind == Weight.EXPERTS:
            continue  # what a pass reads of them is less than what is held
        whole_stage = row.kind == Weight.DENSE and forward.plan.ffn == Split.STAGE
        (spread if whole_stage else alike)[row.kind] += row.weights / row.weight_ways
    alike[Weight.EMBEDDING] += model.input_tables / d.tp
    for number, block in forward.expert_layers:
        one_expert = block.expert_weights(model.width) + block.expert_vectors
        spread[Weight.EXPERTS] += number * block.experts * one_expert / d.stage
    across = group(d.replicas, d.stage * d.pp, axes)
    within = group(d.dp * d.cp, d.tp, axes)
    everyone = Group(within.size * across.size, within.inside * across.inside, axes)
    found = (_of_one_stage(forward, alike, everyone), _of_one_stage(forward, spread, across))
    return tuple(part for part in found if part.weights != 0)


def _of_one_stage(forward: Ledger, held: Mapping[Weight, Expr], over: Group) -> Replicated:
    """Weights of each kind over all stages, as those of the mean one; each kind in its own format."""
    stored = sympy.Add(*[forward.plan.bytes_of(kind) * number for kind, number in held.items()])
    return Replicated(sympy.Add(*held.values()) / forward.degrees.pp, stored / forward.degrees.pp, over)
