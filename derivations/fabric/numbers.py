"""Numbers of a network of 400 Gb/s, with prices and where they are from, for the examples of chapter 16."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.derivations.fabric import symbols as own
from steptime.model.economics import symbols as m

LEISERSON = "Leiserson 1985, Fat-trees: universal networks, doi 10.1109/TC.1985.6312192"
AL_FARES = "Al-Fares, Loukissas and Vahdat 2008, A scalable commodity data center network, doi 10.1145/1402958.1402967"
SHEET = (
    "public sheet of August 2024, its address in examples/prices-market-parts.toml: a switch of 64 ports of 400 Gb/s "
    "for 36,000 dollars, about 50,000 the maker's own"
)
SAID = "public sheet of August 2024"
INFRA = "infra-economics.com (2026): network interfaces of 400 Gb/s 1,200 dollars, transceivers 500 to 1,000"
LINKX = "docs.nvidia.com, MMS4X00-NS: 17 W for a transceiver of two ports of 400 Gb/s; passive copper up to 3 m"

PRICES = (
    "1,024 chips with a port of 400 Gb/s each, switches of 64 ports for 36,000 dollars, interfaces for 1,200, "
    "transceivers for 750, copper to the leaf; cables of no price of their own"
)


def fabric() -> Mapping[Symbol, float]:
    """Two tiers for 1,024 chips, nothing oversubscribed."""
    found = {m.radix: 64.0, m.fabric_hosts: 1024.0, m.fabric_tiers: 2.0, m.oversubscription: 1.0,
             m.port_bandwidth: 50e9, m.switch_price: 36e3, m.nic_price: 1200.0, m.cable_price: 0.0,
             m.fibre_price: 0.0, m.transceiver_price: 750.0, m.transceiver_power: 8.5}  # fmt: skip
    leaf = {own.leaf_up: 32.0, own.leaf_down: 32.0, own.leaf_switches: 32.0, own.upper_links: 1024.0}
    return {**found, **leaf, own.pods: 64.0, own.pod_hosts: 1024.0, own.other_price: 40e3, own.upper_price: 3e3,
            own.other_time: 8e-3, own.upper_time: 0.2e-3}  # fmt: skip


def largest(tiers: float) -> Mapping[Symbol, float]:
    """The largest network of so many tiers."""
    return {**fabric(), m.fabric_tiers: tiers, m.fabric_hosts: 2 * 32.0**tiers}
