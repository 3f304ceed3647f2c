"""Crossovers: terms meet at them, closed forms are the lecture's, and what has no crossover says so."""

import numpy as np
import pytest
import sympy
from conftest import case_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import steptime
from steptime.derivations.library import find
from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.quantity import lookup
from steptime.model.scenario import Scenario
from steptime.model.solver.crossover import balanced_context, crossovers, find_crossover
from steptime.model.step.case import RESOURCES
from steptime.model.terms import crossover

QUANTITIES = ["batch", "context", "peak_flops", "memory_bandwidth", "scale_up_bandwidth", "scale_out_bandwidth",
              "bytes_per_weight", "bytes_per_kv", "scale_up_latency"]  # fmt: skip
NAMES = [("compute", "memory"), ("memory", "interconnect"), ("compute", "scale_out"), ("memory", "scale_up")]


@settings(max_examples=40, deadline=None)
@given(
    between=st.sampled_from(NAMES),
    over=st.sampled_from(QUANTITIES),
    context=st.integers(1, 50_000),
    batch=st.integers(1, 8192),
    model=st.sampled_from(["llama-3.1-70b", "deepseek-v3", "gemma-3-27b"]),
    experts=st.sampled_from(["expected", "all"]),
)
def test_terms_meet_at_every_crossover(between, over, context, batch, model, experts) -> None:
    layout = "dp=16,ep=16" if model == "deepseek-v3" else "tp=16"
    sets = ("scale_up_latency=1e-6",) if over == "scale_up_latency" else ()
    sets = ("bytes_per_weight=1",) if over == "bytes_per_weight" else sets  # asked of all weights alike
    case = case_of(model, "h100-sxm", layout=layout, context=str(context), batch=str(batch), experts=experts, sets=sets)
    symbol, case = lookup(over).symbol, case.relaxed
    try:
        answer = find_crossover(case, *between, symbol)
    except UserError as error:
        assume("depends on" not in str(error))
        raise
    for value in answer.values:
        there = case.scenario | {symbol: value}
        left, right = (there.evaluate(RESOURCES[name]) for name in between)
        assert left == pytest.approx(right, rel=1e-9)
    if answer.closed_form is not None and answer.exists:
        assert case.scenario.evaluate(answer.closed_form.rhs) == pytest.approx(answer.value, rel=1e-9)
    if (
        answer.exists_when is not None
        and answer.exists_when not in (sympy.true, sympy.false)
        and answer.closed_form is not None
    ):
        assert len(answer.closed_form.rhs.free_symbols) > 0
    _no_crossing_is_missed(case, between, symbol, answer.values)


def _no_crossing_is_missed(case, between, symbol, values) -> None:
    """On a grid of its own, over what the quantity may be, signs change only where a crossover was reported."""
    present, (least, most) = case.scenario.value(symbol), lookup(symbol.name).sane
    grid = np.geomspace(max(present / 1e4, least), min(present * 1e4, most), 4001)
    there = case.scenario | {symbol: grid}
    heights = np.broadcast_to(there.evaluate(RESOURCES[between[0]]) - there.evaluate(RESOURCES[between[1]]), grid.shape)
    for i in np.flatnonzero(np.sign(heights[:-1]) * np.sign(heights[1:]) < 0):
        assert any(grid[i] * (1 - 1e-9) <= value <= grid[i + 1] * (1 + 1e-9) for value in values)


def test_optimal_batch_of_the_lecture_from_its_own_round_numbers(tmp_path) -> None:
    """Lecture 1.5: rho = 300 and 256 experts of which 32 are active give 300 x 8 = 2400."""
    case = blackboard_case(tmp_path, parameters=256e9, active=32e9, flops=600e12, bandwidth=1e12, kv=0)
    answer = find_crossover(case, "memory", "compute", q.batch)
    assert answer.value == pytest.approx(2400, rel=1e-12)


def test_bytes_of_all_weights_alike_may_be_asked_of_a_mixed_model() -> None:
    """Where the unembedding is in 16 bits and the rest is in 8, the crossover is that of one format for all."""
    mixed, plain = (case_of("deepseek-v3", "h100-sxm", layout="dp=16,ep=16", batch="4096", context="1", sets=sets)
                    for sets in ((), ("bytes_per_weight=1",)))  # fmt: skip
    asked = [find_crossover(case, "memory", "compute", q.bytes_per_weight) for case in (mixed, plain)]
    assert asked[0].value == pytest.approx(asked[1].value, rel=1e-12)


def test_optimal_batch_of_deepseek_v3_on_h100_is_ridge_times_sparsity() -> None:
    """rho N_t/N_a, every stored weight read: about 295 x 671.03/36.62."""
    sets = (
        "bytes_per_weight=1",
        "kv_bytes=0",
        "kv_written=0",
        "attention_flops=0",
        "parameters_read=671026419200",
        "compute_shards=16",
        "weight_shards=16",
    )
    case = case_of("deepseek-v3", "h100-sxm", layout="dp=16,ep=16", sets=sets)
    ridge = 1979e12 / (2 * 3.35e12)
    assert ridge == pytest.approx(295.4, abs=0.05)
    answer = find_crossover(case, "memory", "compute", q.batch)
    assert answer.value == pytest.approx(ridge * 671_026_419_200 / 36_624_596_992, rel=1e-9)
    assert answer.value == pytest.approx(5412, rel=1e-3)


def test_drain_time_of_rubin_in_the_lecture() -> None:
    """Lecture 1.9: 288 GB at 20 TB/s is 14.4 ms."""
    formula = find("drain-time").result.rhs
    found = Scenario({q.memory_capacity: 288e9, q.memory_bandwidth: 20e12}).evaluate(formula)
    assert found == pytest.approx(14.4e-3)


def blackboard_case(tmp_path, parameters, active, flops, bandwidth, kv, **options):
    model, machine = tmp_path / "m.toml", tmp_path / "h.toml"
    model.write_text(
        f'name = "m"\nparameters = {parameters}\nactive_parameters = {active}\nkv_bytes = {kv}\nweights = "fp8"\n'
    )
    machine.write_text(
        f'name = "h"\npeak_flops = {{ fp8 = {flops} }}\nmemory_bandwidth = {bandwidth}\nchip_hour_price = 2.0\n'
    )
    return case_of(str(model), str(machine), layout="tp=1", **options)


def test_closed_form_over_batch_is_the_lectures(tmp_path) -> None:
    """Lecture 1.6 with the written token: beta N_t F / (2 N_a W - L kappa F - kappa_w F), and its condition."""
    case = blackboard_case(tmp_path, 700e9, 37e9, 2e15, 3.35e12, "1000", context="1000")
    answer = find_crossover(case, "memory", "compute", q.batch)
    fall = q.context * q.kv_bytes * q.peak_flops + q.kv_written * q.peak_flops
    lecture = (
        q.bytes_per_weight
        * q.parameters_read
        * q.peak_flops
        / (q.flops_per_mac * q.active_parameters * q.memory_bandwidth - fall)
    )
    assert sympy.simplify(answer.closed_form.rhs - lecture) == 0
    assert sympy.simplify(answer.exists_when.gts - q.flops_per_mac * q.active_parameters * q.memory_bandwidth) == 0
    assert sympy.simplify(answer.exists_when.lts - fall) == 0


def test_no_crossover_above_the_balanced_context(tmp_path) -> None:
    """Lecture 1.7: L* = 2 N_a W/(kappa F); the optimal batch diverges towards it and there is none above."""
    limit = (2 * 37e9 * 3.35e12 / (1000 * 2e15)) - 1  # the written token counts as one more of context
    below = blackboard_case(tmp_path, 700e9, 37e9, 2e15, 3.35e12, "1000", context=str(int(limit * 0.999)))
    assert balanced_context(below) == pytest.approx(limit, rel=1e-9)
    assert find_crossover(below, "memory", "compute", q.batch).value > 1e5
    above = blackboard_case(tmp_path, 700e9, 37e9, 2e15, 3.35e12, "1000", context=str(int(limit * 1.001) + 2))
    answer = find_crossover(above, "memory", "compute", q.batch)
    assert not answer.exists
    assert "always memory-bound above context L*" in answer.remark and f"{limit:,.0f}" in answer.remark


def test_no_closed_form_where_experts_are_touched_but_a_bracketed_root() -> None:
    case = case_of("deepseek-v3", "h100-sxm", layout="dp=16,ep=16", context="500")
    answer = find_crossover(case, "memory", "compute", q.batch)
    low, high = answer.bracket
    assert answer.closed_form is None and low < answer.value < high
    everything = case_of("deepseek-v3", "h100-sxm", layout="dp=16,ep=16", context="500", experts="all")
    closed = find_crossover(everything, "memory", "compute", q.batch)
    assert closed.closed_form is not None and closed.bracket is None
    assert closed.value == pytest.approx(answer.value, rel=1e-6)  # so many tokens touch every expert


def test_windows_have_no_closed_form_over_context() -> None:
    case = case_of("gemma-3-27b", "a100-sxm-80gb", layout="tp=1", batch="2048")
    answer = find_crossover(case, "memory", "compute", q.context)
    assert answer.closed_form is None and answer.bracket is not None


def test_quadratic_difference_gives_both_roots() -> None:
    left, right = q.batch**2 + 6 * q.context**2, 5 * q.batch * q.context
    roots = {sympy.simplify(found.at.rhs) for found in crossover(left, right, q.batch)}
    assert roots == {2 * q.context, 3 * q.context}


def test_cubic_and_exponential_differences_have_no_closed_form() -> None:
    assert crossover(q.batch**3, q.context, q.batch) == ()
    assert crossover(sympy.Rational(1, 2) ** q.batch, q.context, q.batch) == ()


@pytest.mark.parametrize(("between", "over", "complaint"), [
    (("memory", "memory"), "batch", "not two different terms"),
    (("memory", "cache"), "batch", "is not a term"),
    (("interconnect", "scale_up"), "batch", "not two different terms"),
    (("memory", "compute"), "scale_out_bandwidth", "neither memory nor compute depends"),
    (("memory", "compute"), "kv_bytes", "follows from other quantities"),
    (("memory", "compute"), "prompt", "has no value here"),
])  # fmt: skip
def test_meaningless_questions(between, over, complaint) -> None:
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8")
    with pytest.raises(UserError, match=complaint):
        find_crossover(case, *between, lookup(over).symbol)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("model", "hardware", "output"), [("mixtral-8x7b", "h20", 500), ("gpt-oss-20b", "trainium2", 4000)]
)
def test_nothing_is_asked_of_less_than_a_sequence_in_flight(model: str, hardware: str, output: int) -> None:
    """Of c sequences 1 - 1/c of their prefills ride along: below one that is negative, and a root means nothing."""
    step = steptime.step(model, hardware, chips=8, scope="serving", output=output)
    alone = step.case.relaxed.scenario.values[q.batch] / step.case.relaxed.number(q.in_flight)
    found = [one for one in crossovers(step.case) if one.over == q.batch]
    assert found and all(value >= alone for one in found for value in one.values)
