"""Derivations of training against the ledger: each result is what a real case has, or where its terms cross."""

import pytest
from conftest import case_of
from sympy import Expr, Integer, Rational, Symbol

from steptime.derivations.prices.symbols import query_heads
from steptime.derivations.steps import Derivation
from steptime.derivations.training.numbers import shapes
from steptime.derivations.training.symbols import microbatch_tokens, rank_tokens, vocabulary
from steptime.model import symbols as q
from steptime.model.architecture.activations import layer_kept
from steptime.model.catalog.transformers import load_transformer
from steptime.model.phases.rates import rates
from steptime.model.scenario import Scenario
from steptime.model.step.case import Case

from steptime.derivations.training import (  # isort: skip
    accumulation, activations, data, flops, fused, pipeline, recomputation, run, split, tensor, zero,
)  # fmt: skip

GPT = {"model": "gpt3-175b", "hardware": "a100-sxm-80gb", "sequence": "2048", "attention_kernel": "unfused"}
"""A GPT, on chips whose switch does not add, scores and their sums in steps of their own."""

SPLIT = {"model": "llama-3.1-8b", "hardware": "a100-sxm-80gb", "batch": "64", "sequence": "4096",
         "sequence_parallel": False, "attention_kernel": "unfused"}  # fmt: skip
"""Nothing is run again, and tensor-parallel sums are all that their chips send."""

VECTORS = 1e-4
"""Share of norms in the weights, which nothing splits and no token multiplies."""

exactly = pytest.approx


def train(**options: object) -> Case:
    return case_of(phase="train", **options)


def at(one: Derivation | Expr, case: Case, **values: float) -> float:
    """A derivation's result, or an expression, at a case's numbers, some of them given; shapes from the model."""
    model = case.accounts.model
    mixer = model.mixers[0][0]
    known = {
        q.width: model.width, q.layers: len(model.layers), vocabulary: model.vocabulary, query_heads: mixer.heads,
        q.mask_bytes: 1.0, q.log_sum_exp_bytes: 4.0, microbatch_tokens: case.number(q.microbatch * q.sequence),
        rank_tokens: case.number(q.batch * q.sequence / (q.data_parallel * q.replicas)),
    }  # fmt: skip
    given = {Symbol(name, positive=True): value for name, value in values.items()}
    expr = one.result.rhs if isinstance(one, Derivation) else one
    scenario = Scenario({**case.scenario.values, **known, **given}, case.scenario.definitions)
    return float(scenario.evaluate(expr))


def line(case: Case, name: str) -> tuple[float, float]:
    """Bytes of one line of the ledger over scale-up and scale-out."""
    moved = next(row for row in case.operations if row.name == name).traffic
    return at(moved.scale_up, case), at(moved.scale_out, case)


def test_six_n_and_attention() -> None:
    case = train(**SPLIT, layout="dp=8")
    assert at(flops.per_token, case) == exactly(at(q.model_flops / q.sequence, case), rel=1e-9)
    assert at(flops.six_n, case) == 6 * case.accounts.model.active_parameters
    length = at(flops.attention_sequence, case)
    by_name = {row.name: at(row.flops, case, sequence=length) for row in case.operations}
    scores = by_name.pop("attention")
    assert scores == exactly(sum(by_name.values()), rel=1e-9) and 50_000 < length < 60_000


@pytest.mark.parametrize("model", ["gpt3-175b", "megatron-gpt-1t", "megatron-gpt-22b"])
def test_a_gpt_by_its_shapes(model: str) -> None:
    case = train(**{**GPT, "model": model}, layout="tp=8", batch="4", attention="full")
    assert at(flops.gpt_step, case) == exactly(at(q.model_flops * q.batch, case), rel=1e-9)
    causal = train(**{**GPT, "model": model}, layout="tp=8", batch="4")
    assert at(flops.gpt_sequence, causal) == exactly(at(flops.attention_sequence, causal), rel=1e-9)


@pytest.mark.parametrize(("mode", "attention", "kernel", "one"), [
    ("full", "causal", "unfused", recomputation.everything_again),
    ("selective", "full", "unfused", recomputation.attention_again),
    ("none", "full", "fused", fused.added),
])  # fmt: skip
def test_what_is_run_again(mode: str, attention: str, kernel: str, one: Derivation) -> None:
    again = {**GPT, "recompute": mode, "attention_kernel": kernel}
    case = train(**again, layout="tp=8", batch="4", attention=attention)
    assert at(one, case) == exactly(at(1 + q.recomputed_flops / q.model_flops, case), rel=1e-9)
    once = train(**GPT, layout="tp=8", batch="4", attention=attention)
    assert at(one, case) == exactly(case.times["compute"] / once.times["compute"], rel=1e-9)


@pytest.mark.parametrize(("one", "mode", "tp", "shared"), [
    (activations.on_one_chip, "none", 1, False), (activations.shared, "none", 8, False),
    (activations.by_sequence, "none", 8, True), (activations.selective, "selective", 8, True),
    (fused.activations, "fused", 8, True),
], ids=["one chip", "tensor", "sequence", "selective", "fused"])  # fmt: skip
def test_activations_of_a_layer(one: Derivation, mode: str, tp: int, shared: bool) -> None:
    """By hand, from the model's layer, and on the fullest chip of a case."""
    values = {**shapes("gpt3-175b", 2048.0), q.tensor_parallel: float(tp)}
    found = float(Scenario(values).evaluate(one.result.rhs))
    model = load_transformer("gpt3-175b")
    is_fused, again = mode == "fused", "none" if mode == "fused" else mode
    per_token = layer_kept(model.layers[0], model.width, again, dropout=True, fused=is_fused)
    per_token = per_token.on_chip(Integer(tp), shared)
    assert found == exactly(2048 * Scenario(values).evaluate(per_token), rel=1e-12)
    # the first of 96 stages holds one layer of 96 micro-batches
    options = {"recompute": again, "sequence_parallel": shared, "dropout": True, "batch": "96"}
    kernel = {"attention_kernel": "fused" if is_fused else "unfused"}
    room = (case := train(**{**GPT, **kernel}, layout=f"tp={tp},pp=96", **options)).fullest_stage
    assert at(room.activations, case) == exactly(96 * found, rel=1e-9)


def test_selective_recomputation_saves_seven_tenths() -> None:
    """5 a s/h = 80 of 114."""
    assert activations.ratio.evaluate() == exactly(34 / 114, rel=1e-12)


@pytest.mark.parametrize(("layout", "chunks"), [
    ("tp=8,dp=8", "1"), ("tp=8,pp=2,dp=4", "1"), ("tp=8,pp=4,dp=2", "4"), ("tp=8,pp=2,dp=2,replicas=2", "2"),
])  # fmt: skip
def test_a_step_with_its_bubble(layout: str, chunks: str) -> None:
    case = train(**SPLIT, layout=layout, interleave=chunks)
    assert at(pipeline.step_time, case) == exactly(case.times["compute"], rel=1e-9)
    assert at(pipeline.more_stages, case) == exactly(case.times["compute"], rel=1e-9)
    assert at(pipeline.many_stages, case) > case.times["compute"]


def test_enough_sequences_and_chunks() -> None:
    case = train(**SPLIT, layout="tp=8,pp=4,dp=2")
    share = q.bubble_ratio / (1 + q.bubble_ratio)
    batch = at(pipeline.enough_sequences, case, bubble_share=0.05)
    assert at(share, case, batch=batch) == exactly(0.05, rel=1e-9)
    chunks = at(pipeline.enough_chunks, case, bubble_share=0.05)
    assert at(share, case, interleave=chunks) == exactly(0.05, rel=1e-9)
    halved = at(pipeline.half, case)
    assert at(share, case, interleave=halved) == exactly(at(share, case) / 2, rel=1e-9) and halved > 2


BETWEEN = "gradients and weights between replicas"
PLACES = {
    "in one domain": ("dp=8", 0, data.reduce_hides, data.gather_hides),
    "one in each domain": ("pp=8,replicas=8", 1, data.reduce_hides_across, data.gather_hides_across),
}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("stage", [0, 3])
def test_gradients_and_weights_hide_behind_so_many_tokens(where: str, stage: int) -> None:
    """On eight ranks: the line before the limit of many ranks; beyond it, more tokens hide with any number."""
    layout, tier, reduces, gathers = PLACES[where]
    case, one = train(**SPLIT, layout=layout, zero=stage), gathers if stage else reduces
    tokens = at(one.lines[-2].rhs, case, data_parallel=8.0)
    micro_batches = 8  # of one sequence, on every rank
    sequence = tokens if stage else tokens / micro_batches
    compute = at(case.resources["compute"], case, sequence=sequence, attention_flops=0.0, bubble_ratio=0.0)
    link = (q.scale_up_bandwidth, q.scale_out_bandwidth)[tier]
    moved = line(case, BETWEEN)[tier] / at(link, case)
    assert moved == exactly(compute if stage else compute * 2 / 3, rel=1e-9)
    assert tokens < at(one, case)


@pytest.mark.parametrize(("stage", "one"), [(1, zero.zero_1), (3, zero.zero_3)])
def test_bytes_of_zero_over_plain(stage: int, one: Derivation) -> None:
    plain, shared = (train(**SPLIT, layout="dp=8", zero=number) for number in (0, stage))
    assert at(one, shared) == exactly(line(shared, BETWEEN)[0] / line(plain, BETWEEN)[0], rel=1e-9)


@pytest.mark.parametrize(
    ("stage", "one"),
    list(enumerate((zero.zero_0_memory, zero.zero_1_memory, zero.zero_2_memory, zero.zero_3_memory))),
)
def test_state_on_a_chip(stage: int, one: Derivation) -> None:
    case = train(**SPLIT, layout="dp=16", zero=stage)
    room = case.fullest_stage
    assert at(one, case) == exactly(at(room.weights + room.gradients + room.optimizer, case), rel=1e-9)
    most = at(zero.largest_model, case)
    assert at(zero.zero_3_memory, case, parameters=most) == exactly(at(q.memory_capacity, case), rel=1e-9)


@pytest.mark.parametrize(("together", "one"), [(False, tensor.limit), (True, tensor.sequence_limit)])
def test_sums_that_hide(together: bool, one: Derivation) -> None:
    """Time of the sums over that of the multiply-adds is (tp - 1) over the limit's."""
    case = train(**{**SPLIT, "sequence_parallel": together}, layout="tp=8")
    sent = line(case, "tensor-parallel all-reduce")[0]
    if together:
        sent += line(case, "sequence-parallel gathers")[0]
        assert sent / line(case, "tensor-parallel all-reduce")[0] == exactly(tensor.more_bytes.evaluate(), rel=1e-12)
    compute = at(case.resources["compute"], case, attention_flops=0.0)
    assert sent / at(q.scale_up_bandwidth, case) / compute == exactly(7 / (at(one, case) - 1), rel=1e-9)


def test_the_split_that_sends_the_fewest_bytes() -> None:
    """64 chips in one domain: every split, and the one of them that is nearest to the optimum."""
    options = {**SPLIT, "batch": "128", "sets": ("scale_up_domain=64",)}
    sent = {}
    for tp in (1, 2, 4, 8):
        case = train(**options, layout=f"tp={tp},dp={64 // tp}")
        sent[tp] = at(case.phase.blackboard.scale_up.work, case)
        assert at(split.fewest_bytes.lines[2].rhs, case) == exactly(sent[tp], rel=VECTORS)
    best = at(split.fewest_bytes, case)
    assert min(sent, key=sent.__getitem__) == min(sent, key=lambda tp: max(tp / best, best / tp))


def test_the_split_that_takes_the_least_time() -> None:
    case = train(**{**SPLIT, "batch": "128"}, layout="tp=8,dp=8")
    step = case.phase.blackboard
    assert at(split.least_time.lines[2].rhs, case) == exactly(
        at(step.scale_up.time + step.scale_out.time, case), rel=VECTORS
    )
    slow, same = at(split.least_time, case), at(split.fewest_bytes, case)
    assert slow / same == exactly(at((q.scale_up_bandwidth / q.scale_out_bandwidth) ** Rational(1, 2), case), rel=1e-9)


@pytest.mark.parametrize("layout", ["dp=8", "dp=4,pp=2"])
def test_memory_traffic_hides_behind_so_many_tokens(layout: str) -> None:
    case = train(**SPLIT, layout=layout)
    assert at(accumulation.traffic, case) == exactly(at(q.state_traffic, case), rel=1e-9)
    tokens = at(accumulation.hidden, case)
    given = {"sequence": tokens, "attention_flops": 0.0, "weight_shards": 1.0, "bubble_ratio": 0.0}
    step, all_read = rates.step(case.phase.ledger), {"parameters_read": float(case.accounts.model.parameters)}
    assert at(step.compute.time, case, **given) == exactly(at(step.memory.time, case, **given, **all_read), rel=1e-9)
    assert at(accumulation.many, case) < tokens


def test_days_and_dollars_of_a_run() -> None:
    case = train(**{**SPLIT, "hardware": "h100-sxm"}, layout="tp=4,dp=4")
    given = {"attention_flops": 0.0, "training_tokens": 1e12}
    reached = at(q.model_flops * q.batch / (q.chips * q.peak_flops * q.step_time), case, **given)
    seconds = at(run.duration, case, utilisation=reached, **given)
    assert seconds == exactly(at(q.training_tokens / q.tokens_per_second, case, **given), rel=1e-9)
    dollars = at(q.training_tokens / q.million * q.dollars_per_million_tokens, case, **given)
    assert at(run.cost, case, utilisation=reached, **given) == exactly(dollars, rel=1e-9)
    for one, expected in ((run.enough_chips, 16), (run.achieved, reached)):
        assert at(one, case, run_time=seconds, utilisation=reached, **given) == exactly(expected, rel=1e-9)
