"""Chapter 11, in practice: a collective that passes its message on in pieces, from one stage to the next."""

from collections.abc import Mapping

from sympy import S, Symbol, sqrt

from steptime.derivations.axioms import ADDING_IS_FREE, IN_PIECES, START_UP
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Chosen, Line, Wavefront, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.practice.numbers import PIPELINED
from steptime.derivations.rules import equation, minimise, optimum, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario

from steptime.derivations.practice.symbols import (  # isort: skip
    later_stages, path_bytes, path_rate, path_stages, path_time, piece_start, piece_time, pieces,
)  # fmt: skip

STAGES = given(path_stages, later_stages + 1, "a first stage, and those behind it")
ONE_PIECE = given(
    piece_time, piece_start + path_bytes / (pieces * path_rate), "a piece starts up, and its bytes follow"
)
BEST_PIECES = Chosen(pieces, "the message is cut into as many pieces as take the least time")
in_pieces = (pieces + later_stages) * ONE_PIECE.line.rhs
best = sqrt(later_stages * path_bytes / (piece_start * path_rate))
least = (sqrt(later_stages * piece_start) + sqrt(path_bytes / path_rate)) ** 2
ENOUGH = at_least(later_stages * path_bytes, piece_start * path_rate)


def eight_chips(volume: float = 64e6) -> Mapping[Symbol, float]:
    """A message over the seven stages behind a first, at NVLink's rate."""
    return {later_stages: 7.0, piece_start: 1e-6, path_bytes: volume, path_rate: 450e9}


EIGHT = "64 MB in pieces over eight stages of 450 GB/s, 1 us a start"

number = Derivation(
    name="best-pieces",
    title="Pieces of a message that make a pipelined collective least",
    rows=("11.3",),
    claim="More pieces keep all stages busy, fewer start up less often: the best number is a root of the bytes.",
    start=Wavefront(
        path_time,
        across=path_stages,
        along=pieces,
        each=piece_time,
        closed=(pieces + path_stages - 1) * piece_time,
        why="when the last piece leaves the last stage",
    ),
    steps=(
        Step("so many stages; the time of a piece", substitute(STAGES, ONE_PIECE), equation(path_time, in_pieces)),
        Step("least over the pieces", minimise(pieces), equation(pieces, best)),
    ),
    assumes=(START_UP, ADDING_IS_FREE, IN_PIECES, STAGES, ONE_PIECE, BEST_PIECES),
    sources=(PIPELINED,),
    example=eight_chips,
    example_text=EIGHT,
    holds=(ENOUGH,),
)

time = Derivation(
    name="pipelined-collective",
    title="Least time of a pipelined collective",
    rows=("11.3",),
    claim="The roots of start-ups and of bytes add up, not they themselves: between small and large messages it takes "
    "longer than a start-up and the bytes.",
    start=Line(number, 1),
    steps=(
        Step(
            "least over the pieces",
            optimum((), (equation(pieces, best),), least, (S.One,), ()),
            equation(path_time, least),
        ),
    ),
    assumes=(BEST_PIECES,),
    sources=(PIPELINED,),
    example=eight_chips,
    example_text=EIGHT,
    holds=(ENOUGH,),
)


def whole_pieces(volume: float) -> float:
    """The least time over whole numbers of pieces, each moved from stage to stage, over that of the formula."""
    given_ = eight_chips(volume)
    stages = int(given_[later_stages]) + 1

    def moved(parts: int) -> float:
        free, each = [0.0] * stages, given_[piece_start] + volume / (parts * given_[path_rate])
        for _ in range(parts):
            arrived = 0.0
            for stage in range(stages):
                arrived = free[stage] = max(arrived, free[stage]) + each
        return free[-1]

    return min(map(moved, range(1, 101))) / float(Scenario(given_).evaluate(time.result.rhs))


DERIVATIONS = (number, time)

CLAIMS = tuple(
    Claim(
        "11.3",
        f"{volume / 1e6:g} MB over eight stages, the least time over whole numbers of pieces, each moved by itself, "
        "over the formula's: never less, and hardly more",
        None,
        lambda volume=volume: whole_pieces(volume),  # type: ignore[misc]
        lambda volume=volume: {s.name: value for s, value in eight_chips(volume).items()},  # type: ignore[misc]
        source=Source.OWN,
        must=lambda value: 1 - 1e-12 <= value < 1.02,
    )
    for volume in (1e6, 64e6)
)
