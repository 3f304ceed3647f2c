"""A training step against a count by hand: FLOP, memory and messages."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from counted_training import GRADIENTS, SENDS, STATE, Step, activation_messages, count, gradient_messages, state_bytes

from steptime.model import symbols as q
from steptime.model.step.case import Case

from counted_passes import (  # isort: skip
    lines,
)  # fmt: skip

# --- the project's numbers -----------------------------------------------------------------------------------------
def sent(case: Case, chosen: Callable[[str], bool]) -> dict[str, float]:
    """Bytes by tier of the ledger's lines with such names."""
    moved = [line.traffic for line in case.operations if chosen(line.name)]
    return {
        "up": sum(case.number(one.scale_up) for one in moved),
        "out": sum(case.number(one.scale_out) for one in moved),
    }


WORKED = [
    Step("gpt3-175b", "tp=8,pp=8", 64, 2048, interleave=3),
    Step("llama-3.1-70b", "tp=16,dp=2,pp=4,replicas=2", 64, 2048, 2),
    Step("llama-3.1-8b", "tp=4,cp=2,pp=4", 64, 2048, 2, interleave=2),
    Step("gemma-3-27b", "tp=2,dp=4,pp=2,ffn=all", 64, 2000, 2),
    Step("mixtral-8x7b", "tp=2,dp=4,ep=8,pp=2", 64, 4096, 2),
    Step("deepseek-v3", "dp=8,ep=8,pp=16", 64, 1000),
    Step("deepseek-v3.2", "dp=4,ep=4,pp=2", 64, 3000, 2),
    Step("qwen3-next-80b-a3b", "tp=2,dp=4,ep=8,pp=2", 64, 2000, 2),
    Step("gpt-oss-20b", "tp=2,dp=2,ep=4", 64, 500, 2),
]
LINKED = [
    Step("gpt3-175b", "tp=8,pp=8,replicas=2", 64, 2048),
    Step("gpt3-175b", "tp=8,pp=8", 64, 2048, interleave=3),
    Step("llama-3.1-8b", "tp=2,pp=4", 64, 2048, 2, interleave=4),
    Step("llama-3.1-8b", "tp=2,pp=8", 64, 2048, 2, interleave=2),
    Step("llama-3.1-70b", "tp=4,dp=2,pp=4,replicas=3", 60, 2048, 2),
    Step("llama-3.1-70b", "tp=16,dp=2,pp=2", 32, 2048, 2, sequence_parallel=True),
    Step("llama-3.1-8b", "dp=16,pp=2", 64, 2048, 2),
    Step("gemma-3-27b", "tp=2,dp=4", 64, 2000, 2),
    Step("deepseek-v3", "dp=8,ep=8,pp=16,replicas=2,copies=per-expert", 64, 1000),
    Step("mixtral-8x7b", "dp=8,ep=8,replicas=2,copies=per-expert", 64, 1000),
    Step("gpt2", "dp=8", 64, 1000, 2),
    Step("gpt-oss-20b", "dp=8,ep=8,replicas=2,copies=per-expert", 64, 500, 2),
]


@pytest.mark.parametrize(("recompute", "fused"), [
    ("none", False), ("selective", False), ("full", False), ("none", True), ("full", True),
])  # fmt: skip
@pytest.mark.parametrize("step", WORKED, ids=str)
def test_flops_and_weights_of_a_step(step: Step, recompute: str, fused: bool) -> None:
    """The pipeline idles P - 1 times the share of a micro-batch that one chunk is; no weight is read meanwhile."""
    step = replace(step, recompute=recompute, fused=fused)
    case, (flops, streamed) = step.case(), count(step, step.case())
    idle = (case.layout.pp - 1) / step.micro_batches(case) / step.interleave
    ours = {name: number * (1 + idle) for name, number in flops.items() if number}
    assert lines(case, "flops") == pytest.approx(ours, rel=1e-9)
    moved = lines(case, "memory_bytes")
    del moved[STATE]
    assert moved == pytest.approx({name: number for name, number in streamed.items() if number}, rel=1e-9)
    assert case.number(case.phase.blackboard.compute.work) == pytest.approx(sum(ours.values()), rel=1e-9)
    without_idling = case.number(case.phase.blackboard.compute.work / (1 + q.bubble_ratio))
    assert without_idling == pytest.approx(flops.total(), rel=1e-9)


@pytest.mark.parametrize("zero", [0, 1, 2, 3])
@pytest.mark.parametrize("step", WORKED + LINKED, ids=str)
def test_gradients_and_optimizer_in_memory(step: Step, zero: int) -> None:
    step = replace(step, zero=zero)
    case = step.case()
    assert lines(case, "memory_bytes")[STATE] == pytest.approx(state_bytes(step, case), rel=1e-9)


@pytest.mark.parametrize("zero", [0, 1, 2, 3])
@pytest.mark.parametrize("step", LINKED, ids=str)
def test_gradients_message_by_message(step: Step, zero: int) -> None:
    step = replace(step, zero=zero)
    ours, case = gradient_messages(step, step.case()), step.case()
    for tier, found in sent(case, lambda name: name == GRADIENTS).items():
        assert found == pytest.approx(ours[tier], rel=1e-9, abs=1e-3), tier


@pytest.mark.parametrize("recompute", ["none", "selective", "full"])
@pytest.mark.parametrize("step", LINKED, ids=str)
def test_activations_message_by_message(step: Step, recompute: str) -> None:
    step = replace(step, recompute=recompute)
    case = step.case()
    others, hops = activation_messages(step, case)
    for ours, chosen in ((hops, lambda name: name == SENDS), (others, lambda name: name not in (SENDS, GRADIENTS))):
        for tier, found in sent(case, chosen).items():
            assert found == pytest.approx(ours[tier], rel=1e-9, abs=1e-3), tier
