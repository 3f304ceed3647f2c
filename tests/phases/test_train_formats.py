"""Training of weights in several formats: each weight has its gradient and its state, however it is stored."""

import pytest
from conftest import case_of

from steptime.model import symbols as q
from steptime.model.phases.rates import rates

KINDS = ("expert", "attention", "dense", "router", "embedding", "unembedding")


@pytest.mark.parametrize("options", [
    pytest.param({"model": "gpt-oss-120b"}, id="experts in fp4, the rest in bf16, as published"),
    pytest.param({"model": "gpt-oss-20b", "zero": 3}, id="the same with ZeRO 3"),
    *(pytest.param({"model": "deepseek-v2-lite", "sets": (f"{kind}_weight_bytes=4",)}, id=f"{kind} in fp32")
      for kind in KINDS),
])  # fmt: skip
def test_a_default_layout_is_found_and_fits(options: dict[str, object]) -> None:
    case = case_of(hardware="h100-sxm", phase="train", **options)
    assert case.fits and case.scenario.evaluate(q.step_time) > 0
    terms, sums = case.phase.blackboard, rates.step(case.operations)
    assert case.number(terms.memory.work) == pytest.approx(case.number(sums.memory.work), rel=1e-12)


def test_gradients_and_optimizer_by_number_of_weights_not_by_their_bytes() -> None:
    """One chip, fp32 gradients and Adam: 4 and 12 bytes of each of the weights; these as published, experts in fp4, the
    others in 16 bits."""
    case = case_of("gpt-oss-20b", "h100-sxm", phase="train", layout="tp=1")
    room, weights = case.fullest_stage, case.accounts.model.parameters
    assert case.number(room.gradients) == pytest.approx(4 * weights, rel=1e-12)
    assert case.number(room.optimizer) == pytest.approx(12 * weights, rel=1e-12)
    blocks = [block for layer in case.accounts.model.layers for block in layer.feed_forward]
    width = case.accounts.model.width
    experts = sum(block.experts * (block.expert_weights(width) + block.expert_vectors) for block in blocks)
    stored = case.number(q.expert_weight_bytes) * experts + 2 * (weights - experts)
    assert case.number(room.weights) == pytest.approx(stored, rel=1e-12)


def test_the_same_bytes_for_every_kind_are_one_format() -> None:
    """Two bytes said kind by kind give the step of bf16, in every figure."""
    kinds = tuple(f"{kind}_weight_bytes=2" for kind in KINDS)
    for zero in range(4):
        options = {"phase": "train", "layout": "tp=2,dp=4,ep=4", "zero": zero, "weights": "bf16"}
        one, several = (case_of("deepseek-v2-lite", "h100-sxm", **options, sets=sets) for sets in ((), kinds))
        figures = (q.step_time, q.memory_per_chip, q.state_traffic, q.gradient_up_bytes, q.joules_per_token)
        assert [several.number(s) for s in figures] == pytest.approx([one.number(s) for s in figures], rel=1e-12)
