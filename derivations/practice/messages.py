"""Chapter 11, in practice: a collective takes no less than its bytes take on the slower tier."""

from sympy import Expr

from steptime.derivations.collectives.numbers import NCCL, THAKUR
from steptime.derivations.facts import Defined, Modelled
from steptime.derivations.practice.formulas import bound_of_messages
from steptime.derivations.practice.numbers import MESSAGES, messages
from steptime.derivations.practice.symbols import beyond_bound, bound_time, practice_time
from steptime.derivations.rules import equation, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.estimate import collectives


def above(name: str, title: str, claim: str, form: Expr) -> Derivation:
    """What one kind of collective takes beyond its bytes."""
    return Derivation(
        name=name,
        title=title,
        rows=("11.4",),
        claim=claim,
        start=Defined(beyond_bound, practice_time - bound_time, "the time in practice less the bound"),
        steps=(
            Step(
                "put in both",
                substitute(Modelled(practice_time, form), Modelled(bound_time, bound_of_messages)),
                equation(beyond_bound, form - bound_of_messages),
            ),
        ),
        assumes=(),
        sources=(THAKUR, NCCL),
        example=messages,
        example_text=MESSAGES,
    )


reduced = above(
    "sum-above-bound",
    "A sum over chips in practice is no shorter than its bytes",
    "Its start is that of the first piece through every stage; more pieces add starts, and what fills the stages.",
    collectives.reduced,
)
gathered = above(
    "gather-above-bound",
    "A gather in practice is no shorter than its bytes",
    "The starts of both tiers come on top: what one starts the other waits for.",
    collectives.gathered,
)
exchanged = above(
    "exchange-above-bound",
    "An exchange in practice is no shorter than its bytes",
    "Each tier has messages of its own, sent at the same time: the start of the slower one comes on top.",
    collectives.exchanged,
)

DERIVATIONS = (reduced, gathered, exchanged)
