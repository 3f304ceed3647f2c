"""Chapter 12, waiting: the law of the number of sequences in service, and what a token sees of it."""

from steptime.derivations.axioms import AT_RANDOM, INSENSITIVE, SHARED_EVENLY, STEADY_STATE
from steptime.derivations.facts import Compared, Crossing, Defined, Modelled
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.waiting.numbers import BONALD, GROUP, KLEINROCK, ORCA, group
from steptime.model.waiting import formulas

from steptime.derivations.waiting.symbols import (  # isort: skip
    asked_rate, coming_rate, leaving_rate, made_rate, token_share,
)  # fmt: skip
from steptime.model.waiting.symbols import (  # isort: skip
    chance_above, chance_here, decode_left, decoded, in_service, group_rate, sharing, step_base, step_slope,
)  # fmt: skip

SHARING = Defined(sharing, formulas.shared_work, "the work that sequences share, over the time that is left for it")
WORLD = (AT_RANDOM, SHARED_EVENLY, INSENSITIVE, STEADY_STATE)

balance = Derivation(
    name="service-balance",
    title="One more in service",
    rows=("12.1",),
    claim="What is in service goes up by requests that come and down by those that end: as often each way.",
    start=Crossing(
        Modelled(coming_rate, formulas.coming),
        Modelled(leaving_rate, formulas.leaving),
        "as many requests begin with so many in service as end with one more",
    ),
    steps=(
        Step(
            "solve for the share of time with one more",
            solve_for(chance_above),
            equation(
                chance_above,
                chance_here
                * group_rate
                * decoded
                * (step_base + step_slope * (in_service + 1))
                / (decode_left * (in_service + 1)),
            ),
        ),
    ),
    assumes=WORLD,
    sources=(BONALD, KLEINROCK, ORCA),
    example=group,
    example_text=GROUP,
)

ratio = Derivation(
    name="service-ratio",
    title="One more in service, by the work that is shared",
    rows=("12.1",),
    claim="The ratio of neighbours of a negative binomial law, its shape a step with one sequence over what each adds.",
    start=balance,
    steps=(
        Step(
            "the rate by the work that is shared",
            substitute(SHARING.for_(group_rate)),
            equation(
                chance_above,
                chance_here * sharing * (step_base / step_slope + in_service + 1) / (in_service + 1),
            ),
        ),
    ),
    assumes=(),
    sources=(BONALD,),
    example=group,
    example_text=GROUP,
)

seen = Derivation(
    name="token-sees",
    title="What a token sees",
    rows=("12.1",),
    claim="A token finds itself, and as many others as time does: requests are as likely to decode with n others in "
    "service as the group is to hold n.",
    start=Compared(
        token_share,
        Modelled(made_rate, formulas.tokens_made),
        Modelled(asked_rate, formulas.tokens_come),
        "tokens of steps with one more in service over all that are asked for",
    ),
    steps=(Step("as equilibrium has it", substitute(balance), equation(token_share, chance_here)),),
    assumes=(),
    sources=(KLEINROCK,),
    example=group,
    example_text=GROUP,
)

DERIVATIONS = (balance, ratio, seen)
