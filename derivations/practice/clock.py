"""Chapter 11, in practice: the clock of a chip that may draw only so many watts."""

from steptime.derivations.axioms import SWITCHING
from steptime.derivations.facts import Defined, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.practice.numbers import CAPPED, RABAEY, capped
from steptime.derivations.practice.symbols import capped_clock, capped_draw, products_power, voltage_share
from steptime.derivations.rules import both_sides, equation, identity, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.estimate.clock import clock_share
from steptime.model.symbols import power, power_cap, resting_power, voltage_exponent

VOLTAGE = given(voltage_share, capped_clock**voltage_exponent, "the voltage falls with a power of the clock")
AT_THE_CAP = given(capped_draw, power_cap, "the clock is the highest at which the chip draws no more than its cap")
RATED = given(
    products_power, power - resting_power, "products that have a chip to themselves draw the rest of its rated power"
)
root = 1 / (1 + 2 * voltage_exponent)
left = (power_cap - resting_power) / products_power

clock = Derivation(
    name="clock-under-a-cap",
    title="The clock that a power cap allows",
    rows=("11.4",),
    claim="A root of the watts that a cap leaves for multiply-adds: at the rated power one, at what a chip draws beside"
    " them none. Joules per FLOP drop out, since the rated power says what multiply-adds take at the clock that goes "
    "with it.",
    start=Defined(
        capped_draw,
        resting_power + products_power * voltage_share**2 * capped_clock,
        "the watts beside multiply-adds, and what these take at the rated power, by voltage and clock",
    ),
    steps=(
        Step(
            "the voltage by the clock",
            substitute(VOLTAGE),
            equation(
                capped_draw,
                resting_power + products_power * capped_clock ** (2 * voltage_exponent) * capped_clock,
            ),
        ),
        Step(
            "one power of the clock",
            identity(),
            equation(capped_draw, resting_power + products_power * capped_clock ** (1 + 2 * voltage_exponent)),
        ),
        Step(
            "as much as the cap allows",
            substitute(AT_THE_CAP),
            equation(power_cap, resting_power + products_power * capped_clock ** (1 + 2 * voltage_exponent)),
        ),
        Step(
            "what is left for multiply-adds, over what they take at the rated power",
            both_sides((side - resting_power) / products_power),
            equation(left, capped_clock ** (1 + 2 * voltage_exponent)),
        ),
        Step(
            "the root",
            both_sides(side**root),
            equation(left**root, capped_clock),
        ),
        Step(
            "the other way round",
            solve_for(capped_clock),
            equation(capped_clock, left**root),
        ),
        Step(
            "what products take at the rated power",
            substitute(RATED),
            equation(capped_clock, clock_share),
        ),
    ),
    assumes=(SWITCHING, VOLTAGE, AT_THE_CAP, RATED),
    sources=(RABAEY,),
    example=capped,
    example_text=CAPPED,
    holds=(more(power, resting_power), at_least(power_cap, resting_power)),
)

DERIVATIONS = (clock,)
