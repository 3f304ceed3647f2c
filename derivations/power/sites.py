"""Chapter 15, power and heat: sites and racks that run out of watts, and who earns there."""

from steptime.derivations.axioms import FED_AND_COOLED, SITE_PAID
from steptime.derivations.claims import Claim, Wording
from steptime.derivations.facts import Defined, Modelled, given, instance
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.power import formulas
from steptime.derivations.power.chips import joules
from steptime.derivations.power.numbers import BARROSO, CHIP, CHOI, KYBER, REACH, TEXT, board
from steptime.derivations.rules import equation, identity, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics import power
from steptime.model.scenario import Scenario

from steptime.derivations.power.symbols import (  # isort: skip
    cable_reach, cable_run, chip_price_rate, domain_chips, electricity_rate, electricity_share, energy_elasticity,
    energy_rise, rack_power, raised_token_cost, reached_racks, site_chips, site_cost, site_draw, site_steps,
    site_token_cost, step_yields,
)  # fmt: skip
from steptime.model.economics.symbols import (  # isort: skip
    byte_energy, idle_power, power_usage, site_power,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    step_memory_bytes, step_time,
)  # fmt: skip
from steptime.model import symbols as q

STEPS = Modelled(site_steps, power.steps_of_site)
LECTURE = "Pope 2026, blackboard lecture, chapter 2: domains grow until power, cooling and cables end them"
every_joule = idle_power * step_time + power.worked

rate = Derivation(
    name="site-steps",
    title="What a site that is short of watts does",
    rows=("15.7",),
    claim="The joules of a step decide: faster chips of the same joules make no more tokens on a site that is short of "
    "watts. What a chip draws whatever it does is among them, less in a shorter step, and what cools it counts too.",
    start=STEPS,
    steps=(
        Step(
            "the joules of a step",
            substitute(joules),
            equation(site_steps, site_power / (power_usage * every_joule)),
        ),
    ),
    assumes=(FED_AND_COOLED,),
    sources=(CHOI, BARROSO),
    example=board,
    example_text=f"{TEXT}; a site of 10 MW with a PUE of 1.25",
)

cost = Derivation(
    name="cost-where-watts-are-short",
    title="What a token costs where watts are short",
    rows=("15.7",),
    claim="The price of a watt of the site, times the joules of a token and of its cooling.",
    start=Modelled(site_token_cost, formulas.cost_on_site),
    steps=(
        Step(
            "what the site does",
            substitute(rate),
            equation(site_token_cost, site_cost * power_usage * every_joule / (site_power * step_yields)),
        ),
    ),
    assumes=(SITE_PAID,),
    sources=(CHOI,),
    example=board,
    example_text=f"{TEXT}; a site of 10 MW with a PUE of 1.25, for 10 dollars a second",
)

DEARER = {site_token_cost: raised_token_cost, byte_energy: byte_energy * (1 + energy_rise)}
earns = Derivation(
    name="worth-of-a-joule",
    title="Who earns where watts are short",
    rows=("15.8",),
    claim="Who makes a byte one per cent cheaper in joules makes a token cheaper by memory's share of the joules: "
    "shares of energy are there what shares of time are at a bottleneck, and all of them count at once.",
    start=Modelled(energy_elasticity, formulas.dearer),
    steps=(
        Step(
            "the cost before, and with dearer bytes",
            substitute(instance(cost, DEARER), cost),
            equation(
                energy_elasticity,
                ((every_joule + byte_energy * energy_rise * step_memory_bytes) / every_joule - 1) / energy_rise,
            ),
        ),
        Step(
            "the rise cancels",
            identity(),
            equation(energy_elasticity, byte_energy * step_memory_bytes / every_joule),
        ),
    ),
    assumes=(),
    sources=(CHOI,),
    example=board,
    example_text=TEXT,
)

ALL_TAKEN = given(site_draw, site_power, "the site draws all that it may")
fed = Derivation(
    name="chips-of-a-site",
    title="Chips that a site feeds",
    rows=("15.9",),
    claim="Each watt of a chip takes that of its cooling and conversion: a better PUE is as good as more megawatts.",
    start=Modelled(site_draw, formulas.of_site),
    steps=(
        Step("all that it may", substitute(ALL_TAKEN), equation(site_power, power_usage * q.power * site_chips)),
        Step("solve for the chips", solve_for(site_chips), equation(site_chips, power.chips_on_site)),
    ),
    assumes=(FED_AND_COOLED, ALL_TAKEN),
    sources=(BARROSO,),
    example=board,
    example_text=f"{CHIP}; a site of 10 MW with a PUE of 1.25",
)

bill = Derivation(
    name="electricity-share",
    title="The share of electricity",
    rows=("15.9",),
    claim="Small beside what chips cost: who is short of watts pays for them in chips that stand still, not in cents.",
    start=Defined(
        electricity_share,
        electricity_rate / (chip_price_rate + electricity_rate),
        "electricity over all that a chip costs",
    ),
    steps=(
        Step(
            "what a chip and its cooling draw",
            substitute(Modelled(electricity_rate, formulas.for_electricity)),
            equation(
                electricity_share,
                formulas.for_electricity / (chip_price_rate + formulas.for_electricity),
            ),
        ),
    ),
    assumes=(FED_AND_COOLED,),
    sources=(BARROSO,),
    example=board,
    example_text=f"{CHIP}; 2 dollars an hour, 8 cents a kilowatt-hour and a PUE of 1.25",
)

domain = Derivation(
    name="domain-in-reach",
    title="What bounds a scale-up domain",
    rows=("15.10",),
    claim="Racks that a cable reaches, and in each as many chips as it feeds and cools. Copper of twice the rate "
    "reaches less far, so that watts of one rack set the domain.",
    start=Modelled(domain_chips, formulas.in_reach),
    steps=(
        Step(
            "racks to either side",
            substitute(Modelled(reached_racks, formulas.reached)),
            equation(domain_chips, (1 + 2 * (cable_reach - cable_run)) * rack_power / q.power),
        ),
    ),
    assumes=(FED_AND_COOLED,),
    sources=(LECTURE, KYBER, REACH),
    example=board,
    example_text=f"{CHIP}; racks of 600 kW, and cables that reach no other one",
    holds=(at_least(cable_reach, cable_run),),
)

DERIVATIONS = (rate, cost, earns, fed, bill, domain)


def chips_of_rack(rack: float, chip: float) -> float:
    """Chips of one rack of so many watts."""
    return float(Scenario({**board(), rack_power: rack, q.power: chip}).evaluate(domain.result.rhs))


ALL_IN = 132e3 / 72
"""Watts of a GB200 NVL72 rack of 132 kW, for each of its chips."""

CLAIMS = (
    Claim("15.10", f"chips of a domain in one rack ({KYBER}), each of the all-in watts of a chip of an NVL72 rack of "
          "132 kW; the lecture: about 500", 500, lambda: chips_of_rack(600e3, ALL_IN),
          lambda: {"rack_power": 600e3, "power": ALL_IN}, Wording.ISH),
)  # fmt: skip
