"""Chapter 1: drafts that cost something: how many tokens to draft, and how dear a draft may be."""

from collections.abc import Mapping

import sympy
from sympy import Symbol, log

from steptime.derivations.batch.drafts import LEVIATHAN, expected
from steptime.derivations.facts import Crossing, Defined, Line, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import both_sides, equation, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario
from steptime.model.symbols import acceptance, drafts, tokens_per_pass

from steptime.derivations.batch.symbols import (  # isort: skip
    draft_cost, draft_cost_limit, draft_gain, draft_margin, miss_exponent, next_gain,
)  # fmt: skip

TABLE = "Leviathan et al. 2023, arXiv 2211.17192"
NOT_INDEPENDENT = "in fact acceptances of one pass depend on one another: hard tokens follow hard ones"


def drafting(chance: float = 0.75, cost: float = 0.02, drafted: float = 7.0) -> Mapping[Symbol, float]:
    """So many drafts of such a cost, each accepted with such a chance, and what follows from them."""
    values = {acceptance: chance, draft_cost: cost, drafts: drafted, miss_exponent: -float(log(chance))}
    values[tokens_per_pass] = Scenario(values).evaluate(expected.result.rhs)
    values[draft_margin] = 1 + values[miss_exponent] * (1 - cost) / cost
    return {symbol: float(value) for symbol, value in values.items()}


SMALL = "T5-XXL translates with T5-small as its draft: 7 drafts, each accepted with a chance of 0.75, at 0.02 of a step"
PASS_OF_DRAFTS = Defined(
    draft_gain,
    tokens_per_pass / (1 + draft_cost * drafts),
    "the tokens that a pass keeps, over its time and that of its drafts in plain steps",
)

speed_up = Derivation(
    name="draft-speed-up",
    title="What drafts that cost something gain while memory binds",
    rows=("1.15",),
    claim="A pass keeps a geometric sum and pays for every draft: gains level off, costs do not.",
    start=PASS_OF_DRAFTS,
    steps=(
        Step(
            "the tokens that a pass keeps",
            substitute(expected),
            equation(
                draft_gain,
                (1 - acceptance ** (drafts + 1)) / ((1 - acceptance) * (1 + draft_cost * drafts)),
            ),
        ),
    ),
    assumes=(),
    sources=(LEVIATHAN, f"{TABLE}, theorem 3.8", NOT_INDEPENDENT),
    example=drafting,
    example_text=SMALL,
    holds=(more(sympy.S.One, acceptance),),
)

ONE_MORE = Defined(
    next_gain,
    (tokens_per_pass + acceptance ** (drafts + 1)) / (1 + draft_cost * (drafts + 1)),
    "one draft more: kept where all before it are, paid for in any case",
)
kept_enough = more(tokens_per_pass, drafts * acceptance ** (drafts + 1))

dearest = Derivation(
    name="one-more-draft",
    title="The cost of a draft up to which one more of them pays",
    rows=("1.15",),
    claim="One more pays as long as the chance that it is kept exceeds its cost times the gain so far: the margin "
    "against the mean. The limit falls with every draft, so that the first that does not pay ends the search.",
    start=Crossing(
        Line(speed_up, 0),
        ONE_MORE,
        "one draft more gains nothing",
        over=draft_cost,
        at=draft_cost_limit,
    ),
    steps=(
        Step(
            "clear both times",
            both_sides(side * (1 + draft_cost_limit * drafts) * (1 + draft_cost_limit * (drafts + 1))),
            equation(
                tokens_per_pass * (1 + draft_cost_limit * (drafts + 1)),
                (tokens_per_pass + acceptance ** (drafts + 1)) * (1 + draft_cost_limit * drafts),
            ),
        ),
        Step(
            "solve for the cost",
            solve_for(draft_cost_limit),
            equation(
                draft_cost_limit,
                acceptance ** (drafts + 1) / (tokens_per_pass - drafts * acceptance ** (drafts + 1)),
            ),
        ),
    ),
    assumes=(),
    sources=(f"{TABLE}, section 3.5", NOT_INDEPENDENT),
    example=drafting,
    example_text=SMALL,
    holds=(kept_enough,),
)

NONE_YET = given(drafts, 0, "nothing is drafted yet")
ONE_TOKEN = given(tokens_per_pass, 1, "a plain step keeps its one token")
first = Derivation(
    name="first-draft",
    title="The cost up to which any draft pays",
    rows=("1.15",),
    claim="A first draft pays if it is accepted more often than it costs steps; where it does not, no number does.",
    start=dearest,
    steps=(
        Step(
            "none so far",
            substitute(NONE_YET, ONE_TOKEN),
            equation(draft_cost_limit, acceptance),
        ),
    ),
    assumes=(NONE_YET, ONE_TOKEN),
    sources=(f"{TABLE}, corollary 3.9",),
    example=drafting,
    example_text=SMALL,
)

DERIVATIONS = (speed_up, dearest, first)
