"""Chapter 1: how many tokens to draft, in closed form, beside what a paper expects and measures."""

from functools import partial

from sympy import LambertW, exp, log

from steptime.derivations.batch.draft_cost import NOT_INDEPENDENT, SMALL, TABLE, drafting, speed_up
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Chosen, Defined
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import both_sides, equation, lambert, side, solve_for, substitute, turning
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario
from steptime.model.symbols import acceptance, drafts

from steptime.derivations.batch.symbols import (  # isort: skip
    draft_cost, draft_gain, draft_margin, miss_exponent, pass_exponent,
)  # fmt: skip

EXPONENT = Defined(miss_exponent, -log(acceptance), "what makes the chance of acceptance an exponential")
WHOLE_PASS = Defined(pass_exponent, miss_exponent * (drafts + 1), "the tokens of a pass, by how fast chances fall")
MARGIN = Defined(
    draft_margin,
    1 + miss_exponent * (1 - draft_cost) / draft_cost,
    "what a draft spares of a step over what it costs, by how fast chances fall",
)
MOST = Chosen(drafts, "as many tokens are drafted, whole or not, as make most tokens a second", least=False)

by_exponent = Derivation(
    name="acceptance-by-exponent",
    title="The chance of acceptance as an exponential",
    rows=("1.15",),
    claim="Chances that multiply are exponents that add.",
    start=EXPONENT,
    steps=(
        Step(
            "the exponential of both sides, below one",
            both_sides(exp(-side)),
            equation(exp(-miss_exponent), acceptance),
        ),
        Step("solve for the chance", solve_for(acceptance), equation(acceptance, exp(-miss_exponent))),
    ),
    assumes=(),
    sources=(TABLE,),
    example=drafting,
    example_text=SMALL,
)

missed = exp(-miss_exponent * (drafts + 1))
lost = 1 - exp(-miss_exponent)
best = Derivation(
    name="best-drafts",
    title="How many tokens to draft",
    rows=("1.15",),
    claim="Cheap drafts and sure ones are drafted far ahead: the number grows with the logarithm of one over the cost. "
    "It is the whole number just below or above.",
    start=speed_up,
    steps=(
        Step(
            "chances as exponentials",
            substitute(by_exponent),
            equation(draft_gain, (1 - missed) / (lost * (1 + draft_cost * drafts))),
        ),
        Step(
            "where gains stop rising: what one more draft brings is what it costs",
            turning(
                drafts,
                miss_exponent * missed * (1 + draft_cost * drafts),
                draft_cost * (1 - missed),
                1 / (lost * (1 + draft_cost * drafts) ** 2),
                least=False,
            ),
            equation(miss_exponent * missed * (1 + draft_cost * drafts), draft_cost * (1 - missed)),
        ),
        Step(
            "the exponential alone",
            both_sides(1 + side / (draft_cost * missed)),
            equation(1 + miss_exponent / draft_cost * (1 + draft_cost * drafts), 1 / missed),
        ),
        Step(
            "one unknown for the tokens of a pass, one for the cost",
            substitute(WHOLE_PASS.for_(drafts), MARGIN.for_(draft_cost)),
            equation(pass_exponent + draft_margin, exp(pass_exponent)),
        ),
        Step(
            "the unknown in a product with its own exponential",
            both_sides(-side * exp(-pass_exponent - draft_margin)),
            equation(-(pass_exponent + draft_margin) * exp(-pass_exponent - draft_margin), -exp(-draft_margin)),
        ),
        Step(
            "Lambert's function undoes it, on its lower branch: the sum is no less than one",
            lambert(-pass_exponent - draft_margin, -1),
            equation(-pass_exponent - draft_margin, LambertW(-exp(-draft_margin), -1)),
        ),
        Step(
            "the tokens of a pass are the drafts and one",
            substitute(WHOLE_PASS),
            equation(-miss_exponent * (drafts + 1) - draft_margin, LambertW(-exp(-draft_margin), -1)),
        ),
        Step(
            "solve for the drafts",
            solve_for(drafts),
            equation(drafts, -1 + (-LambertW(-exp(-draft_margin), -1) - draft_margin) / miss_exponent),
        ),
    ),
    assumes=(MOST,),
    sources=(f"{TABLE}, section 3.5 (there by numbers)", NOT_INDEPENDENT),
    example=drafting,
    example_text=SMALL,
    holds=(at_least(-LambertW(-exp(-draft_margin), -1), draft_margin + miss_exponent),),
)

DERIVATIONS = (by_exponent, best)


def _gain(chance: float, cost: float, drafted: int) -> float:
    return float(Scenario(drafting(chance, cost, drafted)).evaluate(speed_up.result.rhs))


def _inputs(chance: float, cost: float, drafted: int) -> dict[str, float]:
    return {acceptance.name: chance, draft_cost.name: cost, drafts.name: float(drafted)}


def _off_the_best(chance: float, cost: float) -> float:
    """By how far the closed form lies beside the best whole number of drafts, found one by one."""
    best_whole = max(range(400), key=lambda drafted: _gain(chance, cost, drafted))
    return float(Scenario(drafting(chance, cost)).evaluate(best.result.rhs)) - best_whole


TRANSLATED = (("small", 0.75, 0.02, 3.2, 3.4), ("base", 0.80, 0.04, 3.3, 2.8), ("large", 0.82, 0.11, 2.5, 1.7))
"""T5-XXL with drafts of a smaller T5, English to German, 7 drafts: acceptance, cost, gain expected and measured."""

CLAIMS = (
    *(
        Claim("1.15", f"T5-XXL translates with 7 drafts of T5-{size}, accepted with {chance} at {cost} of a step: the "
              f"gain that the paper {word} ({TABLE}, appendix)", said, partial(_gain, chance, cost, 7),
              partial(_inputs, chance, cost, 7), wording=wording, source=Source.PAPER)
        for size, chance, cost, predicted, measured in TRANSLATED
        for word, said, wording in (("expects", predicted, Wording.EXACT), ("measures", measured, Wording.ABOUT))
    ),
    *(
        Claim("1.15", f"Free drafts, {drafted} of them accepted with {chance}: the speed of {TABLE}, table 1", said,
              partial(_gain, chance, 1e-9, drafted), partial(_inputs, chance, 1e-9, drafted), source=Source.PAPER)
        for chance, drafted, said in ((0.6, 2, 1.96), (0.8, 5, 3.69), (0.9, 10, 6.86))
    ),
    *(
        Claim("1.15", f"Acceptance {chance}, cost {cost}: the closed form less the best whole number of drafts: less "
              "than one", None, partial(_off_the_best, chance, cost), partial(_inputs, chance, cost, 7),
              source=Source.OWN, must=lambda value: abs(value) < 1)
        for chance, cost in ((0.5, 0.02), (0.75, 0.02), (0.8, 0.04), (0.9, 0.11))
    ),
)  # fmt: skip
