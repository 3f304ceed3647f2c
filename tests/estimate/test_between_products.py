"""What the kernels between products move; and the fullest stage of a pipeline, its layers and what they cost."""

from dataclasses import replace

import pytest
import sympy
from conftest import case_of

from steptime.model import symbols as q
from steptime.model.architecture.transformer import (
    DenseFeedForward,
    ExpertFeedForward,
    GroupedAttention,
    Layer,
    RecurrentMixer,
    Transformer,
)
from steptime.model.choices import Recompute
from steptime.model.estimate import symbols as e
from steptime.model.estimate.activation_traffic import Executed, of_layer, of_loss, passed
from steptime.model.scenario import Scenario
from steptime.model.step.training import asked_in_training, demands_of_training

NONE = Executed(Recompute.NONE, fused=True, dropout=False, narrow=sympy.S.Zero, sequence_parallel=False)
GPT = Layer(GroupedAttention(8, 8, 16, 16), (DenseFeedForward(512, False),))
A = {q.bytes_per_activation: 2, q.mask_bytes: 1, q.logit_bytes: 4, q.dispatch_bytes: 1, q.sequence: 64}
MOVED = [
    ("a GPT of width 128: 2(5 + 6) of 128, 4 x 384 queries, keys and values, 5 x 512", {}, 22 * 128 + 1536 + 2560, 0),
    ("run again: 2 more a norm, 3 a sum, 2 a query, 2 an activation", {"recompute": Recompute.FULL},
     22 * 128 + 1536 + 2560 + 10 * 128 + 2 * 384 + 2 * 512, 0),
    ("in steps: eleven times over 8 heads of 64 scores", {"fused": False}, 22 * 128 + 1536 + 2560 + 11 * 512, 0),
    ("in steps, scores run again: four times more", {"fused": False, "recompute": Recompute.SELECTIVE},
     22 * 128 + 1536 + 2560 + 15 * 512, 0),
    ("dropout: masks of two sums written and read", {"dropout": True}, 22 * 128 + 1536 + 2560, 4 * 128),
    ("in 8 bits: inputs 128 + 128 + 128 + 512 and results 384 + 128 + 512 + 128 written twice in a byte; results and "
     "what attention gave read in two", {"narrow": sympy.S.One}, 22 * 128 + 1536 + 2560 + 1152 + 128, 2 * (896 + 1152)),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "elements", "more"), [row[1:] for row in MOVED], ids=[row[0] for row in MOVED])
def test_bytes_between_products(changes, elements: int, more: int) -> None:
    """Elements of two bytes, and bytes beside them, counted by hand."""
    assert of_layer(GPT, 128, replace(NONE, **changes)).total.subs(A) == 2 * elements + more


def test_bytes_between_products_of_other_layers() -> None:
    experts = Layer(None, (ExpertFeedForward(8, 2, 64, shared_intermediate=32),))
    assert of_layer(experts, 128, NONE).total.subs(A) == 2 * (11 * 128 + 8 * (2 * 64 + 32) + 8 * 2 * 128)
    state = Layer(RecurrentMixer("gated delta-net", 8, 64, 64, inputs=2064, touches=3), ())
    assert of_layer(state, 128, NONE).total.subs(A) == 2 * (11 * 128 + 4 * 2064)
    side_by_side = replace(GPT, parallel=True)
    assert of_layer(side_by_side, 128, NONE).total.subs(A) == 2 * (11 * 128 + 1536 + 2560)
    model = Transformer("toy", 128, 1000, False, (GPT,) * 3)
    shared = replace(NONE, sequence_parallel=True)
    assert passed(model, shared, sympy.Integer(4)).subs(A) == passed(model, shared, sympy.S.One).subs(A) / 4
    whole = passed(model, NONE, sympy.Integer(4)).subs(A)
    assert whole == 3 * 2 * (22 * 128 + (1536 + 2560) / sympy.Integer(4))  # norms and sums are on each chip
    assert of_loss(model, sympy.Integer(2)).subs(A) == 500 * 38


def fullest_stage(case) -> float:
    """Work of the fullest stage over that of the mean one."""
    demands = demands_of_training(case.accounts, case.phase, case.operations)
    return Scenario(case.scenario.values, {**case.scenario.definitions, **demands}).evaluate(e.fullest_stage)


@pytest.mark.parametrize(("model", "stages"), [("llama-3.1-405b", 16), ("llama-3.1-70b", 8), ("llama-3.1-8b", 3)])
def test_the_fullest_stage_against_all_ways_to_part_the_layers(model: str, stages: int) -> None:
    """The last stage has the unembedding. Where layers do not part evenly the best split is found by trying all."""
    case = case_of(model, "h100-sxm", phase="train", layout=f"tp=8,pp={stages}", batch=64)
    layers = case.accounts.layers
    flops = {str(line.name): case.scenario.evaluate(line.flops) for line in case.operations}
    each = (sum(flops.values()) - flops["unembedding"]) / layers
    extra = flops["unembedding"] / each
    ways = [layers // stages] if layers % stages == 0 else range(1, layers)
    best = min(max(last + extra, -(-(layers - last) // (stages - 1))) for last in ways)
    assert fullest_stage(case) == pytest.approx(best / ((layers + extra) / stages))
    assert fullest_stage(case_of(model, "h100-sxm", phase="train", layout="tp=8", batch=64)) == pytest.approx(1)


def test_a_fuller_stage_and_its_bubble() -> None:
    """Eight stages of GPT-3, 64 micro-batches: what a chip does between products, its products, what it sends."""
    options = {"phase": "train", "layout": "tp=8,pp=8,dp=4", "sequence": 2048, "zero": 1}
    case = case_of("gpt3-175b", "h100-sxm", batch=256, **options)
    asked, fuller, bubble = asked_in_training(case), fullest_stage(case), 1 + 7 / 64
    step = replace(NONE, sequence_parallel=True)
    tp = sympy.Integer(8)
    layers, loss = (expr.subs({**A, q.sequence: 2048}) for expr in (passed(case.accounts.model, step, tp),
                                                                   of_loss(case.accounts.model, tp)))  # fmt: skip
    assert asked[e.passed_bytes] == pytest.approx(fuller * bubble * 64 / 8 * 2048 * float(layers + loss))
    lines = {str(line.name): line for line in case.operations}
    products = sum(case.scenario.evaluate(line.flops) for name, line in lines.items() if name != "attention")
    assert asked[e.wide_flops] == pytest.approx(fuller * products)
    sends = case.scenario.evaluate(lines["pipeline sends"].traffic.scale_out)
    assert asked[e.exchange_out] == pytest.approx(fuller * bubble * sends)
    state = case.scenario.evaluate(lines["gradients and optimizer"].memory_bytes)
    weights = sum(case.scenario.evaluate(line.memory_bytes) for line in lines.values()) - state
    assert fuller * bubble * (weights + state - asked[e.updated_bytes]) == pytest.approx(asked[e.streamed_bytes])
    assert fuller > 1
