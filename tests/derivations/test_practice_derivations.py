"""What is proved of an estimate, against the code that works it out and against steps that were measured."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import case_of
from sympy import Expr, Float, Ge, Gt, Integer, Symbol

import steptime as st
from steptime.derivations.batch.drafts import expected
from steptime.derivations.batch.symbols import experts_routed
from steptime.derivations.experts.symbols import experts_per_token
from steptime.derivations.inequalities.certificate import implied
from steptime.derivations.practice import above, fullest, measured, messages
from steptime.derivations.practice.formulas import bound_of_groups
from steptime.derivations.prices.symbols import query_heads
from steptime.derivations.steps import Derivation
from steptime.model import symbols as q
from steptime.model.estimate.collectives import starts
from steptime.model.estimate.experts import fullest_rank, touched_most
from steptime.model.estimate.groups import HEADS_AT_ONCE, groups, padding_of
from steptime.model.scenario import Scenario
from steptime.model.step.estimate import asked_of_chip

from steptime.derivations.practice.symbols import (  # isort: skip
    group_multiplying, group_reading, groups_multiplying, groups_reading, held_experts,
    mean_sequences, measured_token_time, practice_time, tile_heads, waiting_so_far,
)  # fmt: skip


def at(one: Derivation | Expr, values: dict[Symbol, float]) -> float:
    expr = one.result.rhs if isinstance(one, Derivation) else one
    return float(Scenario(values).evaluate(expr))


def test_groups_one_by_one() -> None:
    """What is waited for adds up over the groups to the sum of their maxima less the maximum of their sums."""
    rng = np.random.default_rng(3)
    for count in (1, 2, 7):
        reading, multiplying = rng.exponential(size=(2, count))
        waited = 0.0
        for place in range(count):
            sums = {groups_reading: reading[:place].sum(), groups_multiplying: multiplying[:place].sum()}
            group = {group_reading: reading[place], group_multiplying: multiplying[place]}
            waited = at(above.induction, {**sums, **group, waiting_so_far: waited})
        every = np.maximum(reading, multiplying).sum() - max(reading.sum(), multiplying.sum())
        assert waited == pytest.approx(every, abs=1e-12)


@pytest.mark.parametrize("one", [above.decode, above.prefill, above.riders, above.training], ids=lambda one: one.name)
def test_a_faster_wide_peak_would_beat_the_bound(one: Derivation) -> None:
    """Attention is worked on at 16 bits, and the bound has every multiply-add at the peak of the activations."""
    assert one.failure is None
    failure = replace(one, assumes=(above.GROUPS_IN_TURN,)).failure
    assert failure is not None and "not stated" in failure


@pytest.mark.parametrize("one", messages.DERIVATIONS, ids=lambda one: one.name)
def test_a_collective_is_shown_to_take_no_less_than_its_bytes(one: Derivation) -> None:
    """And not that it takes more than twice the starts, which it need not."""
    assert implied(Ge(one.result.rhs, 0, evaluate=False), ())
    assert not implied(Gt(one.result.rhs, 2 * starts, evaluate=False), ())


@pytest.mark.parametrize("words", [{"context": "4096"}, {"phase": "prefill", "prompt": "4096"}], ids=["step", "prompt"])
@pytest.mark.parametrize(("model", "layout"), [("llama-3.1-70b", "tp=8"), ("deepseek-v3", "tp=8,ep=8")])
def test_the_bound_of_the_groups_is_the_step_s(model: str, layout: str, words: dict[str, str]) -> None:
    case = case_of(model, "h200-sxm", layout=layout, batch="64", **words)
    there = {symbol: case.scenario.evaluate(expr) for symbol, expr in groups(case.operations).items()}
    assert at(bound_of_groups, {**asked_of_chip(case), **there}) == pytest.approx(case.number(q.step_time), rel=1e-9)


@pytest.mark.parametrize(
    ("experts", "chosen", "tokens", "ways"), [(256, 8, 64, 8), (256, 8, 16, 32), (128, 4, 40, 8), (64, 6, 12, 4)]
)
def test_the_fullest_chip_is_the_model_s(experts: int, chosen: int, tokens: int, ways: int) -> None:
    values = {experts_routed: experts, experts_per_token: chosen, q.micro_batch: tokens, q.pass_tokens: 1.0,
              q.expert_parallel: ways, held_experts: experts / ways}  # fmt: skip
    most, mean = touched_most(experts, chosen, Integer(tokens), Integer(ways))
    assert float(most / mean) == pytest.approx(at(fullest.ratio, values), rel=1e-12)


@pytest.mark.parametrize(("mean", "ranks"), [(16.0, 32), (3.0, 2), (200.0, 8)])
def test_the_fullest_rank_is_the_model_s(mean: float, ranks: int) -> None:
    values = {mean_sequences: mean, q.data_parallel: float(ranks)}
    assert float(fullest_rank(Float(mean), Integer(ranks))) == pytest.approx(at(fullest.rank, values), rel=1e-12)


@pytest.mark.parametrize("tp", [1, 2, 4, 8, 16])
def test_padding_is_the_model_s(tp: int) -> None:
    model = case_of("deepseek-v3", "h200-sxm", layout=f"tp={tp}").accounts.model
    values = {tile_heads: HEADS_AT_ONCE, q.tensor_parallel: tp, query_heads: 128}
    assert float(padding_of(model, Integer(tp))) == pytest.approx(at(measured.padding, values))


@pytest.mark.parametrize("accepted", [0.0, 0.3, 0.85])
def test_the_acceptance_that_a_time_implies_gives_that_time(accepted: float) -> None:
    kept = at(expected, {q.acceptance: accepted, q.drafts: 1.0})
    implied = at(measured.accepted, {practice_time: 0.02, measured_token_time: 0.02 / kept})
    assert implied == pytest.approx(accepted, abs=1e-12)


def test_the_share_of_the_bound_is_the_largest_utilisation() -> None:
    step = st.step("llama-3.1-70b", "h100-sxm", weights="fp8", batch=64, layout=st.Layout(tp=8))
    found = step.against("20ms").to_dict()["measured"]
    assert found["share_of_bound"] == pytest.approx(max(found["mfu"], found["mbu"]), rel=0.01)
