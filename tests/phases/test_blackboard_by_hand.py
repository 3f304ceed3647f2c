"""The blackboard's formulas of a pass, of a whole request and of a pipeline's schedule, against sums worked by hand."""

import pytest
from sympy import Expr, Integer, Rational, Symbol

from steptime.model import symbols as q
from steptime.model.choices import Counted, Recompute, Schedule
from steptime.model.network.experts import distinct_experts
from steptime.model.phases import decode, pipeline, prefill
from steptime.model.phases.abstract import abstract_footprint
from steptime.model.phases.decode import DECODE
from steptime.model.phases.prefill import ANSWER, IN_FLIGHT, VERIFY, flops_of, prefill_phase
from steptime.model.phases.rates import rates
from steptime.model.phases.shards import shards
from steptime.model.phases.train import Choices, train_phase
from steptime.model.scenario import Scenario

MODEL = {q.flops_per_mac: 2.0, q.active_parameters: 1000.0, q.unembedding_parameters: 100.0, q.attention_flops: 4.0,
         q.bytes_per_weight: 2.0, q.parameters_read: 5000.0, q.kv_bytes: 10.0, q.kv_written: 10.0, q.kv_read: 700.0,
         q.micro_batch: 6.0, q.compute_shards: 4.0, q.weight_shards: 5.0, q.kv_shards: 3.0, q.context: 50.0,
         q.peak_flops: 1e3, q.memory_bandwidth: 1e2, q.compute_efficiency: 0.5, q.memory_efficiency: 0.8,
         q.interconnect_efficiency: 0.25, q.scale_up_bandwidth: 40.0, q.scale_out_bandwidth: 8.0,
         q.scale_up_bytes: 30.0, q.scale_out_bytes: 7.0, q.scale_up_starts: 3.0, q.scale_out_starts: 2.0,
         q.scale_up_latency: 0.1, q.scale_out_latency: 0.7}  # fmt: skip


def value(formula: Expr, numbers: dict[Symbol, float], definitions: dict[Symbol, Expr] | None = None) -> float:
    return float(Scenario(numbers, definitions or {}).evaluate(formula))


def times(phase, **more: float) -> tuple[float, ...]:
    numbers = MODEL | {getattr(q, name): number for name, number in more.items()}
    for symbol in phase.definitions:
        numbers.pop(symbol, None)
    return tuple(value(term.time, numbers, dict(phase.definitions)) for term in phase.blackboard.terms)


def test_a_decode_step() -> None:
    """(2*1000 + 4*50) FLOP a token, 6 tokens over 4 ways at 500/s; 10,000 B of weights over 5 ways and 510 B a sequence
    over 3 at 80 B/s; 180 B at 10 B/s behind 3 starts of 0.1 s; 42 B at 2 B/s behind 2 starts of 0.7 s."""
    assert times(DECODE) == pytest.approx((2200 * 6 / 4 / 500, (2000 + 510 * 6 / 3) / 80, 0.3 + 18.0, 1.4 + 21.0))
    assert value(decode.micro_batch_of_batch, {q.batch: 48.0, q.replicas: 2.0, q.pipeline_parallel: 4.0}) == 6.0
    assert value(DECODE.compute_slope, MODEL) == pytest.approx(2200 / 4 / 500)
    assert value(DECODE.memory_slope, MODEL) == pytest.approx(510 / 3 / 80)


def test_rates_are_peaks_times_what_is_reached() -> None:
    found = [value(getattr(rates, name), MODEL) for name in ("compute", "memory", "scale_up", "scale_out")]
    assert found == pytest.approx([500.0, 80.0, 10.0, 2.0])


def test_flops_of_a_pass() -> None:
    """Five tokens behind three: 4,500 weights and the unembedding of one; pairs 3+4+5+6+7 = 25."""
    found = value(flops_of(Integer(5), Integer(3), Integer(1)), MODEL)
    assert found == 2 * (4500 + 100) + 4 * 25


@pytest.mark.parametrize("traversal", [1.0, 0.5])
def test_a_prefill_in_chunks_behind_a_prefix(traversal: float) -> None:
    """10 of 12 tokens in chunks of 4: three passes stream the weights three times; where the stages of a pipeline work
    on chunks at the same time, all of it takes a share of their times one after another."""
    phase = prefill_phase(has_cache=True, in_chunks=True)
    flops = 2 * (900 * 10 + 100) + 4 * (10 * 2 + 45)
    found = times(phase, prompt=12.0, cached=2.0, chunk=4.0, traversal=traversal)
    assert found[0] == pytest.approx(traversal * flops * 6 / 4 / 500)
    assert found[1] == pytest.approx(traversal * (3 * 2000 + 710 * 6 / 3) / 80)
    assert found[2] == pytest.approx(0.3 + traversal * 30 * 6 * 10 / 10)
    assert found[3] == pytest.approx(1.4 + traversal * 7 * 6 * 10 / 2)


def test_a_check_of_drafts() -> None:
    """Three drafts: a pass of four tokens, all predict, behind 50; at 1/2 it keeps 1 + 1/2 + 1/4 + 1/8."""
    found = times(VERIFY, drafts=3.0, acceptance=0.5)
    assert found[0] == pytest.approx((2 * 4000 + 4 * (200 + 6)) * 6 / 4 / 500)
    assert found[1] == pytest.approx((2000 + 710 * 6 / 3) / 80)
    assert found[2] == pytest.approx(0.3 + 30 * 24 / 10)
    assert value(prefill.expected_tokens, {q.drafts: 3.0, q.acceptance: 0.5}) == 1.875


def test_a_whole_answer() -> None:
    """Seven tokens: the prefill gives the first, six steps the others, behind 20, 21 … 25: pairs 135."""
    numbers = MODEL | {q.prompt: 20.0, q.answer: 7.0}
    found = [value(term.time, numbers) for term in ANSWER.blackboard.terms]
    assert found[0] == pytest.approx((2 * 6000 + 4 * 135) * 6 / 4 / 500)
    assert found[1] == pytest.approx((6 * 2000 + 710 * 6 / 3) / 80)
    assert found[3] == pytest.approx(1.4 + 7 * 36 / 2)
    assert (value(ANSWER.held, numbers), value(ANSWER.yields, numbers)) == (26.0, 6.0)


@pytest.mark.parametrize(("own", "ridden"), [(0.0, 1 / 6), (0.6, 0.9 / 6)])
def test_in_flight(own: float, ridden: float) -> None:
    """Serving: a request decodes for six steps; a sixth of a prefill of 20 tokens (pairs 190) rides with each of them.
    Of six sequences in flight a request's own prefill is one, and does not ride along with it."""
    asked = {"prompt": 20.0, "answer": 7.0, "batch": 12.0, "replicas": 2.0, "own_prefill": own}
    found = times(IN_FLIGHT, **asked)
    assert found[0] == pytest.approx((2200 + (2 * (900 * 20 + 100) + 4 * 190) * ridden) * 6 / 4 / 500)
    assert found[2] == pytest.approx(0.3 + 30 * 6 * (1 + 20 * ridden) / 10)
    numbers = MODEL | {getattr(q, name): number for name, number in asked.items()}
    for amount, expected in {
        IN_FLIGHT.tokens: 1 + 20 * ridden, IN_FLIGHT.predicted: 1 + ridden, IN_FLIGHT.pairs: 50 + 190 * ridden,
    }.items():  # fmt: skip
        assert value(amount, numbers, dict(IN_FLIGHT.definitions)) == pytest.approx(expected)


PASSES = {q.forward_time: 3.0, q.backward_time: 4.0, q.weight_gradient_time: 2.0, q.micro_batches: 12.0,
          q.pipeline_parallel: 5.0, q.interleave: 2.0}  # fmt: skip


def test_schedules_of_a_pipeline() -> None:
    """Narayanan et al. 2021: 1F1B idles for P - 1 micro-batches, over v; Qi et al. 2023, table 2: ZB-H1 idles for
    (P - 1)(F + B - W), ZB-H2 for (P - 1)(F + B - 2 W)."""
    assert value(pipeline.micro_batch_time, PASSES) == 9.0
    assert value(pipeline.work_time, PASSES) == 108.0
    assert value(pipeline.bubble, PASSES) == 4 * 9 / 2
    assert value(pipeline.bubble_zb_h1, PASSES) == 4 * (3 + 4 - 2)
    assert value(pipeline.bubble_zb_h2, PASSES) == 4 * (3 + 4 - 4)


IDLE = {
    "1F1B, v = 2: (P-1)/(v m)": (Choices(), Rational(4, 24)),
    "ZB-H1 with F = B = W: a third of it": (Choices(schedule=Schedule.ZB_H1), Rational(4, 36)),
    "ZB-H2 with F = B = W: none": (Choices(schedule=Schedule.ZB_H2), Integer(0)),
    "ZB-H1, run again, B = 2: (1 + 2 - 1)/4": (Choices(Recompute.FULL, schedule=Schedule.ZB_H1), Rational(8, 48)),
    "ZB-H2, run again, B = 2: (1 + 2 - 2)/4": (Choices(Recompute.FULL, schedule=Schedule.ZB_H2), Rational(4, 48)),
    "1F1B, run again: the share stays": (Choices(Recompute.FULL), Rational(4, 24)),
}


@pytest.mark.parametrize("name", IDLE)
def test_idle_shares(name: str) -> None:
    choices, expected = IDLE[name]
    assert value(choices.idle, PASSES) == pytest.approx(float(expected))


@pytest.mark.parametrize(("recompute", "passes"), [("none", 2), ("selective", 2), ("full", 3), ("reversible", 3)])
def test_weight_passes(recompute: str, passes: int) -> None:
    """Forward and gradient of the inputs stream the weights, and once more where layers run again."""
    assert Choices(Recompute(recompute)).weight_passes == passes


@pytest.mark.parametrize(("counted", "pairs"), [("causal", 45), ("full", 100)])
def test_a_training_step(counted: str, pairs: int) -> None:
    """Ten tokens a sequence, 48 sequences on 2 replicas of 3 ranks with 2 a micro-batch: 4 micro-batches of 6, in 2
    stages; three forward passes' worth, 500 FLOP run again, the bubble of (P-1)/m = 1/4."""
    phase = train_phase(Choices(attention=Counted(counted)))
    numbers = MODEL | {q.sequence: 10.0, q.batch: 48.0, q.replicas: 2.0, q.data_parallel: 3.0, q.microbatch: 2.0,
                       q.pipeline_parallel: 2.0, q.interleave: 1.0, q.recomputed_flops: 500.0, q.state_traffic: 99.0,
                       q.gradient_up_bytes: 11.0, q.gradient_out_bytes: 13.0}  # fmt: skip
    numbers.pop(q.micro_batch)
    found = [value(term.time, numbers, dict(phase.definitions)) for term in phase.blackboard.terms]
    flops = 3 * (20_000 + 4 * pairs)
    assert found[0] == pytest.approx(1.25 * (flops + 500) * 6 * 2 / 4 / 500)
    assert found[1] == pytest.approx((2 * 2000 * 2 + 99) / 80)
    assert found[2] == pytest.approx(0.3 + (30 * 6 * 10 * 2 + 11) / 10)
    assert found[3] == pytest.approx(1.4 + (7 * 6 * 10 * 2 + 13) / 2)


def test_memory_of_perfect_shares() -> None:
    """Weights over the 12 chips of a replica, the cache of its half of the sequences too."""
    from steptime.model.layout.layout import Layout

    found = abstract_footprint(Layout(tp=4, pp=3, replicas=2), Integer(50))
    numbers = {q.bytes_per_weight: 2.0, q.parameters: 600.0, q.kv_bytes: 10.0, q.batch: 48.0}
    assert value(found.total, numbers) == 2 * 600 / 12 + 10 * 50 * 24 / 12


def test_ways_that_differ_are_the_amount_over_what_a_chip_carries() -> None:
    amount, numbers = q.kv_bytes * q.context, {q.kv_bytes: 10.0, q.context: 50.0}
    assert shards([Integer(8), Integer(8)], amount, q.kv_read, {}) == 8
    found = shards([Integer(8), Integer(4)], amount, q.kv_read, {q.kv_bytes: Integer(20)})
    assert value(found, numbers | {q.kv_read: 250.0}) == 4.0


def test_distinct_experts() -> None:
    """Two of four experts a token, two tokens: each expert is missed with chance 1/4, so that 3 are touched."""
    assert distinct_experts(Integer(4), Integer(2), Integer(2)) == 3
