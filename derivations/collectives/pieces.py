"""Chapter 8, collectives: a message cut in pieces that follow one another through stages, and the best number."""

from sympy import S

from steptime.derivations.axioms import EQUAL_PIECES, START_UP
from steptime.derivations.collectives.numbers import NCCL, SANDERS, THAKUR, TREE_OF_H100, tree_of_h100
from steptime.derivations.collectives.symbols import all_stages, piece_time, pieced_time, pieces
from steptime.derivations.facts import Chosen, Wavefront, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import equation, identity, minimise, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.network.pieces import best_pieces, in_best_pieces, in_one_piece
from steptime.model.symbols import further_stages, moving_time, piece_start

EACH = given(piece_time, piece_start + moving_time / pieces, "each piece starts in a stage, and passes its bytes")
STAGES = given(all_stages, further_stages + 1, "there is a first stage, and those after it")
SOONEST = Chosen(pieces, "as many pieces as take the least time")
ONE = given(pieces, S.One, "one piece")

time = Derivation(
    name="pieces-time",
    title="Time of a message in pieces, stage after stage",
    rows=("8.3",),
    claim="The last stage waits for the first piece only; each further piece costs its start and its bytes once.",
    start=Wavefront(
        pieced_time,
        across=all_stages,
        along=pieces,
        each=piece_time,
        closed=(pieces + all_stages - 1) * piece_time,
        why="when the last piece leaves the last stage",
    ),
    steps=(
        Step(
            "the stages after the first; a start and equal bytes for each piece",
            substitute(STAGES, EACH),
            equation(pieced_time, (pieces + further_stages) * (piece_start + moving_time / pieces)),
        ),
    ),
    assumes=(START_UP, EQUAL_PIECES, STAGES, EACH),
    sources=(THAKUR, SANDERS),
    example=tree_of_h100,
    example_text=TREE_OF_H100,
)

best = Derivation(
    name="best-pieces",
    title="The number of pieces in which a message takes the least time",
    rows=("8.3",),
    claim="Few pieces leave stages idle, many pay many starts: the best number grows with the root of the bytes.",
    start=time,
    steps=(
        Step("the least time", minimise(pieces), equation(pieces, best_pieces)),
    ),
    assumes=(SOONEST,),
    sources=time.sources,
    example=tree_of_h100,
    example_text=TREE_OF_H100,
    holds=(
        at_least(further_stages * moving_time, piece_start),
        more(further_stages * moving_time, 0),
        more(piece_start, 0),
    ),
)  # fmt: skip

least = Derivation(
    name="pieces-least-time",
    title="Least time of a message in pieces",
    rows=("8.3",),
    claim="The square of two roots: of the starts of all stages after the first, and of the bytes.",
    start=time,
    steps=(
        Step(
            "the best number of pieces",
            substitute(best),
            equation(
                pieced_time,
                (best_pieces + further_stages) * (piece_start + moving_time / best_pieces),
            ),
        ),
        Step("the square of a sum", identity(), equation(pieced_time, in_best_pieces)),
    ),
    assumes=(),
    sources=(*time.sources, NCCL),
    example=tree_of_h100,
    example_text=TREE_OF_H100,
    holds=best.holds,
)

whole = Derivation(
    name="one-piece-time",
    title="Time of a message in one piece, stage after stage",
    rows=("8.3",),
    claim="A message too small to be cut pays every start and passes every stage whole.",
    start=time,
    steps=(Step("one piece", substitute(ONE), equation(pieced_time, in_one_piece)),),
    assumes=(ONE,),
    sources=time.sources,
    example=tree_of_h100,
    example_text=TREE_OF_H100,
)

DERIVATIONS = (time, best, least, whole)
