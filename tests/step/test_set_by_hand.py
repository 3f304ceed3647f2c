"""Amounts set by hand on an architecture: the terms follow them, split in as many ways as the layout really does."""

import pytest
from conftest import case_of

from steptime.model import symbols as q
from steptime.model.scenario import evaluate

CASES = {
    "dense": ("llama-3.1-70b", {"layout": "tp=8"}),
    "experts, split unevenly": ("deepseek-v3", {"layout": "tp=2,dp=16,ep=32"}),
    "prefill": ("llama-3.1-70b", {"layout": "tp=8", "phase": "prefill", "prompt": "2048"}),
    "training": ("gpt3-175b", {"layout": "tp=8,pp=8", "phase": "train"}),
}
WORK = {
    "active_parameters": "compute",
    "attention_flops": "compute",
    "parameters_read": "memory",
    "kv_bytes": "memory",
}


@pytest.mark.parametrize(
    "name, amount", [(name, amount) for name in CASES for amount in WORK if (name, amount) != ("training", "kv_bytes")]
)
def test_a_term_follows_an_amount_and_the_split_stays(name, amount) -> None:
    model, options = CASES[name]
    usual = case_of(model, "h100-sxm", **options)
    value = usual.number(getattr(q, amount))
    one, two, four = (
        case_of(model, "h100-sxm", sets=(f"{amount}={round(value * factor)}",), **options) for factor in (1, 2, 4)
    )
    term = WORK[amount]
    assert one.times[term] == pytest.approx(usual.times[term], rel=1e-6)
    first, second = two.times[term] - one.times[term], four.times[term] - two.times[term]
    assert second == pytest.approx(2 * first, rel=1e-6) and first > 0
    for shards in (q.compute_shards, q.weight_shards, q.kv_shards):
        assert four.number(shards) == pytest.approx(usual.number(shards), rel=1e-12)


def test_a_power_that_no_float_holds_is_infinite() -> None:
    assert evaluate(q.batch**q.context, {q.batch: 1e300, q.context: 3.0}) == float("inf")
