"""Chapter 15, power and heat: joules of a step, and its time under a cap of watts."""

from sympy import oo

from steptime.derivations.axioms import CACHES_FIT, ENERGY_ADDS_UP
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Chosen, Crossing, Defined, Modelled, Tends, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.power.formulas import of_token
from steptime.derivations.power.numbers import CHIP, CHOI, DECODE_WATTS, TEXT, board, multiplying
from steptime.derivations.power.symbols import capped_flops, token_energy
from steptime.derivations.rules import equation, identity, limit, minimise, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics import power
from steptime.model.scenario import Scenario

from steptime.model.economics.symbols import (  # isort: skip
    byte_energy, clock, drawn_power, idle_power, intensity, step_energy,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, context, flops_energy, flops_per_mac, kv_bytes, memory_bandwidth, micro_batch, peak_flops,
    power_cap, step_flops, step_memory_bytes, step_time, voltage_exponent,
)  # fmt: skip

WATTS = Modelled(drawn_power, power.drawn)
AT_THE_CAP = given(drawn_power, power_cap, "the chip draws all that the cap allows")
AT_FULL_SPEED = (
    given(step_flops, peak_flops * step_time, "it multiplies at its peak throughout"),
    given(step_memory_bytes, memory_bandwidth * step_time, "its memory streams at its peak throughout"),
)
FOR_EACH_BYTE = given(step_flops, intensity * step_memory_bytes, "so many FLOP for each byte of traffic")
MANY_FLOPS = Tends(intensity, oo, "ever more FLOP for each byte")
MANY = Tends(micro_batch, oo, "ever more sequences share the weights")

joules = Derivation(
    name="step-joules",
    title="Joules of a step",
    rows=("15.1",),
    claim="Work costs the same joules however long it takes; time costs the watts that are drawn anyway.",
    start=Modelled(step_energy, power.energy),
    steps=(
        Step("the watts by the work", substitute(WATTS), equation(step_energy, power.drawn * step_time)),
        Step("for as long as it takes", identity(), equation(step_energy, idle_power * step_time + power.worked)),
    ),
    assumes=(ENERGY_ADDS_UP,),
    sources=(CHOI,),
    example=board,
    example_text=TEXT,
)

capped = Derivation(
    name="power-time",
    title="Time of a step that its watts hold",
    rows=("15.2",),
    claim="A cap is a fourth term beside compute, memory and links: the joules of the work over the watts that are "
    "left for it. It adds FLOP and bytes, where the others compare them.",
    start=WATTS,
    steps=(
        Step("all that is allowed", substitute(AT_THE_CAP), equation(power_cap, power.drawn)),
        Step("solve for the time", solve_for(step_time), equation(step_time, power.power_time)),
    ),
    assumes=(ENERGY_ADDS_UP, AT_THE_CAP),
    sources=(CHOI,),
    example=lambda: board(150.0),
    example_text=f"{TEXT}; held at 150 W",
    holds=(more(power_cap, idle_power),),
)

full = Derivation(
    name="full-power",
    title="Watts with everything at its peak",
    rows=("15.2",),
    claim="At the ridge a chip draws most: one that is rated below it never shows both of its peaks at once.",
    start=WATTS,
    steps=(
        Step(
            "multiply-adds and memory at their peaks",
            substitute(*AT_FULL_SPEED),
            equation(
                drawn_power,
                idle_power
                + (flops_energy * peak_flops * step_time + byte_energy * memory_bandwidth * step_time) / step_time,
            ),
        ),
        Step(
            "the time cancels",
            identity(),
            equation(drawn_power, idle_power + flops_energy * peak_flops + byte_energy * memory_bandwidth),
        ),
    ),
    assumes=(ENERGY_ADDS_UP, *AT_FULL_SPEED),
    sources=(CHOI,),
    example=board,
    example_text=CHIP,
)

ridge = Derivation(
    name="power-ridge",
    title="Where watts begin to bind",
    rows=("15.3",),
    claim="Work of fewer FLOP for each byte is held by memory and never by this cap: decode hardly notices one.",
    start=Crossing(
        Modelled(step_time, power.streaming_time),
        Modelled(step_time, power.byte_power_time),
        "reading takes as long as the watts for it and its FLOP",
    ),
    steps=(Step("solve for the FLOP of a byte", solve_for(intensity),
                equation(intensity, power.power_ridge)),),
    assumes=(ENERGY_ADDS_UP,),
    sources=(CHOI, DECODE_WATTS),
    example=board,
    example_text=f"{CHIP}; held at 400 W",
    holds=(more(power_cap, idle_power + byte_energy * memory_bandwidth),),
)  # fmt: skip

flops = Derivation(
    name="flops-under-a-cap",
    title="FLOP/s under a cap",
    rows=("15.4",),
    claim="The joules of a FLOP and of its share of a byte: traffic takes its watts from the multiply-adds.",
    start=Defined(capped_flops, step_flops / step_time, "the FLOP of a step over its time"),
    steps=(
        Step(
            "held by its watts",
            substitute(capped),
            equation(capped_flops, step_flops * (power_cap - idle_power) / power.worked),
        ),
        Step(
            "so many FLOP for each byte",
            substitute(FOR_EACH_BYTE),
            equation(
                capped_flops,
                intensity
                * step_memory_bytes
                * (power_cap - idle_power)
                / (flops_energy * intensity * step_memory_bytes + byte_energy * step_memory_bytes),
            ),
        ),
        Step("the bytes cancel", identity(), equation(capped_flops, power.flops_at_cap)),
    ),
    assumes=(FOR_EACH_BYTE,),
    sources=(CHOI,),
    example=multiplying,
    example_text=f"{CHIP}; held at 400 W, 10,000 FLOP a byte",
    holds=(more(power_cap, idle_power),),
)

products = Derivation(
    name="products-under-a-cap",
    title="FLOP/s of products alone under a cap",
    rows=("15.4",),
    claim="Watts over joules: what a wider chip would add, it could not feed.",
    start=flops,
    steps=(
        Step(
            "hardly any traffic", limit(intensity, oo), equation(capped_flops, (power_cap - idle_power) / flops_energy)
        ),
    ),
    assumes=(MANY_FLOPS,),
    sources=(CHOI,),
    example=multiplying,
    example_text=f"{CHIP}; held at 400 W",
    holds=(more(power_cap, idle_power),),
)

token = Derivation(
    name="joules-of-a-token",
    title="Joules of a token in a large batch",
    rows=("15.5",),
    claim="The weights' traffic is shared and vanishes; a token pays for its multiply-adds and for its own cache, at a "
    "context where memory takes the larger part of the joules long before it binds.",
    start=Modelled(token_energy, of_token),
    steps=(
        Step(
            "a large batch",
            limit(micro_batch, oo),
            equation(token_energy, flops_energy * flops_per_mac * active_parameters + byte_energy * context * kv_bytes),
        ),
    ),
    assumes=(ENERGY_ADDS_UP, CACHES_FIT, MANY),
    sources=(CHOI,),
    example=board,
    example_text=TEXT,
)

slow = Derivation(
    name="cheapest-clock",
    title="The clock that takes least energy",
    rows=("15.6",),
    claim="Slower saves voltage and draws the constant for longer: where both weigh, the clock is best. A chip that "
    "draws much while idle should hurry.",
    start=Modelled(step_energy, power.slowed_energy),
    steps=(
        Step(
            "where it is least",
            minimise(clock),
            equation(
                clock,
                (idle_power / (2 * voltage_exponent * flops_energy * peak_flops)) ** (1 / (1 + 2 * voltage_exponent)),
            ),
        ),
    ),
    assumes=(ENERGY_ADDS_UP, Chosen(clock, "the clock takes least energy")),
    sources=(CHOI,),
    example=multiplying,
    example_text=f"{CHIP}; half the change of the clock in the voltage",
    holds=(more(idle_power, 0), more(voltage_exponent, 0)),
)

DERIVATIONS = (joules, capped, full, ridge, flops, products, token, slow)


def watts(**changed: float) -> float:
    """Watts of the example's decode step, some of its numbers changed."""
    values = {**board(), **{symbol: changed[symbol.name] for symbol in board() if symbol.name in changed}}
    return float(Scenario(values).evaluate(power.drawn))


CLAIMS = (
    Claim("15.1", f"watts of an H200 that decodes 64 sequences of 4,096 tokens of Llama 3.1 70B at the bound "
          f"({DECODE_WATTS}: at their own pace)", 300, watts,
          lambda: {"idle_power": board()[idle_power], "byte_energy": board()[byte_energy]}, Wording.ABOUT,
          Source.PAPER, "W"),
    Claim("15.3", f"FLOP for each byte from which a cap of 400 W binds an H200: such a step has fewer ({DECODE_WATTS})",
          None, lambda: float(Scenario(board(400.0)).evaluate(power.power_ridge)),
          lambda: {"intensity": board()[intensity]}, source=Source.OWN,
          must=lambda value: value > board()[intensity]),
)  # fmt: skip
