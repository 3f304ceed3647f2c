"""What must hold for every way to train: memory, the band, what is run again, and the FLOP of a global batch."""

from itertools import pairwise

import pytest
from drawn import possible
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Integer

from steptime.model import symbols as q
from steptime.model.architecture.activations import layer_kept
from steptime.model.choices import Counted, Recompute, Schedule

LAYOUTS = st.sampled_from(
    ["tp=1", "tp=2,dp=2", "tp=4,pp=2", "dp=4,ep=4,replicas=2", "tp=2,cp=2,dp=2,pp=2", "dp=2,pp=4,ffn=all"]
)
SCENARIOS = st.fixed_dictionaries({
    "hardware": st.just("h100-sxm"), "phase": st.just("train"),
    "model": st.sampled_from(["qwen3-30b-a3b", "llama-3.1-8b", "gemma-3-27b", "deepseek-v2-lite", "gpt2"]),
    "layout": LAYOUTS, "batch": st.sampled_from(["16", "64"]), "sequence": st.sampled_from(["128", "4096", "100000"]),
    "recompute": st.sampled_from(Recompute), "sequence_parallel": st.booleans(), "dropout": st.booleans(),
    "schedule": st.sampled_from(Schedule), "attention": st.sampled_from(Counted),
    "attention_kernel": st.none() | st.just("unfused"),
})  # fmt: skip


@settings(max_examples=40)
@given(SCENARIOS)
def test_zero_never_raises_memory_and_the_band_is_ordered(options) -> None:
    totals = []
    for zero in range(4):
        case = possible({**options, "zero": zero})
        totals.append(case.number(case.fullest_stage.total))
        full, operation, none = (case.scenario.evaluate(bound) for bound in case.bounds.values())
        assert full <= operation * (1 + 1e-12) and operation <= none * (1 + 1e-12) and none <= 4 * full * (1 + 1e-12)
    assert all(after <= before * (1 + 1e-12) for before, after in pairwise(totals))


@settings(max_examples=40)
@given(SCENARIOS)
def test_recomputation_trades_flops_for_bytes(options) -> None:
    """Each mode keeps no more than the one before; full runs all layers once more: a third more FLOP but for logits."""
    unfused = {**options, "attention_kernel": "unfused"}
    cases = [possible({**unfused, "recompute": mode}) for mode in ("none", "selective", "full")]
    again = [case.scenario.evaluate(q.recomputed_flops) for case in cases]
    model = cases[0].accounts.model
    held = [sum(float(layer_kept(layer, model.width, mode, False, False).on_chip(Integer(1), False).xreplace(
        {q.bytes_per_activation: Integer(2), q.sequence: Integer(4096)})) for layer in model.layers)
        for mode in ("none", "selective", "full", "reversible")]  # fmt: skip
    assert held == sorted(held, reverse=True) and again == sorted(again) and again[0] == 0
    case = cases[2]
    logits = 2 * model.embedding * case.scenario.evaluate(q.sequence)
    assert again[2] == pytest.approx(case.scenario.evaluate(q.model_flops) / 3 - logits, rel=1e-9)


@settings(max_examples=40)
@given(SCENARIOS, st.sampled_from(["1", "2", "4"]), LAYOUTS)
def test_the_same_global_batch_split_differently_does_the_same_flops(options, microbatch, layout) -> None:
    assume(options["model"] != "gpt2" and "tp=4" not in layout and "tp=4" not in options["layout"])
    first, second = possible(options), possible({**options, "microbatch": microbatch, "layout": layout})
    total = q.batch * (q.model_flops + q.recomputed_flops)
    assert second.scenario.evaluate(total) == pytest.approx(first.scenario.evaluate(total), rel=1e-12)
