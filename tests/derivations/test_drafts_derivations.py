"""What is proved of drafts, against the best number found one by one, and against numbers of a paper."""

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given, strategies
from sympy import Eq, LambertW, Symbol, exp

from steptime.derivations.batch import draft_cost, draft_length
from steptime.derivations.batch import symbols as s
from steptime.derivations.experts import drafted
from steptime.derivations.experts.symbols import always_read, routed_weights, untouched_share
from steptime.derivations.rules import Rule, equation, lambert
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

CHANCES, COSTS = strategies.floats(0.05, 0.98), strategies.floats(0.005, 2.0)


def at(one: Derivation, values: dict[Symbol, float]) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


def gain(chance: float, cost: float, ahead: float) -> float:
    return sum(chance**turn for turn in range(int(ahead) + 1)) / (1 + cost * ahead)


def test_gain_by_hand() -> None:
    """(1 + 0.5 + 0.25) / (1 + 2 * 0.1) = 1.4583."""
    assert at(draft_cost.speed_up, {q.acceptance: 0.5, q.drafts: 2, s.draft_cost: 0.1}) == pytest.approx(1.75 / 1.2)


@given(CHANCES, COSTS)
def test_one_more_draft_pays_up_to_the_limit(chance: float, cost: float) -> None:
    for ahead in range(6):
        values = draft_cost.drafting(chance, cost, ahead)
        least = at(draft_cost.dearest, values)
        assume(abs(cost / least - 1) > 1e-6)
        assert (gain(chance, cost, ahead + 1) > gain(chance, cost, ahead)) == (cost < least)
        assert at(draft_cost.dearest, {**values, **draft_cost.drafting(chance, cost, ahead + 1)}) < least


@given(CHANCES, COSTS)
def test_no_draft_pays_where_the_first_does_not(chance: float, cost: float) -> None:
    assume(abs(cost - chance) > 1e-6)
    best = max(gain(chance, cost, ahead) for ahead in range(1, 60))
    assert (best > 1) == (cost < chance)


@given(strategies.floats(0.2, 0.97), strategies.floats(0.005, 0.15))
def test_the_closed_form_lies_beside_the_best_whole_number(chance: float, cost: float) -> None:
    found = at(draft_length.best, draft_cost.drafting(chance, cost))
    assume(found > 0)
    best = max(range(200), key=lambda ahead: gain(chance, cost, ahead))
    assert best in (math.floor(found), math.ceil(found))


@given(strategies.floats(0.3, 0.95), strategies.floats(0.005, 0.2))
def test_dearer_or_less_sure_drafts_are_fewer(chance: float, cost: float) -> None:
    found = at(draft_length.best, draft_cost.drafting(chance, cost))
    assert at(draft_length.best, draft_cost.drafting(chance, cost * 1.1)) < found
    assert at(draft_length.best, draft_cost.drafting(chance * 0.95, cost)) < found


@pytest.mark.parametrize("cost", [1e-3, 1e-4, 1e-6])
def test_the_closed_form_lasts_where_its_exponential_is_no_float(cost: float) -> None:
    """At a cost of 1e-4 the margin is 6,933: exp(-6,933) is nought. The best whole number is found one by one."""
    found = at(draft_length.best, draft_cost.drafting(0.5, cost))
    best = max(range(60), key=lambda ahead: (1 - 0.5 ** (ahead + 1)) / (1 + cost * ahead))
    assert best in (math.floor(found), math.ceil(found))


def test_cheap_drafts_grow_by_a_logarithm() -> None:
    """A tenth of the cost: ln(10)/0.105 more drafts, the more exactly the cheaper they are."""
    few, many = (at(draft_length.best, draft_cost.drafting(0.5, cost)) for cost in (1e-2, 1e-3))
    assert many - few == pytest.approx(math.log(10) / -math.log(0.5), rel=0.1)


@given(strategies.floats(0.3, 0.95), strategies.integers(1, 6), strategies.floats(0.05, 0.999))
def test_drafts_of_experts_pay_from_one_batch_on(chance: float, ahead: int, left: float) -> None:
    assume(abs(left - chance) > 1e-6)
    values = {q.acceptance: chance, q.drafts: float(ahead), untouched_share: left}
    assert (at(drafted.of_experts, values) > 1) == (left < chance)


@given(strategies.floats(0.3, 0.95), strategies.floats(0.01, 0.999), strategies.floats(0.5, 2.0))
def test_weights_read_anyhow_carry_one_draft(chance: float, left: float, more: float) -> None:
    assume(abs(more - 1) > 1e-6)
    needed = at(drafted.at_any, {q.acceptance: chance, routed_weights: 1.0})
    worst = at(drafted.worst, {q.acceptance: chance})
    there = at(drafted.for_one, {q.acceptance: chance, routed_weights: 1.0, untouched_share: worst})
    assert there == pytest.approx(needed)
    if left > chance:
        anywhere = {q.acceptance: chance, routed_weights: 1.0, untouched_share: left}
        assert at(drafted.for_one, anywhere) <= needed * 1.0001
    reads = [needed * more + 1 - worst**tokens for tokens in (1, 2)]
    assert ((1 + chance) * reads[0] > reads[1]) == (more > 1)


def test_deepseek_v3_by_hand() -> None:
    """ln 0.85 / ln(1 - 8/256) = 5.12 sequences; 0.15² / (4 · 0.85) of the experts' weights."""
    assert drafted.from_batch.evaluate() == pytest.approx(5.1189, rel=1e-4)
    values = drafted.drafted()
    assert drafted.at_any.evaluate() / values[routed_weights] == pytest.approx(0.0225 / 3.4)
    assert values[always_read] == pytest.approx(17.1e9, rel=0.01)


def false(one: Derivation, place: int, old, new) -> Derivation:
    """The same with one line stated otherwise."""
    step = one.steps[place]
    wrong = Step(step.why, step.rule, step.gives.func(step.gives.lhs, step.gives.rhs.xreplace({old: new})))
    return one.with_steps((*one.steps[:place], wrong, *one.steps[place + 1 :]))


def changed(one: Derivation, place: int, rule: Rule, gives: Eq) -> Derivation:
    """The same with another rule and the line that it gives."""
    step = Step(one.steps[place].why, rule, gives)
    return one.with_steps((*one.steps[:place], step, *one.steps[place + 1 :]))


LOWER, UPPER = LambertW(-exp(-s.draft_margin), -1), LambertW(-exp(-s.draft_margin))
UNWOUND = -s.pass_exponent - s.draft_margin
TURNED = draft_length.best.steps[1]
ATTACKS = {
    "the upper branch": false(draft_length.best, 5, LOWER, UPPER),
    "the upper branch, by its rule": changed(draft_length.best, 5, lambert(UNWOUND), equation(UNWOUND, UPPER)),
    "where a pass gains nothing more": changed(
        draft_length.best, 1, replace(TURNED.rule, one=2 * TURNED.rule.one),
        equation(2 * TURNED.gives.lhs, TURNED.gives.rhs)),
    "the fewest tokens": changed(draft_length.best, 1, replace(TURNED.rule, least=True), TURNED.gives),
    "no range": replace(draft_length.best, holds=()),
    "nobody chooses": replace(draft_length.best, assumes=()),
    "drafts that are kept for certain": replace(draft_cost.speed_up, holds=()),
    "the last draft's chance for the next": false(draft_cost.dearest, 1, q.drafts, q.drafts - 1),
    "a chance with the other sign": false(draft_length.by_exponent, 1, exp(-s.miss_exponent), exp(s.miss_exponent)),
    "experts that are read anew for every draft": false(drafted.of_experts, 0, untouched_share, untouched_share**2),
    "the best batch instead of the worst": replace(drafted.worst, assumes=()),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_false_is_refused(name: str) -> None:
    assert ATTACKS[name].failure is not None
