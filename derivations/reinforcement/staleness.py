"""Chapter 17, reinforcement learning: drawing and training at once, what it gains, and how old answers then are."""

from steptime.derivations.axioms import LITTLE
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Defined, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.reinforcement.balance import SEVENTY, step
from steptime.derivations.reinforcement.rollouts import FU, harmonic
from steptime.derivations.rules import both_sides, equation, identity, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step

from steptime.derivations.reinforcement.symbols import (  # isort: skip
    answer_age, answer_rate, answers_drawn, answers_in_flight, asynchrony_gain, generation_share, staleness, straggling,
)  # fmt: skip

AGE = given(answer_age, answers_in_flight / answer_rate, "answers in flight over those that are trained on a second")
BEHIND = Defined(
    staleness,
    answer_age * answer_rate / answers_drawn,
    "optimizer steps in the time from an answer's beginning to its being trained on",
)

stale = Derivation(
    name="staleness",
    title="How many steps old the weights are that began an answer",
    rows=("17.3",),
    claim="Answers in flight over answers a step, however fast either side is: what waits in a buffer counts as well.",
    start=BEHIND,
    steps=(
        Step(
            "the age by what is in flight",
            substitute(AGE),
            equation(staleness, answers_in_flight / answers_drawn),
        ),
    ),
    assumes=(LITTLE, AGE),
    sources=(FU,),
    example=step,
    example_text=f"{SEVENTY}; 4,096 answers in flight",
)

most = Derivation(
    name="answers-for-staleness",
    title="Answers that may be in flight at a given staleness",
    rows=("17.3",),
    claim="A limit on staleness is a limit on the batch that draws: fast generation of long answers wants large steps.",
    start=stale,
    steps=(
        Step(
            "solve for the answers",
            solve_for(answers_in_flight),
            equation(answers_in_flight, staleness * answers_drawn),
        ),
    ),
    assumes=(),
    sources=(FU,),
    example=lambda: {**step(), staleness: 4.0},
    example_text=f"{SEVENTY}; four steps old on average",
)

TURNS = Defined(
    asynchrony_gain,
    straggling * generation_share + 1 - generation_share,
    "time of drawing, the longest answer waited for, and of training, over that of both with every place refilled",
)

gain = Derivation(
    name="asynchrony-gain",
    title="What drawing and training at once gain over taking turns",
    rows=("17.3",),
    claim="What waiting for the longest answer costs, and no more: chips do the same work either way.",
    start=TURNS,
    steps=(
        Step(
            "the waiting alone",
            identity(),
            equation(asynchrony_gain, 1 + generation_share * (straggling - 1)),
        ),
    ),
    assumes=(),
    sources=(FU,),
    example=step,
    example_text=f"{SEVENTY}; the longest answer takes the rollout 1.6 times as long",
)

needed = Derivation(
    name="straggling-by-gain",
    title="The waiting that a gain of asynchrony reveals",
    rows=("17.3",),
    claim="What is gained over the share of drawing: a factor of two and more tells of few, long answers.",
    start=gain,
    steps=(
        Step(
            "less what takes turns anyhow",
            both_sides(side - 1),
            equation(asynchrony_gain - 1, generation_share * (straggling - 1)),
        ),
        Step(
            "solve for the waiting",
            solve_for(straggling),
            equation(straggling, 1 + (asynchrony_gain - 1) / generation_share),
        ),
    ),
    assumes=(),
    sources=(FU,),
    example=lambda: {**step(0.05), asynchrony_gain: 2.77},
    example_text=f"{SEVENTY}; drawing takes four fifths of the step, asynchrony gains a factor of 2.77",
    holds=(more(generation_share, 0), more(generation_share + asynchrony_gain, 1)),
)

DERIVATIONS = (stale, most, gain, needed)


def _inputs() -> dict[str, float]:
    return {generation_share.name: 0.8, asynchrony_gain.name: 2.77}


CLAIMS = (
    Claim("17.3", f"What a rollout waits for its longest answer if asynchrony gains 2.77 ({FU}: up to 2.77 times) and "
          "drawing takes four fifths: within the harmonic number of a thousand answers", None, needed.evaluate, _inputs,
          source=Source.OWN, must=lambda value: 1 < value < harmonic(1000)),
)  # fmt: skip
