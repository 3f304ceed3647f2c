"""An axiom stands where something rests on it, and nowhere else: by the formulas that a theorem holds."""

from collections.abc import Callable

import pytest
import sympy

from steptime.derivations import axioms
from steptime.derivations.basis import Pinned
from steptime.derivations.batch.symbols import index_bytes
from steptime.derivations.examples import behind
from steptime.derivations.facts import Axiom, Given, Side, Tends
from steptime.derivations.library import derivations, find
from steptime.derivations.overtraining import formulas as overtraining
from steptime.derivations.prices import formulas as prices
from steptime.derivations.steps import Derivation
from steptime.model import symbols as q
from steptime.model.economics import cost
from steptime.model.fleet.symbols import price_a, price_b
from steptime.model.phases import decode


def rests_on(one: Derivation) -> set[object]:
    """What a theorem assumes, on either side of a comparison too, and in what it takes over under a name."""
    pinned = (a for _, means in one.final.definitions if isinstance(means, Pinned) for a in means.assumptions)
    return {a.assumption if isinstance(a, Side) else a for a in (*one.final.assumptions, *pinned)}


def holds_any(*formulas: sympy.Expr) -> Callable[[Derivation], bool]:
    """Whether a theorem starts from, or puts in, one of these formulas, also by way of others."""

    def found(one: Derivation) -> bool:
        lines = (fact.line for fact in behind(one) if hasattr(fact, "line"))
        return any(part in formulas for line in lines for part in sympy.preorder_traversal(line.rhs))

    return found


def many_sequences(one: Derivation) -> bool:
    limits = {(a.variable, a.to) for a in rests_on(one) if isinstance(a, Tends)}
    return (q.micro_batch, sympy.oo) in limits


def scores(one: Derivation) -> bool:
    nought = any(isinstance(a, Given) and a.relation.args == (index_bytes, 0) for a in rests_on(one))
    return index_bytes in one.result.free_symbols and not nought


RESTS = {
    "reading once": (axioms.STREAMED_ONCE, holds_any(decode.memory.time, decode.memory_slope)),
    "paying for chips": (axioms.PAID_THROUGHOUT, holds_any(cost.cost_per_token, prices.pass_cost)),
    "a batch without bound": (axioms.CACHES_FIT, many_sequences),
    "an index": (axioms.ALL_SCORED, scores),
    "a law of loss": (axioms.ACTIVE_COUNT, lambda one: axioms.LOSS_LAW in rests_on(one)),
    "a training step's FLOP": (
        axioms.BOTH_GRADIENTS,
        holds_any(overtraining.pretraining_flops, overtraining.price_by_tokens, overtraining.price_by_weights),
    ),
}


@pytest.mark.parametrize("name", RESTS)
def test_an_axiom_stands_where_something_rests_on_it(name: str) -> None:
    axiom, rests = RESTS[name]
    there = [one for one in derivations() if rests(one)]
    assert there and not [one.name for one in there if axiom not in rests_on(one)]


def test_nobody_is_said_to_pay_who_does_not() -> None:
    def pays(one: Derivation) -> bool:
        there = set().union(*(fact.line.free_symbols for fact in one.facts), *(line.free_symbols for line in one.lines))
        prices = {q.chip_hour_price, q.chip_second_price, price_a, price_b}
        return bool(there & prices) or any(pays(other) for other in one.uses)

    assert not [one.name for one in derivations() if axioms.PAID_THROUGHOUT in rests_on(one) and not pays(one)]


def test_every_axiom_is_used() -> None:
    declared = {one for one in vars(axioms).values() if isinstance(one, Axiom)}
    assert declared == {a for one in derivations() for a in rests_on(one) if isinstance(a, Axiom)}


@pytest.mark.parametrize("name", ["training-run-time", "prefill-ridge", "top-k-short"])
def test_what_is_left_out_needs_no_axiom(name: str) -> None:
    assert not {axioms.ATTENDS_TO_ALL, axioms.ALL_SCORED} & rests_on(find(name))


@pytest.mark.parametrize("name", ["prefill-balance", "training-flops", "causal-pairs"])
def test_what_is_counted_does(name: str) -> None:
    assert axioms.ATTENDS_TO_ALL in rests_on(find(name))
