"""Chapter 11, in practice: pieces of work fill a chip's processors in waves, of which the last leaves some idle."""

from sympy import Max, S, oo

from steptime.derivations.axioms import EQUAL_TILES
from steptime.derivations.facts import Defined, Tends, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.practice.numbers import FLASH_3, WAVES, waves
from steptime.derivations.practice.symbols import earlier_waves, last_pieces, piece_count, processor_reach, wave_ratio
from steptime.derivations.rules import equation, identity, limit, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.symbols import processors

LEFT = given(
    last_pieces,
    piece_count - earlier_waves * processors,
    "the last wave has what the others, which are full, have not taken",
)

ratio = Derivation(
    name="waves-of-pieces",
    title="What pieces take in waves, over processors that are always busy",
    rows=("11.4",),
    claim="Full waves take their even share. In the last a processor has a piece to itself: it works at its own rate, "
    "or all that is left at the rate of the whole chip, whichever takes longer.",
    start=Defined(
        wave_ratio,
        Max(earlier_waves * processors + last_pieces, earlier_waves * processors + processors / processor_reach)
        / piece_count,
        "the time of all waves, the last as long as the rate of the chip or that of one processor allows, over that of "
        "so many pieces at the rate of the chip: in units of one piece there",
    ),
    steps=(
        Step(
            "what is left for the last wave",
            substitute(LEFT),
            equation(
                wave_ratio,
                Max(piece_count, earlier_waves * processors + processors / processor_reach) / piece_count,
            ),
        ),
        Step(
            "never less than one",
            identity(),
            equation(wave_ratio, Max(S.One, (earlier_waves + 1 / processor_reach) * processors / piece_count)),
        ),
    ),
    assumes=(LEFT, EQUAL_TILES),
    sources=(FLASH_3,),
    example=waves,
    example_text=WAVES,
    holds=(at_least(piece_count - earlier_waves * processors, 1),),
)

ONE = given(
    earlier_waves, 0, "there is one wave; of more, whose pieces differ, a processor goes on with the next piece"
)
single = Derivation(
    name="one-wave-of-pieces",
    title="What pieces take that do not fill a wave",
    rows=("11.4",),
    claim="As long as one processor needs for one of them. Multiplying, where each does its even share, that is the "
    "processors over the pieces; reading, so many times less as one can draw more.",
    start=ratio,
    steps=(
        Step(
            "one wave",
            substitute(ONE),
            equation(wave_ratio, Max(S.One, processors / (processor_reach * piece_count))),
        ),
    ),
    assumes=(ONE,),
    sources=(FLASH_3,),
    example=lambda: {**waves(), piece_count: 20.0, last_pieces: 20.0, earlier_waves: 0.0},
    example_text="20 tiles on the 132 multiprocessors of an H100, of which each can draw 4.6 times its share",
)

ALONE = Tends(processor_reach, oo, "one processor alone could use all of the memory bandwidth")
reading = Derivation(
    name="waves-without-starving",
    title="Where one processor could use the whole of the memory bandwidth",
    rows=("11.4",),
    claim="Reading then loses nothing to a wave that is partly filled, however few pieces there are.",
    start=ratio,
    steps=(
        Step(
            "a processor that draws ever more",
            limit(processor_reach, oo),
            equation(wave_ratio, Max(S.One, earlier_waves * processors / piece_count)),
        ),
    ),
    assumes=(ALONE,),
    sources=(FLASH_3,),
    example=waves,
    example_text=WAVES,
    holds=(at_least(piece_count - earlier_waves * processors, 1),),
)

DERIVATIONS = (ratio, single, reading)
