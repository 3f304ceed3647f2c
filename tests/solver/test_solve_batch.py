"""The best batch: equal to closed forms, beaten by no grid point, priced rightly, and honest about what it proved."""

import numpy as np
import pytest
import sympy
from conftest import case_of, room_of
from test_crossover import blackboard_case

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.solver.batch import RESOURCE, solve_batch
from steptime.model.solver.crossover import find_crossover
from steptime.model.solver.posynomial import falls_per_unit, is_posynomial, slope_at_infinity
from steptime.model.step.solver_words import limit_of

CASES = {
    "crossover inside capacity": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8", "context": "1000"}, {}),
    "capacity binds": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8", "context": "4096"}, {}),
    "step time binds": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8", "context": "4096"}, {"max_step_time": 0.012}),
    "experts touched": ("deepseek-v3", "h100-sxm", {"layout": "dp=32,ep=32", "context": "2000"}, {}),
    "operation by operation": ("mixtral-8x7b", "mi300x", {"layout": "tp=2", "overlap": "per-operation"}, {}),
    "nothing overlaps": ("qwen3-235b-a22b", "h200-sxm", {"layout": "tp=4,dp=2,ep=8", "overlap": "none"}, {}),
    "a limit of the user": ("llama-3.1-8b", "a100-sxm-80gb", {"layout": "tp=1"}, {"limits": ("batch<=50",)}),
    "a rate to keep": (
        "llama-3.1-8b",
        "a100-sxm-80gb",
        {"layout": "tp=1"},
        {"limits": ("tokens_per_second_per_sequence>=80",)},
    ),
    "pipeline and replicas": ("llama-3.1-405b", "h100-sxm", {"layout": "tp=8,pp=2,replicas=2"}, {}),
    "latency": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8"}, {"minimise": "latency"}),
    "latency at a cost": (
        "llama-3.1-70b",
        "h100-sxm",
        {"layout": "tp=8"},
        {"minimise": "latency", "limits": ("dollars_per_million_tokens<=2",)},
    ),
}


def answer_of(name: str, **changes):
    """At the ideal bound: limits on time hold for it, as those of the figures below do."""
    model, hardware, options, asked = CASES[name]
    return best_of(case_of(model, hardware, efficiency="ideal", **options, **changes), **asked)


def best_of(case, limits=(), **asked):
    """The best batch of a case, limits as texts."""
    return solve_batch(case, limits=tuple(map(limit_of, limits)), **asked)


@pytest.mark.parametrize("name", CASES)
def test_no_point_of_a_million_beats_it(name) -> None:
    answer = answer_of(name)
    case, found = answer.case, answer.solution
    least, exponent = case.layout.replicas * case.layout.pp, 0 if answer.minimise == "latency" else -1
    grid = np.geomspace(least, found.value * 1e3, 10**6)
    there = case.scenario | {q.batch: grid}
    step = there.evaluate(q.step_time)
    memory = max((there.evaluate(f.total) for f in case.footprints), key=lambda used: float(np.max(used)))
    allowed = memory <= room_of(case)
    _, _, _, asked = CASES[name]
    allowed &= step <= asked.get("max_step_time", np.inf)
    dollars = case.scenario.value(q.chips) * case.scenario.value(q.chip_hour_price) / 3600 * step / grid
    for text in asked.get("limits", ()):
        allowed &= {"batch<=50": grid <= 50, "tokens_per_second_per_sequence>=80": 1 / step >= 80,
                    "dollars_per_million_tokens<=2": dollars * 1e6 <= 2}[text]  # fmt: skip
    costs = (dollars if exponent else step)[allowed]
    assert costs.min() >= found.cost * (1 - 1e-9)
    # The smallest batch among equal costs: everything clearly below it costs clearly more.
    if exponent:
        smaller = allowed & (grid < found.value * 0.999)
        assert (dollars[smaller] > found.cost * (1 + 1e-7)).all()


@pytest.mark.parametrize("name", CASES)
def test_prices_add_up_and_residuals_are_small(name) -> None:
    answer = answer_of(name)
    found = answer.solution
    step_limits = {"max_step_time", "tokens_per_second_per_sequence", "dollars_per_million_tokens"}
    of_the_step = sum(-abs(price) for limit, price in found.shadow_prices.items() if limit in step_limits)
    if name != "latency at a cost":  # there the cost limit carries batch too
        assert sum(found.term_prices.values()) + of_the_step == pytest.approx(1, abs=1e-6)
    assert all(price >= -1e-9 for price in found.term_prices.values())
    assert all(
        price <= 1e-9
        for limit, price in found.shadow_prices.items()
        if limit in ("memory_capacity", "max_step_time", "batch")
    )
    assert found.residuals.worst < 1e-6
    assert set(RESOURCE) >= set(found.term_prices)


@pytest.mark.parametrize("name", ["crossover inside capacity", "capacity binds", "step time binds", "experts touched",
                                  "operation by operation", "nothing overlaps", "latency at a cost"])  # fmt: skip
def test_sensitivities_equal_finite_differences(name) -> None:
    """Solve again with each quantity a little more and a little less."""
    answer = answer_of(name)
    assert answer.sensitivities
    for quantity, worth in answer.sensitivities.items():
        value = answer.case.scenario.value(sympy.Symbol(quantity, positive=True))
        if value == 0 or quantity.endswith("efficiency") or quantity in ("context", "expert_load"):
            # An efficiency above one is refused, and a load below one; a context is whole. Others test their factors.
            continue
        less, more = one_sided(name, quantity, value)
        assert min(less, more) == pytest.approx(worth.least, abs=1e-4), quantity
        assert max(less, more) == pytest.approx(worth.most, abs=1e-4), quantity


def one_sided(name: str, quantity: str, value: float, step: float = 1e-5) -> list[float]:
    """The elasticity of the optimum to a little less and to a little more of a quantity, by solving again; a workspace
    that would follow the capacity stays."""
    stays = f"workspace={answer_of(name).case.scenario.value(q.workspace)!r}"

    def cost(by: float) -> float:
        return float(np.log(answer_of(name, sets=(stays, f"{quantity}={value * (1 + by)!r}")).solution.cost))

    there = cost(0.0)
    return [(cost(by) - there) / np.log1p(by) for by in (-step, step)]


@pytest.mark.parametrize("quantity", ["peak_flops", "memory_bandwidth"])
def test_where_terms_meet_at_a_fixed_batch_prices_are_an_interval(quantity, monkeypatch) -> None:
    """Held at the very batch at which memory and compute are equal, either may carry the price."""
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", context="1000", batch="512")
    resource = sympy.Symbol(quantity, positive=True)
    terms = {"peak_flops": ("compute", "memory"), "memory_bandwidth": ("memory", "compute")}[quantity]
    meets = case.scenario.value(resource) * case.times[terms[0]] / case.times[terms[1]]
    held = ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8", "context": "1000"},
            {"minimise": "latency", "limits": ("batch>=512",)})  # fmt: skip
    monkeypatch.setitem(CASES, "held", held)
    answer = answer_of("held", sets=(f"{quantity}={meets!r}",))
    worth = answer.sensitivities[quantity]
    assert not answer.solution.prices.unique
    assert (worth.least, worth.most) == pytest.approx((-1, 0), abs=1e-5)
    assert one_sided("held", quantity, meets) == pytest.approx([-1, 0], abs=1e-4)


def test_equals_the_closed_form_where_one_exists() -> None:
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", context="1000", efficiency="ideal")
    closed = find_crossover(case, "memory", "compute", q.batch)
    found = solve_batch(case).solution
    assert closed.closed_form is not None
    assert found.value == pytest.approx(closed.value, rel=1e-6)
    assert found.is_global


def test_equals_the_lecture_on_its_own_board(tmp_path) -> None:
    """Row 1.3: at the optimum the cost is p max(2 N_a/F, ...), here the compute floor, at b* = 2400."""
    case = blackboard_case(tmp_path, 256e9, 32e9, 600e12, 1e12, 0)
    found = solve_batch(case).solution
    assert found.value == pytest.approx(2400, rel=1e-6)
    assert found.cost == pytest.approx(2 / 3600 * 2 * 32e9 / 600e12, rel=1e-9)
    assert found.is_global


@pytest.mark.parametrize("name", ["crossover inside capacity", "experts touched", "capacity binds"])
def test_the_same_answer_from_twenty_starts(name) -> None:
    model, hardware, options, asked = CASES[name]
    case = case_of(model, hardware, **options)
    values = [best_of(case, start=float(start), **asked).solution.value for start in np.geomspace(1, 1e6, 20)]
    assert max(values) / min(values) - 1 < 1e-6


def test_the_infimum_above_the_balanced_context_is_not_attained(tmp_path) -> None:
    """Row 1.3 above L*, no capacity known: the cost falls towards p L kappa/W and never gets there."""
    case = blackboard_case(tmp_path, 700e9, 37e9, 2e15, 3.35e12, 1000, context="1000000")
    answer = solve_batch(case)
    assert not answer.attained and answer.solution is None
    assert answer.infimum == pytest.approx(2 / 3600 * 1_000_001 * 1000 / 3.35e12, rel=1e-9)
    limited = best_of(case, limits=("batch<=100",))
    assert limited.attained and limited.solution.value == pytest.approx(100, rel=1e-6)
    assert limited.solution.cost > answer.infimum


def test_whole_batches_are_checked_with_whole_sequences() -> None:
    answer = answer_of("experts touched")
    whole = int(answer.integer["batch"])
    there = answer.case.scenario | {q.batch: float(whole)}
    assert there.evaluate(q.memory_per_chip) <= room_of(answer.case)
    assert answer.integer["cost"] >= answer.solution.cost * (1 - 1e-9)
    more = answer.case.scenario | {q.batch: float(whole + 1)}
    fits = more.evaluate(q.memory_per_chip) <= room_of(answer.case)
    assert not fits or more.evaluate(q.step_time) / (whole + 1) >= there.evaluate(q.step_time) / whole * (1 - 1e-12)


@pytest.mark.parametrize(("asked", "named"), [
    ({"max_step_time": 1e-4}, "max_step_time is exceeded"),
    ({"limits": ("batch<=0.5",)}, "outside the sane range"),
    ({"limits": ("memory_per_chip<=1GB",)}, "memory_per_chip is exceeded 17.8"),
    ({"limits": ("tokens_per_second_per_sequence>=100000",)}, "tokens_per_second_per_sequence is exceeded"),
])  # fmt: skip
def test_infeasible_names_the_limit_and_by_how_much(asked, named) -> None:
    with pytest.raises(UserError, match=named):
        best_of(case_of("llama-3.1-70b", "h100-sxm", layout="tp=8"), **asked)


def test_weights_that_do_not_fit_are_infeasible() -> None:
    with pytest.raises(UserError, match="memory_capacity is exceeded"):
        solve_batch(case_of("llama-3.1-405b", "h100-sxm", layout="tp=8"))


def test_a_missing_price_is_named_and_chip_seconds_offered() -> None:
    case = case_of("llama-3.1-8b", "tpu7x")
    with pytest.raises(UserError, match=r"hardware.toml: \[tpu7x\] chip_hour_price.*chip-seconds"):
        solve_batch(case, minimise="cost")
    assert solve_batch(case).minimise == "chip-seconds"


@pytest.mark.parametrize(("expr", "posynomial", "falls"), [
    (3 * q.batch + 2, True, True),
    (q.batch**2, True, False),
    (q.batch - 1, False, False),
    (5 - 2 * sympy.Rational(1, 2) ** q.batch, False, True),
    (5 - 7 * sympy.Rational(1, 2) ** q.batch, False, False),
    (5 - 2 * sympy.Integer(2) ** q.batch, False, False),
    (5 + 2 * sympy.Rational(1, 2) ** q.batch, False, False),
    (sympy.sqrt(q.batch) / 3, True, False),
    (4 - sympy.exp(-q.batch), False, True),
    (sympy.exp(-q.batch), False, False),
], ids=str)  # fmt: skip
def test_proofs(expr, posynomial, falls) -> None:
    assert is_posynomial(expr, (q.batch,)) is posynomial
    assert falls_per_unit(expr, q.batch) is falls


def test_slope_at_infinity() -> None:
    assert slope_at_infinity(3 + 2 * q.batch - sympy.Rational(1, 2) ** q.batch, q.batch) == 2
