"""What is proved of all axes of training at once, against every other choice, and against the ledger's own layouts."""

import math
from collections.abc import Mapping
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies
from sympy import Symbol

import steptime as st
from steptime.derivations.experts.symbols import always_read, expert_layers, experts_per_token, routed_weights
from steptime.derivations.steps import Derivation
from steptime.derivations.training import axes, axes_degrees, axes_experts, axes_tokens
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.derivations.training.symbols import (  # isort: skip
    exchange_all_time, exchange_passes, gathered_time, ring_each_time, ring_passes, sequence_ways, split_each_time,
    step_stream_moves, tokens_a_chip, weight_moves,
)  # fmt: skip

times = strategies.floats(1e-3, 10.0)
DEGREES = [2**power for power in range(11)]


def at(one: Derivation, values: Mapping[Symbol, float]) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


def tried(gathered: float, split: float, ring: float, ways: float, sends: float | None = None) -> float:
    """The least over a fine grid of degrees from one on; sums, or with tokens for experts the larger of two sides."""
    fine = np.geomspace(1.0, 1e6, 4001)
    tensor = fine[:, None]
    context = np.maximum(1.0, ways / tensor) * np.array([[1.0, 1.3]])
    between, within = gathered / tensor + ring * context, split * tensor
    return float((between + within if sends is None else np.maximum(between, within + sends)).min())


@given(times, times, times, strategies.floats(1.0, 1e4), times)
def test_no_other_degrees_send_sooner(gathered: float, split: float, ring: float, ways: float, sends: float) -> None:
    values = {
        gathered_time: gathered,
        split_each_time: split,
        ring_each_time: ring,
        sequence_ways: ways,
        exchange_all_time: sends,
    }
    for one, of_experts in ((axes.in_turn, None), (axes.beside, sends)):
        least, found = at(one, values), tried(gathered, split, ring, ways, of_experts)
        if all(Scenario(values).evaluate(condition.lhs - condition.rhs) >= 0 for condition in one.region):
            assert least == pytest.approx(found, rel=2e-2)
        assert found >= least * (1 - 1e-9)  # elsewhere an end of the range binds: no sooner than the formula


@given(times, times, times, strategies.floats(1.0, 1e4))
def test_both_sides_at_once_take_half_as_long_without_experts(
    gathered: float, split: float, ring: float, ways: float
) -> None:
    values = {gathered_time: gathered, split_each_time: split, ring_each_time: ring, sequence_ways: ways}
    assert at(axes.beside, {**values, exchange_all_time: 0.0}) == pytest.approx(at(axes.in_turn, values) / 2)


def test_the_paper_s_layout_by_hand() -> None:
    """p² = (6·405e9 + 3·516,096·16·131,072) · 450 / (10·2·1024·16,384·126·16 · 50); n_s = 128."""
    squared = (6 * 405e9 + 3 * 516096 * 16 * 131072) * 450 / (20 * 1024 * 16384 * 126 * 16 * 50)
    assert axes_degrees.tensor.evaluate() == pytest.approx(math.sqrt(squared))
    assert axes_degrees.context.evaluate() * axes_degrees.tensor.evaluate() == pytest.approx(128)


@given(strategies.floats(1e2, 1e7))
def test_above_so_many_tokens_no_sequence_is_split(tokens: float) -> None:
    values = {**axes.long_context(), tokens_a_chip: tokens}
    assert (at(axes_degrees.context, values) > 1) == (tokens < at(axes_degrees.enough, values))


@pytest.mark.parametrize(
    ("chips", "sequences", "length"),
    [(512, 4, 131072), (512, 16, 32768), (256, 2, 65536), (512, 8, 65536), (128, 64, 8192)],
)
def test_the_ledger_s_best_layout_is_a_neighbour(chips: int, sequences: int, length: int) -> None:
    """All powers of two for Llama 3.1 70B under ZeRO 3, every chip in one domain, whose traffic adds up; the heads of
    keys and values are split as far as there are any."""
    seconds = {}
    for tp, cp in product(DEGREES[:4], DEGREES):
        dp = chips // (tp * cp)
        if dp and sequences % dp == 0:
            step = st.step(
                "llama-3.1-70b",
                "h100-sxm",
                phase="train",
                layout=st.Layout(tp=tp, cp=cp, dp=dp),
                zero=3,
                batch=sequences,
                microbatch=sequences // dp,
                sequence=length,
                scale_up_domain=chips,
            )
            seconds[tp, cp] = step.terms.interconnect.seconds
    tensor, context = min(seconds, key=lambda pair: seconds[pair])
    tokens = sequences * length / chips
    values = {
        **axes.long_context(),
        always_read: 70.6e9,
        q.width: 8192.0,
        q.layers: 80.0,
        q.kv_bytes: 80 * 2 * 8 * 128 * 2.0,
        q.sequence: float(length),
        q.micro_batches: 1.0,
        q.pipeline_parallel: 1.0,
        tokens_a_chip: tokens,
        weight_moves: 4.0 + 2 * 2.0,  # two gathers in bf16, gradients in fp32
        step_stream_moves: 10.0,
        ring_passes: 3.0,
        q.scale_out_bandwidth: 450e9,
    }
    if at(axes_degrees.context, values) >= 1:
        found = at(axes_degrees.tensor, values), at(axes_degrees.context, values)
    else:  # an end of the range: as far as a sequence must be split, or as weights and stream balance
        alone = at(axes_degrees.tensor, {**values, q.kv_bytes: 0.0})
        found = max(length / tokens, alone), 1.0
    found = min(found[0], 8.0), found[1] * max(1.0, found[0] / 8)
    assert 0.5 < tensor / found[0] < 2 and 0.5 < context / found[1] < 2


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_the_ledger_gathers_experts_from_so_many_tokens_on(factor: float) -> None:
    """Mixtral 8x7B in one domain under ZeRO 3: one group against eight, at half and at twice the tokens."""
    chips, length = 8, 1024
    values = {
        weight_moves: 8.0,
        routed_weights: 32 * 8 * 3 * 4096 * 14336.0,
        q.dispatch_bytes: 2.0,
        q.combine_bytes: 2.0,
        exchange_passes: 2.0,
        experts_per_token: 2.0,
        q.width: 4096.0,
        expert_layers: 32.0,
    }
    each = round(at(axes_experts.gathered_or_sent, values) * factor / length)
    found = {}
    for groups in (1, 2, 4, 8):
        step = st.step(
            "mixtral-8x7b",
            "h100-sxm",
            phase="train",
            layout=st.Layout(dp=groups, ep=groups, replicas=chips // groups),
            zero=3,
            batch=each * chips,
            microbatch=each,
            sequence=length,
            scale_up_domain=chips,
            dispatch_bytes=2.0,
        )
        found[groups] = step.terms.interconnect.seconds
    assert min(found, key=lambda groups: found[groups]) == (1 if factor > 1 else 8)


@given(strategies.floats(1.05, 2.95), strategies.floats(0.01, 100.0))
def test_groups_by_place_are_the_best_number(stored: float, share: float) -> None:
    """Bytes of a copy are one, of all experts ``stored`` of them: no other number of groups sends fewer."""
    values = {**axes_experts.v3(share), experts_per_token: 2.0}
    copy = 2 * 4 * share * 7168 * 58
    best = at(axes_experts.by_place, {**values, routed_weights: stored * copy / 6})

    def sends(groups: float) -> float:
        return (groups - 1) * (1 - (1 - 1 / groups) ** 2) + stored / groups

    assert best == pytest.approx(2 / (3 - stored))
    assert all(sends(other) >= sends(best) - 1e-12 for other in np.geomspace(1, 1e4, 200))


@settings(max_examples=25)
@given(
    strategies.floats(1e9, 1e12), strategies.floats(3e10, 1e12), strategies.integers(1, 64), strategies.integers(12, 18)
)
def test_with_fewer_tokens_no_degrees_hide(dense: float, active: float, runs: int, power: int) -> None:
    values = axes_experts.v3() | {
        always_read: dense,
        q.active_parameters: active,
        q.micro_batches: float(runs),
        q.sequence: 2.0**power,
    }
    if any(Scenario(values).evaluate(one.lhs - one.rhs) < 0 for one in axes_tokens.enough.region):
        return
    fewest = at(axes_tokens.enough, values)
    tensor, context = np.meshgrid(np.geomspace(1, 1e4, 800), np.geomspace(1, 1e4, 800))

    def hides(tokens: float) -> bool:
        compute = 6 * active * tokens / 2.5e15
        within = (20 * 7168 * 61 * tensor + 2 * 4 * 8 * 7168 * 58) * tokens / 900e9
        between = (6 * dense / 4 / tensor + 3 * 61 * 1152 * tokens * context) / 50e9
        whole = runs * 2.0**power / (4 * tokens) <= tensor * context
        return bool((whole & (within <= compute) & (between <= compute)).any())

    assert hides(fewest * 1.05) and not hides(fewest * 0.999)
