"""Chapter 16, the network as purchased: counts of a fat tree, tier by tier, and what a step costs on it."""

from steptime.derivations.fabric.symbols import (  # isort: skip
    leaf_down, leaf_switches, leaf_up, other_price, other_time, pod_hosts, pods, upper_links, upper_price, upper_time,
)  # fmt: skip
from steptime.model.economics.symbols import fabric_hosts, fabric_tiers, oversubscription, radix

rest_of_leaf = radix - leaf_up
shared_leaf = oversubscription * leaf_up
"""Ports of a leaf towards chips: all that do not go up, and as many times those that do."""

leaves = fabric_hosts / leaf_down
going_up = leaf_switches * leaf_up
every_switch = leaf_switches + (2 * (fabric_tiers - 2) + 1) * upper_links / radix
"""Leaves; and of each link that goes up two ports in each tier between, and one in the top tier."""

in_pods = pods * pod_hosts
"""A switch of the top tier has a port for each part of the network."""

of_oversubscribed = (other_price + upper_price / oversubscription) * (other_time + oversubscription * upper_time)
"""Dollars times seconds, where what crosses the tiers above the leaves is not hidden behind anything."""
