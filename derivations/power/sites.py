"""Chapter 15, power and heat: sites and racks that run out of watts, and who earns there."""

from steptime.derivations.axioms import FED_AND_COOLED, PAID_THROUGHOUT
from steptime.derivations.claims import Claim, Wording
from steptime.derivations.facts import Modelled, instance
from steptime.derivations.power import formulas
from steptime.derivations.power.chips import joules
from steptime.derivations.power.numbers import BARROSO, CHIP, CHOI, KYBER, TEXT, board
from steptime.derivations.rules import equation, identity, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics import power
from steptime.model.scenario import Scenario

from steptime.derivations.power.symbols import (  # isort: skip
    domain_chips, electricity_share, energy_elasticity, energy_rise, raised_token_cost, site_chips, site_cost,
    site_steps, site_token_cost, step_yields,
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
    claim="Joules alone decide: faster chips of the same joules make no more tokens on a site that is short of watts, "
    "and its cooling counts like its chips.",
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
    assumes=(PAID_THROUGHOUT,),
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

fed = Derivation(
    name="chips-of-a-site",
    title="Chips that a site feeds",
    rows=("15.9",),
    claim="Each watt of a chip takes that of its cooling and conversion: a better PUE is as good as more megawatts.",
    start=Modelled(site_chips, power.chips_on_site),
    steps=(Step("as it is written", identity(), equation(site_chips, site_power / (power_usage * q.power))),),
    assumes=(FED_AND_COOLED,),
    sources=(BARROSO,),
    example=board,
    example_text=f"{CHIP}; a site of 10 MW with a PUE of 1.25",
)

bill = Derivation(
    name="electricity-share",
    title="The share of electricity",
    rows=("15.9",),
    claim="Small beside what chips cost: who is short of watts pays for them in chips that stand still, not in cents.",
    start=Modelled(electricity_share, formulas.for_electricity),
    steps=(Step("as it is written", identity(), equation(electricity_share, formulas.for_electricity)),),
    assumes=(PAID_THROUGHOUT,),
    sources=(BARROSO,),
    example=board,
    example_text=f"{CHIP}; 2 dollars an hour, 8 cents a kilowatt-hour and a PUE of 1.25",
)

domain = Derivation(
    name="domain-in-reach",
    title="What bounds a scale-up domain",
    rows=("15.10",),
    claim="As many chips as racks within reach of a cable can feed and cool: watts of a rack, not switches, set it.",
    start=Modelled(domain_chips, formulas.in_reach),
    steps=(Step("as it is written", identity(), equation(domain_chips, formulas.in_reach)),),
    assumes=(FED_AND_COOLED,),
    sources=(LECTURE, KYBER),
    example=board,
    example_text=f"{CHIP}; one rack of 600 kW",
)

DERIVATIONS = (rate, cost, earns, fed, bill, domain)


def chips_of_rack(rack: float, chip: float) -> float:
    """Chips of one rack of so many watts."""
    from steptime.derivations.power.symbols import rack_power

    return float(Scenario({**board(), rack_power: rack, q.power: chip}).evaluate(domain.result.rhs))


ALL_IN = 132e3 / 72
"""Watts of a GB200 NVL72 rack of 132 kW, for each of its chips."""

CLAIMS = (
    Claim("15.10", f"chips of a domain in one rack ({KYBER}), each of the all-in watts of a chip of an NVL72 rack of "
          "132 kW; the lecture: about 500", 500, lambda: chips_of_rack(600e3, ALL_IN),
          lambda: {"rack_power": 600e3, "power": ALL_IN}, Wording.ISH),
)  # fmt: skip
