"""Fused attention and sequence parallelism, the defaults of training: what is kept, run again, sent."""

import pytest
from conftest import asked, case_of
from questions import TRAINED, search_of

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.step.build import build_case
from steptime.model.step.case import Case

LLAMA = {"model": "llama-3.1-70b", "hardware": "h100-sxm", "phase": "train", "sequence": "8192", "batch": "1",
         "layout": "tp=8"}  # fmt: skip
"""One micro-batch of one sequence in one stage, so that it is held once."""

TOKENS, LAYERS, WIDTH, HEADS, HEAD, KV_HEADS, BETWEEN, VOCABULARY = 8192, 80, 8192, 64, 128, 8, 28672, 128256


def attention_flops(case: Case) -> float:
    """FLOP of attention on one chip, as the ledger has them."""
    (line,) = [line for line in case.operations if line.name == "attention"]
    return case.number(line.flops)


def test_activations_of_llama_70b_by_hand() -> None:
    """Per token and layer, at 16 bits on 8 chips that share everything: two norms and two blocks keep their inputs; q
    and o of 64 heads and k and v of 8; gate, what it multiplies and the product; 4 bytes a head. Then fp32 logits.

    (4·8192·2 + 2·64·128·2 + 2·8·128·2 + 3·28672·2 + 64·4)/8 = 34,336 B, of 8192 tokens in 80 layers 22.5 GB; logits
    8192·128256·4/8 = 0.53 GB: 23.0 GB in all. Scores alone, 64·8192·2/8 B a token and layer, were 85.9 GB more."""
    inputs, queries, keys = 4 * WIDTH * 2, 2 * HEADS * HEAD * 2, 2 * KV_HEADS * HEAD * 2
    a_layer = (inputs + queries + keys + 3 * BETWEEN * 2 + HEADS * 4) / 8
    logits = TOKENS * VOCABULARY * 4 / 8
    case = case_of(**LLAMA)
    held = case.number(case.fullest_stage.activations)
    assert a_layer == 34_336 and held == pytest.approx(TOKENS * LAYERS * a_layer + logits, rel=1e-12)
    assert 22.9e9 < held < 23.1e9
    unfused = case_of(**LLAMA, attention_kernel="unfused")
    scores, sums = HEADS * TOKENS * 2 / 8, HEADS * 4 / 8
    more = unfused.number(unfused.fullest_stage.activations) - held
    assert more == pytest.approx(TOKENS * LAYERS * (scores - sums), rel=1e-9) and 85e9 < more < 86e9


def test_nothing_grows_with_the_square_of_the_sequence() -> None:
    short, long = (case_of(**{**LLAMA, "sequence": length}) for length in ("8192", "65536"))
    held = [case.number(case.fullest_stage.activations) for case in (short, long)]
    assert held[1] == pytest.approx(8 * held[0], rel=1e-12)


@pytest.mark.parametrize(("options", "passes"), [
    pytest.param({}, 3.5, id="2 products forward, 5 backward: 1 + 2.5"),
    pytest.param({"recompute": "full"}, 4.5, id="and forward once more"),
    pytest.param({"recompute": "reversible"}, 4.5, id="reversible: the same"),
    pytest.param({"attention_kernel": "unfused"}, 3, id="scores kept: 1 + 2"),
    pytest.param({"recompute": "selective"}, 4, id="selective: an unfused kernel, scores and sums run again"),
    pytest.param({"attention_kernel": "unfused", "recompute": "full"}, 4, id="scores kept of a layer that runs again"),
])  # fmt: skip
@pytest.mark.parametrize("attention", ["causal", "full"])
def test_forward_passes_of_attention(options: dict[str, str], passes: float, attention: str) -> None:
    """Keys as wide as values: QK' is half of a forward pass. What the model needs is three passes in any case: MFU."""
    pairs = TOKENS * (TOKENS - 1) / 2 if attention == "causal" else TOKENS**2
    forward = 2 * 2 * HEADS * HEAD * LAYERS * pairs / 8
    case = case_of(**LLAMA, attention=attention, **options)
    assert attention_flops(case) == pytest.approx(passes * forward, rel=1e-12)
    plain = case_of(**LLAMA, attention=attention, attention_kernel="unfused")
    assert case.number(q.model_flops) == plain.number(q.model_flops)
    again = 0 if options.get("recompute") != "full" else 2 * (case.number(q.active_parameters) - VOCABULARY * WIDTH)
    if options.get("recompute") != "reversible":
        assert case.number(q.recomputed_flops) == pytest.approx(8 * (passes - 3) * forward + again * TOKENS, rel=1e-9)


def test_latents_are_scored_by_the_keys_they_expand_to() -> None:
    """DeepSeek-V3: keys of 128 + 64, values of 128: QK' is 192 of 320, the backward pass 2.6 of its forward."""
    options = {"phase": "train", "layout": "dp=8,ep=8,pp=61", "batch": "512"}
    unfused, fused = (case_of("deepseek-v3", "h200-sxm", **options, attention_kernel=kernel)
                      for kernel in ("unfused", "fused"))  # fmt: skip
    assert attention_flops(fused) == pytest.approx(attention_flops(unfused) * (3 + 192 / 320) / 3, rel=1e-12)


def test_a_fused_kernel_is_not_recomputed_selectively() -> None:
    with pytest.raises(UserError, match="`attention_kernel` fused makes scores again in any case"):
        case_of(**LLAMA, attention_kernel="fused", recompute="selective")
    assert case_of(**LLAMA, recompute="selective").inputs.training.kernel == "unfused"
    found = search_layouts(search_of("llama-3.1-8b", "h100-sxm", (8,), (16,), "latency", free=TRAINED, phase="train",
                                     attention_kernel="fused", layout="tp=2,dp=4"))  # fmt: skip
    assert {question.inputs.training.recompute for question in found.questions} == {"none", "full"}


# --- sequence parallelism --------------------------------------------------------------------------------------------
def test_sequence_parallel_unless_it_is_turned_off() -> None:
    usual, on, off = (case_of(**LLAMA, sequence_parallel=said) for said in (None, "true", "false"))
    assert usual.quantities == on.quantities
    whole = 4 * WIDTH * 2 * 7 / 8 * TOKENS * LAYERS
    more = off.number(off.fullest_stage.activations) - usual.number(usual.fullest_stage.activations)
    assert more == pytest.approx(whole, rel=1e-9)


def test_bytes_of_sequence_parallelism_where_the_switch_adds() -> None:
    """Two sums a layer, forward and backward. The switch adds and sends to all in one pass: the volume once. Scatter
    and gather with a norm between them are two, 7/8 of it each; a block's input is gathered once more."""
    volume, sums = TOKENS * WIDTH * 2, 2 * LAYERS
    off, on = (case_of(**LLAMA, sequence_parallel=said) for said in (False, True))
    for case, once, starts in ((off, 2 * 1, 2), (on, (2 * 2 + 1) * 7 / 8, 5)):
        sent = [line.traffic for line in case.operations if line.network]
        assert sum(case.number(one.scale_up) for one in sent) == pytest.approx(sums * once * volume, rel=1e-12)
        assert sum(case.number(one.scale_up_starts) for one in sent) == sums * starts


def test_on_a_single_tensor_chip_it_is_nothing() -> None:
    on, off = (case_of(**{**LLAMA, "layout": "pp=8", "sequence_parallel": said}) for said in (True, False))
    assert on.quantities == off.quantities


def test_step_default_layout_and_search_agree(run_json) -> None:
    """The layout that a step takes is one of a search with nothing free, and equal there in time, room and cost."""
    question = asked("llama-3.1-8b", "h100-sxm", phase="train", batch="64", microbatch="1")
    step = build_case(question)
    chips = (step.layout.chips,)
    search = search_of("llama-3.1-8b", "h100-sxm", chips, (64,), "latency", phase="train", microbatch="1",
                       layout=f"{step.layout},ffn=tp")  # fmt: skip
    best = search_layouts(search).best
    again = build_case(best.question)
    assert best.step_time == pytest.approx(step.number(q.step_time), rel=1e-12)
    assert again.quantities == step.quantities and again.inputs.training.sequence_parallel
    data = run_json("step", "llama-3.1-8b", "h100-sxm", "--phase", "train", "--layout", "tp=2,dp=4")["training"]
    assert (data["sequence_parallel"], data["attention_kernel"]) == (True, "fused")
    off = run_json("step", "llama-3.1-8b", "h100-sxm", "--phase", "train", "--layout", "tp=2,dp=4",
                   "--no-sequence-parallel", "--attention-kernel", "unfused")["training"]  # fmt: skip
    assert (off["sequence_parallel"], off["attention_kernel"]) == (False, "unfused")


def test_a_choice_that_is_stated_holds_where_it_changes_nothing() -> None:
    """ZeRO on one copy and sequence parallelism on one tensor chip are the plain step: such layouts stay in."""
    for stated in ({"zero": "1", "layout": "tp=2"}, {"sequence_parallel": False, "layout": "dp=2"},
                   {"sequence_parallel": True, "layout": "dp=2"}):  # fmt: skip
        name, *_ = stated
        options = {"free": TRAINED - {name}, "phase": "train", **stated}
        assert search_layouts(search_of("gpt2", "h100-sxm", (2,), (4,), "latency", **options)).points
