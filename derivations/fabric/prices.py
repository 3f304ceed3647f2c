"""Chapter 16, the network as purchased: what a port, a byte/s and a tier cost, and how much of it to buy."""

from sympy import Rational

from steptime.derivations.axioms import NOT_HIDDEN, OPTICS_ABOVE
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.fabric import formulas
from steptime.derivations.fabric.numbers import AL_FARES, INFRA, LINKX, PRICES, SAID, SHEET, fabric
from steptime.derivations.fabric.trees import ports
from steptime.derivations.facts import Chosen, Defined, Modelled
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import equation, identity, minimise, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics import fabric as bought
from steptime.model.scenario import Scenario

from steptime.derivations.fabric.symbols import (  # isort: skip
    dollars_per_host, dollars_per_rate, other_price, other_time, ports_per_host, step_price, upper_price, upper_time,
    watts_per_host,
)  # fmt: skip
from steptime.model.economics.symbols import (  # isort: skip
    cable_price, fabric_tiers, fibre_price, nic_price, oversubscription, port_bandwidth, radix, switch_price,
    transceiver_power, transceiver_price,
)  # fmt: skip

host = Derivation(
    name="network-price-of-a-port",
    title="What a port of a chip costs in network",
    rows=("16.4",),
    claim="An interface, its share of all switches, and cables with their ends: the ends of the links between switches "
    "weigh as much as the switches do.",
    start=Defined(
        dollars_per_host,
        nic_price
        + ports_per_host * switch_price / radix
        + cable_price
        + (ports_per_host - 1) / 2 * (fibre_price + 2 * transceiver_price),
        "the interface, ports of switches, the cable to the leaf, and links between switches with an optical end each",
    ),
    steps=(
        Step("ports of switches", substitute(ports), equation(dollars_per_host, bought.host_price)),
    ),
    assumes=(OPTICS_ABOVE,),
    sources=(SHEET, INFRA),
    example=fabric,
    example_text=PRICES,
)  # fmt: skip

rate = Derivation(
    name="network-price-of-bandwidth",
    title="What a byte/s of a chip costs in network",
    rows=("16.4",),
    claim="The price of a port over its bandwidth: it steps up where the network needs another tier.",
    start=Defined(dollars_per_rate, dollars_per_host / port_bandwidth, "the price of a port over its bandwidth"),
    steps=(Step("the price of a port", substitute(host), equation(dollars_per_rate, bought.bandwidth_price)),),
    assumes=(),
    sources=(SHEET, INFRA),
    example=fabric,
    example_text=PRICES,
)

tier = Derivation(
    name="price-of-a-tier",
    title="What one more tier costs",
    rows=("16.5",),
    claim="Two ports, two optical ends and a fibre for each port of a chip, less where leaves are oversubscribed: a "
    "network pays for its size in the tiers above.",
    start=Modelled(dollars_per_host, bought.host_price),
    steps=(
        Step(
            "what does not depend on tiers, and what does",
            identity(),
            equation(
                dollars_per_host,
                nic_price
                + cable_price
                + switch_price / radix
                + (fabric_tiers - 1)
                / oversubscription
                * (2 * switch_price / radix + 2 * transceiver_price + fibre_price),
            ),
        ),
    ),
    assumes=(OPTICS_ABOVE,),
    sources=(SHEET, INFRA, AL_FARES),
    example=fabric,
    example_text=PRICES,
)

optics = Derivation(
    name="optics-power",
    title="Watts of optical ends",
    rows=("16.6",),
    claim="Each tier above the leaves brings two ends that draw as long as the link is up, bytes or not: "
    "copper draws next to nothing, and reaches three metres.",
    start=Modelled(watts_per_host, bought.optics_power),
    steps=(
        Step(
            "two ends of each link between switches",
            identity(),
            equation(watts_per_host, 2 * transceiver_power * (fabric_tiers - 1) / oversubscription),
        ),
    ),
    assumes=(OPTICS_ABOVE,),
    sources=(LINKX,),
    example=fabric,
    example_text=PRICES,
)

best = Derivation(
    name="best-oversubscription",
    title="The oversubscription that makes a token cheapest",
    rows=("16.7",),
    claim="As much is then spent on the tiers above as their traffic costs in the time of everything else: little "
    "traffic and a dear network ask for thin uplinks.",
    start=Modelled(step_price, formulas.of_oversubscribed),
    steps=(
        Step(
            "where it is least",
            minimise(oversubscription),
            equation(oversubscription, (upper_price * other_time / (other_price * upper_time)) ** Rational(1, 2)),
        ),
    ),
    assumes=(
        NOT_HIDDEN,
        Chosen(oversubscription, "leaves are oversubscribed as is cheapest"),
    ),
    sources=(AL_FARES,),
    example=fabric,
    example_text="a chip of 40,000 dollars, tiers above for 3,000; 8 ms of a step, and 0.2 ms across them",
    holds=(at_least(upper_price * other_time, other_price * upper_time),),
)

DERIVATIONS = (host, rate, tier, optics, best)


def dollars(hosts: float, **prices: float) -> float:
    """Dollars of a network of two tiers, some prices changed."""
    values = {**fabric(), **{symbol: prices[symbol.name] for symbol in fabric() if symbol.name in prices}}
    return hosts * float(Scenario(values).evaluate(host.result.rhs))


CLAIMS = (
    Claim("16.4", f"dollars of switches for 1,024 H100 ({SAID})", 1_728_000,
          lambda: dollars(1024, nic_price=0.0, transceiver_price=0.0), lambda: {"switch_price": 36e3},
          Wording.EXACT, Source.PAPER, "$"),
    Claim("16.4", "dollars of cables for 1,024 H100 (the same sheet: 2,621,440), by transceivers at 750 on "
          "both ends of each", 2_621_440, lambda: dollars(1024, nic_price=0.0, switch_price=0.0, cable_price=1500.0),
          lambda: {"transceiver_price": 750.0}, Wording.ABOUT, Source.PAPER, "$"),
)  # fmt: skip
