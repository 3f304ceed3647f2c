"""Chapter 16, the network as purchased: ports, switches and cables of a fat tree."""

import sympy
from sympy import Ne

from steptime.derivations.axioms import EQUAL_SWITCHES, PASSES_ALL_ON
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.fabric import formulas
from steptime.derivations.fabric.numbers import AL_FARES, LEISERSON, PRICES, SAID, SHEET, fabric, largest
from steptime.derivations.facts import Crossing, Defined, Modelled, given
from steptime.derivations.inequalities.conditions import at_least, related
from steptime.derivations.rules import both_sides, equation, identity, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics import fabric as bought
from steptime.model.scenario import Scenario

from steptime.derivations.fabric.symbols import (  # isort: skip
    all_switches, cables_per_host, leaf_down, leaf_switches, leaf_up, pod_hosts, pods, ports_per_host, upper_links,
)  # fmt: skip
from steptime.model.economics.symbols import fabric_hosts, fabric_tiers, oversubscription, radix

EVEN = given(oversubscription, 1, "as many ports up as down")
LEAVES = Modelled(leaf_switches, formulas.leaves)
TWO_TIERS = given(fabric_tiers, 2, "two tiers")
ONE_PORT_A_LEAF = given(leaf_switches, radix, "each switch of the top tier has a port for each leaf")
ONE_PORT_A_POD = given(pods, radix, "each switch of the top tier has a port for each part")
WORLD = (EQUAL_SWITCHES, PASSES_ALL_ON)

leaf = Derivation(
    name="leaf-uplinks",
    title="Ports of a leaf switch that go up",
    rows=("16.1",),
    claim="Oversubscription sells uplinks for ports to chips: of a switch a half goes up at one to one, a quarter at "
    "three to one.",
    start=Crossing(
        Modelled(leaf_down, formulas.rest_of_leaf),
        Modelled(leaf_down, formulas.shared_leaf),
        "what does not go up goes down, and is so many times what does",
    ),
    steps=(Step("solve for the uplinks", solve_for(leaf_up), equation(leaf_up, bought.up)),),
    assumes=(EQUAL_SWITCHES,),
    sources=(LEISERSON,),
    example=fabric,
    example_text=PRICES,
)
downs = Derivation(
    name="leaf-downlinks",
    title="Ports of a leaf switch that go down",
    rows=("16.1",),
    claim="The rest of its ports.",
    start=Modelled(leaf_down, formulas.shared_leaf),
    steps=(Step("the uplinks", substitute(leaf), equation(leaf_down, bought.down)),),
    assumes=(),
    sources=(LEISERSON,),
    example=fabric,
    example_text=PRICES,
)

two = Derivation(
    name="two-tier-hosts",
    title="The largest network of two tiers",
    rows=("16.2",),
    claim="Half the square of the radix: 2,048 ports of switches with 64. A switch of twice the ports makes it four "
    "times as large.",
    start=LEAVES,
    steps=(
        Step("the ports that go down", substitute(downs),
             equation(leaf_switches, fabric_hosts * (1 + oversubscription) / (radix * oversubscription))),
        Step("each leaf on every switch above", substitute(ONE_PORT_A_LEAF),
             equation(radix, fabric_hosts * (1 + oversubscription) / (radix * oversubscription))),
        Step("nothing oversubscribed", substitute(EVEN), equation(radix, 2 * fabric_hosts / radix)),
        Step("solve for the ports", solve_for(fabric_hosts), equation(fabric_hosts, radix**2 / 2)),
    ),
    assumes=(ONE_PORT_A_LEAF, EVEN),
    sources=(AL_FARES,),
    example=lambda: largest(2.0),
    example_text="switches of 64 ports",
)  # fmt: skip

three = Derivation(
    name="three-tier-hosts",
    title="The largest network of three tiers",
    rows=("16.2",),
    claim="A quarter of the cube of the radix: 65,536 ports of switches with 64.",
    start=Modelled(fabric_hosts, formulas.in_pods),
    steps=(
        Step("a part for each port of a switch of the top tier", substitute(ONE_PORT_A_POD),
             equation(fabric_hosts, radix * pod_hosts)),
        Step("half of the ports of half as many leaves as a switch has ports", substitute(HALVES := given(
            pod_hosts, (radix / 2) ** 2, "a part has as many leaves as a switch has ports that go up, and each as many "
            "ports for chips")), equation(fabric_hosts, radix**3 / 4)),
    ),
    assumes=(EQUAL_SWITCHES, ONE_PORT_A_POD, HALVES),
    sources=(AL_FARES,),
    example=lambda: largest(3.0),
    example_text="switches of 64 ports",
)  # fmt: skip

TIERS = sympy.log(fabric_hosts / 2) / sympy.log(radix / 2)
tiers = Derivation(
    name="tiers-for-hosts",
    title="Tiers that a network needs",
    rows=("16.2",),
    claim="A tier more for each time that the network grows by half of the radix: with switches of 64 the third comes "
    "at 2,048 ports.",
    start=Modelled(fabric_hosts, bought.most_hosts),
    steps=(
        Step("its logarithm, to the base of half of the radix", both_sides(sympy.log(side / 2) / sympy.log(radix / 2)),
             equation(TIERS, sympy.log((radix / 2) ** fabric_tiers) / sympy.log(radix / 2))),
        Step("which is the tiers", identity(), equation(TIERS, fabric_tiers)),
    ),
    assumes=WORLD,
    sources=(AL_FARES,),
    example=lambda: largest(2.0),
    example_text="the largest network of two tiers of switches of 64 ports",
    holds=(related(Ne, sympy.log(radix / 2), 0), at_least(TIERS, 1)),
)  # fmt: skip

switches = Derivation(
    name="switches-of-a-tree",
    title="Switches of a network",
    rows=("16.3",),
    claim="Three for each radix of chips in two tiers, five in three: each tier more brings two ports for every port "
    "of a chip.",
    start=Modelled(all_switches, formulas.every_switch),
    steps=(
        Step("links that go up", substitute(Modelled(upper_links, formulas.going_up)),
             equation(all_switches, leaf_switches
                      + (2 * (fabric_tiers - 2) + 1) * leaf_switches * leaf_up / radix)),
        Step("leaves, and their ports", substitute(LEAVES),
             equation(all_switches, fabric_hosts / leaf_down
                      + (2 * (fabric_tiers - 2) + 1) * fabric_hosts * leaf_up / (leaf_down * radix))),
        Step("up and down", substitute(leaf, downs),
             equation(all_switches, fabric_hosts * (1 + oversubscription) / (radix * oversubscription)
                      + (2 * (fabric_tiers - 2) + 1) * fabric_hosts / (oversubscription * radix))),
        Step("as ports over the radix", identity(), equation(all_switches, bought.switches)),
    ),
    assumes=WORLD,
    sources=(LEISERSON, AL_FARES, SHEET),
    example=fabric,
    example_text=PRICES,
)  # fmt: skip

ports = Derivation(
    name="ports-per-host",
    title="Ports for each port of a chip",
    rows=("16.3",),
    claim="One at the leaf, and two for each link that goes up: what is oversubscribed saves in all tiers above.",
    start=Defined(ports_per_host, all_switches * radix / fabric_hosts, "ports of all switches over those of chips"),
    steps=(Step("all switches", substitute(switches), equation(ports_per_host, bought.ports)),),
    assumes=(),
    sources=(LEISERSON,),
    example=fabric,
    example_text=PRICES,
)
cables = Derivation(
    name="cables-per-host",
    title="Cables for each port of a chip",
    rows=("16.3",),
    claim="Each port of a switch is one end of a cable, and each port of a chip another.",
    start=Defined(cables_per_host, (ports_per_host + 1) / 2, "a cable has two ends"),
    steps=(Step("ports of switches", substitute(ports), equation(cables_per_host, 1 + bought.links)),),
    assumes=(),
    sources=(LEISERSON,),
    example=fabric,
    example_text=PRICES,
)

DERIVATIONS = (leaf, downs, two, three, tiers, switches, ports, cables)


def count_of(hosts: float, of_tiers: float) -> float:
    """Switches of 64 ports for so many chips."""
    values = {**fabric(), fabric_hosts: hosts, fabric_tiers: of_tiers}
    return float(Scenario(values).evaluate(switches.result.rhs))


def _sheet(hosts: int, of_tiers: int, said: float) -> Claim:
    text = f"switches of 64 ports for {hosts:,} H100 in {of_tiers} tiers ({SAID})"
    return Claim("16.3", text, said, lambda: count_of(hosts, of_tiers),
                 lambda: {"fabric_hosts": float(hosts), "fabric_tiers": float(of_tiers)}, Wording.EXACT,
                 Source.PAPER)  # fmt: skip


CLAIMS = (_sheet(1_024, 2, 48), _sheet(32_768, 3, 2_560), _sheet(16_384, 3, 768))
